// SPDX-License-Identifier: Apache-2.0
#include "event/instance.hpp"

#include <sys/mman.h>

#include <atomic>

#include "base/clock.hpp"
#include "base/syscall.hpp"

namespace ap::event {
namespace {

constexpr int kWipeOnFork = 18;  // MADV_WIPEONFORK, Linux 4.14

std::atomic<std::atomic<std::uint32_t>*> g_page{nullptr};
std::atomic<std::uint32_t> g_plain{0};  // where the kernel has no MADV_WIPEONFORK: only after_fork() tells
std::atomic<std::uint64_t> g_seq{0};
char g_id[32];
std::atomic<bool> g_has_id{false};

std::atomic<std::uint32_t>& begun() noexcept {
  if (auto* page = g_page.load(std::memory_order_acquire)) return *page;
  const long mapped = sys::call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped < 0 && mapped > -4096) return g_plain;
  if (sys::call(SYS_madvise, mapped, 4096, kWipeOnFork) != 0) {
    sys::call(SYS_munmap, mapped, 4096);
    g_page.store(&g_plain, std::memory_order_release);
    return g_plain;
  }
  std::atomic<std::uint32_t>*none = nullptr, *page = reinterpret_cast<std::atomic<std::uint32_t>*>(mapped);
  if (!g_page.compare_exchange_strong(none, page)) {
    sys::call(SYS_munmap, mapped, 4096);
    return *none;
  }
  return *page;
}

}  // namespace

bool instance_is_new() noexcept {
  // Without a page nothing has begun yet, and most processes do not get that far.
  auto* page = g_page.load(std::memory_order_acquire);
  return (page ? *page : g_plain).load(std::memory_order_acquire) == 0;
}

bool begin_instance() noexcept {
  std::uint32_t none = 0;
  if (!begun().compare_exchange_strong(none, 2, std::memory_order_acq_rel)) return false;
  std::uint8_t bytes[16];
  if (sys::call(SYS_getrandom, bytes, sizeof bytes, 1 /* GRND_NONBLOCK */) != sizeof bytes) {
    // No entropy yet: unique enough from what differs between processes.
    std::uint64_t mix = monotonic_ns() ^ (static_cast<std::uint64_t>(sys::call(SYS_getpid)) << 32);
    for (auto& b : bytes)
      b = static_cast<std::uint8_t>((mix = mix * 6364136223846793005ull + 1442695040888963407ull) >> 56);
  }
  const std::uint64_t ms = unix_ns() / 1000000;
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x70);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  for (int i = 0; i < 16; ++i) {
    g_id[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    g_id[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  g_seq.store(0, std::memory_order_relaxed);
  g_has_id.store(true, std::memory_order_release);
  begun().store(1, std::memory_order_release);
  return true;
}

void forget_instance() noexcept {
  // The page is empty in a forked child; where the kernel does not see to that there is none.
  g_plain.store(0, std::memory_order_release);
}

std::string_view instance_id() noexcept {
  return g_has_id.load(std::memory_order_acquire) ? std::string_view(g_id, sizeof g_id) : std::string_view();
}

std::uint64_t next_seq() noexcept {
  return g_seq.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace ap::event
