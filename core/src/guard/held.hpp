// SPDX-License-Identifier: Apache-2.0
//
// The descriptors that line 2 has open between judging an object and using it.
//
// Another thread of the program could close such a number, or put a descriptor of its own there (dup2), and what was
// judged would not be what is used. So they are known, and the calls that change a descriptor's number (descriptors.cpp)
// wait the microseconds until it is free again. Signal-safe, no lock. One page, which the kernel empties in a forked
// child: its threads hold nothing.
#pragma once

namespace ap::held {

// Maps the page. Until then, and on kernels without MADV_WIPEONFORK (before 4.14), nothing is known.
void begin() noexcept;

void add(int fd) noexcept;
void remove(int fd) noexcept;

// Around the call that opens one and its add(): in between only the kernel knows the number.
class Opening {
 public:
  Opening() noexcept;
  ~Opening();
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
};

// Waits until nothing from `first` to `last` is held; false when something still is after 2 ms (its holder waits for a
// slow file system, or is the caller, interrupted by a signal).
bool wait_until_free(unsigned first, unsigned last) noexcept;

}  // namespace ap::held
