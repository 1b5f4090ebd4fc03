// SPDX-License-Identifier: Apache-2.0
#include "interpose/spawn_stack.hpp"

#include <sys/mman.h>

#include <atomic>

#include "base/syscall.hpp"
#include "base/thread_local.hpp"
#include "interpose/stubs.hpp"

namespace ap::interpose {
namespace {

constexpr std::size_t kSize = 256 * 1024;  // touched as far as it is used
AP_THREAD_LOCAL char* top;
std::atomic<char*> spare{nullptr};  // the last one that was used: its pages are there already

struct Job {
  Handler handler;
  long words[6];
};

}  // namespace

SpawnStack::SpawnStack() noexcept : base_(spare.exchange(nullptr, std::memory_order_acquire)), outer_(top) {
  if (!base_) {
    const long at =
        sys::call(SYS_mmap, nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    base_ = at < 0 && at > -4096 ? nullptr : reinterpret_cast<char*>(at);
  }
  top = base_ ? base_ + kSize : nullptr;
}

SpawnStack::~SpawnStack() {
  top = outer_;
  char* none = nullptr;
  if (base_ && !spare.compare_exchange_strong(none, base_, std::memory_order_release))
    sys::call(SYS_munmap, base_, kSize);
}

bool SpawnStack::waiting() noexcept {
  return top != nullptr;
}

long SpawnStack::run(Handler handler, long a, long b, long c, long d, long e, long f) noexcept {
  Job job{handler, {a, b, c, d, e, f}};
  char* stack = top;
  top = nullptr;
  const long result = ap_call_on_stack(
      [](void* context) {
        const Job& j = *static_cast<Job*>(context);
        return j.handler(j.words[0], j.words[1], j.words[2], j.words[3], j.words[4], j.words[5]);
      },
      &job, stack);
  top = stack;
  return result;
}

}  // namespace ap::interpose
