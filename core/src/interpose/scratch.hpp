// SPDX-License-Identifier: Apache-2.0
//
// Working memory of the exec handlers. They run in the children of fork, vfork and posix_spawn, on stacks of 32 KB and
// in memory that the parent shares: everything large lies in a mapping that the thread keeps a note of, so that the
// parent gets it back.
#pragma once
#include <cstddef>

namespace ap::interpose {

class Scratch {
 public:
  explicit Scratch(std::size_t size) noexcept;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  char* base() const noexcept { return base_; }  // null: no memory

 private:
  char* base_;
  std::size_t size_;
  bool noted_;
};

}  // namespace ap::interpose
