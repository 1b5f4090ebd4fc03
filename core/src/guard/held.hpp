// SPDX-License-Identifier: Apache-2.0
//
// The descriptors that line 2 relies on between judging an object and using it, against other threads of the program
// that close such a number or put a descriptor of their own there.
//
//   holder   Opening: opens one, knows that nothing changed numbers meanwhile, keeps it until remove().
//            Lock: keeps one of the program's own.
//   changer  Change: around close, dup2, dup3, close_range (descriptors.cpp). Waits while somebody opens or holds.
//
// Both sides announce first and look then, so that of two that meet at least one sees the other. Signal-safe, no lock
// that outlives a thread for more than 2 ms. One page, which the kernel empties in a forked child: its threads hold
// nothing.
#pragma once
#include <cstdint>

namespace ap::held {

// Maps the page. Until then, and on kernels without MADV_WIPEONFORK (before 4.14), nothing is kept.
void begin() noexcept;

// Before a child of vfork, and in one of fork: the descriptors that are marked are those of this process.
void claim() noexcept;

void remove(int fd) noexcept;

class Opening {
 public:
  Opening() noexcept;
  ~Opening();
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  // From here on `fd` is held. False, and not held, when it may have been changed since the beginning.
  bool keep(int fd) noexcept;

 private:
  std::uint32_t changes_;
};

// False when it was not to be had within 2 ms. Negative numbers need no keeping.
class Lock {
 public:
  explicit Lock(int fd) noexcept;
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  explicit operator bool() const { return taken_; }

 private:
  int fd_;
  bool taken_;
};

// Of one number, or of a range. False when something in it is still held after 2 ms (its holder waits for a slow file
// system, or is the caller, interrupted by a signal): then the change must not be made.
class Change {
 public:
  explicit Change(int fd) noexcept;
  Change(unsigned first, unsigned last) noexcept;
  ~Change();
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  explicit operator bool() const { return allowed_; }

 private:
  int fd_;  // -1: a range
  bool allowed_, announced_ = false;
};

}  // namespace ap::held
