// SPDX-License-Identifier: Apache-2.0
//
// libc's text as the children of this process need it: with the jumps in it, and with the islands that they lead to.
// Made once, from libc's file, and handed to children in the sealed descriptor of the image; a child whose libc is the
// same maps it over its own, instead of looking up, decoding and patching some 130 functions on 30 pages of its own.
// Where anything does not fit, nothing is touched and the child patches as ever (patch.hpp).
//
//   owner   PreparedLibc libc;
//           if (libc.make(wanted)) ... libc.pieces() ...      // into the descriptor, on a page boundary
//   child   map_prepared_libc(fd, offset, objects[0], wanted, mapped)
//
// With it comes what the owner found out about its surroundings: the loader, the search domains of resolv.conf.
//
// Layout: header (one page) | addresses of the replacements (one page), code of the islands | text. The islands lie
// islands_distance() below libc: out of the way of libraries that are mapped after it, within reach of a jump, and so
// that neither they nor the text hold an address of their own.
// Why and how much: docs/adr/0007-hand-over.md.
#pragma once
#include <cstddef>
#include <cstdint>

#include "interpose/loaded_object.hpp"

namespace ap::interpose {

class PreparedLibc {
 public:
  struct Piece {
    const void* at = nullptr;
    std::size_t size = 0;
  };
  static constexpr std::size_t kPieces = 3;

  PreparedLibc() noexcept = default;
  ~PreparedLibc();
  PreparedLibc(const PreparedLibc&) = delete;
  PreparedLibc& operator=(const PreparedLibc&) = delete;

  // Reads libc's file and builds everything in memory of its own. False where a function cannot be patched that way, or
  // the file is not what this process has loaded. A millisecond; no allocation.
  bool make(std::uint32_t wanted) noexcept;

  const Piece* pieces() const noexcept { return pieces_; }  // kPieces, each of whole pages; theirs ends with the object

 private:
  bool load(int file, const LoadedObject& libc) noexcept;
  bool patch(const LoadedObject& own, const LoadedObject& libc, std::uint32_t wanted) noexcept;

  Piece pieces_[kPieces];
  unsigned char* memory_ = nullptr;  // islands; islands_distance() further on the file's beginning; header and patcher
  std::size_t size_ = 0;
  LoadedObject file_;
};

struct MappedLibc {
  AddressRange islands;
  std::uint32_t patched = 0, missing = 0;
  bool knows_loader = false, knows_search_domains = false;  // remembered as the owner found them
};

// In a child, before anything is patched: maps what stands at `offset` of `fd` over `libc`. False: nothing was changed.
bool map_prepared_libc(int fd, std::uint64_t offset, const LoadedObject& libc, std::uint32_t wanted,
                       MappedLibc& out) noexcept;

}  // namespace ap::interpose
