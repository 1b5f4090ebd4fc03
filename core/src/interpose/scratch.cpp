// SPDX-License-Identifier: Apache-2.0
#include "interpose/scratch.hpp"

#include <errno.h>
#include <sys/mman.h>

#include "base/syscall.hpp"
#include "base/thread_local.hpp"

namespace ap::interpose {
namespace {

constexpr std::size_t kUsual = 48 * 1024;
constexpr std::size_t kKept = 256 * 1024;  // larger ones are not kept for the next exec

// One mapping per thread. A vfork child that execs leaves it behind in its parent's memory: its note then names a
// thread that is no longer in this address space, and the next exec of the thread takes it over, with its pages.
struct Note {
  void* base;
  std::size_t size;
  long owner;
};
AP_THREAD_LOCAL Note note;

// False when somebody is in the middle of an exec with it: this thread, interrupted by a signal, or, in a child of
// vfork that such an interruption started, the suspended thread of the parent. (A child that has executed may well be
// alive.)
bool is_free(long self) noexcept {
  if (!note.base) return true;
  return note.owner != self && sys::call(SYS_tgkill, sys::call(SYS_getppid), note.owner, 0) == -ESRCH;
}

}  // namespace

Scratch::Scratch(std::size_t size) noexcept : size_((size + 4095) & ~std::size_t{4095}) {
  const long self = sys::call(SYS_gettid);
  noted_ = is_free(self);
  if (noted_ && note.base) {
    if (note.size >= size_ && note.size <= kKept) {
      base_ = static_cast<char*>(note.base);
      size_ = note.size;
      note.owner = self;
      return;
    }
    sys::call(SYS_munmap, note.base, note.size);
  }
  // The usual size is used from end to end.
  const int now = size_ <= kUsual ? MAP_POPULATE : 0;
  const long at = sys::call(SYS_mmap, nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | now, -1, 0);
  base_ = at < 0 && at > -4096 ? nullptr : reinterpret_cast<char*>(at);
  if (noted_) note = {base_, size_, self};
}

Scratch::~Scratch() {
  if (base_) sys::call(SYS_munmap, base_, size_);
  if (noted_) note = {};
}

}  // namespace ap::interpose
