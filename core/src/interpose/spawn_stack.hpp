// SPDX-License-Identifier: Apache-2.0
//
// A roomier stack for handlers in the child of posix_spawn. libc gives that child 32 KB without a guard page, in memory
// shared with the parent; an exec or an open judged there needs more. The parent's posix_spawn entry has one ready
// (it is suspended meanwhile, its thread-local storage is the child's) and keeps it for the next.
//
//   if (SpawnStack::waiting()) return SpawnStack::run(do_open, a, b, c, d, e, f);
#pragma once
#include <cstddef>

#include "interpose/calls.hpp"

namespace ap::interpose {

class SpawnStack {
 public:
  SpawnStack() noexcept;
  ~SpawnStack();
  SpawnStack(const SpawnStack&) = delete;

  static bool
  waiting() noexcept;  // this thread, or its parent, is inside posix_spawn and nothing runs on the stack yet
  static long run(Handler handler, long a, long b, long c, long d, long e, long f) noexcept;

 private:
  char* base_;
  char* outer_;
};

}  // namespace ap::interpose
