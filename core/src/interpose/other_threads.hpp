// SPDX-License-Identifier: Apache-2.0
//
// Keeps the other threads of this process still while the entries of functions that they may be running change.
//
// Used by patch.cpp alone. Nothing here allocates or takes a lock; needs /proc. Without it nobody is held.
#pragma once
#include <signal.h>

#include <cstdint>

namespace ap::interpose {

// While it lives, no handler runs on the caller's thread: it could call what only the caller can set free.
class SignalsHeldBack {
 public:
  SignalsHeldBack() noexcept;
  ~SignalsHeldBack();
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;

 private:
  std::uint64_t before_ = 0;
};

// While it lives, every other thread sleeps: in a system call that it had begun (it is left alone there: no EINTR), or
// in our handler of SIGURG, which is ignored by default and which a late arrival therefore cannot hurt. A thread whose
// next instruction satisfies `inside` is let run on until it does not. A thread that blocks SIGURG and never sleeps is
// given up after 20 ms, and a sleeping one may still wake from its system call. One at a time.
class HeldThreads {
 public:
  using Inside = bool (*)(std::uintptr_t instruction, const void* context);
  HeldThreads(Inside inside, const void* context) noexcept;
  ~HeldThreads();
  HeldThreads(const HeldThreads&) = delete;
  HeldThreads& operator=(const HeldThreads&) = delete;

 private:
  bool handling_ = false;
};

}  // namespace ap::interpose
