// SPDX-License-Identifier: Apache-2.0
//
// The sealed image as a descriptor that an executed child inherits: a memfd that cannot change any more; where there is
// none, a file without a name. A process that starts children keeps one of its own for all of them: to make one, and to
// free it when the child has read it, costs each of them 30 us. From its fifth child on libc stands behind the image,
// as children need it (prepared_libc.hpp). A child keeps for its own children what it was given.
//
// Any thread; usable in a vfork child.
#pragma once
#include <cstdint>

namespace ap::interpose {

// Before a fork: makes the one to keep, where there is none of the policy in force.
void keep_image() noexcept;
// Its number, -1 without one. Close-on-exec, and not the program's to close (descriptors.cpp).
int kept_image() noexcept;
// In a child: keeps the one it was given, known by `inode`. Takes the descriptor over.
void adopt_image(int fd, std::uint64_t inode) noexcept;
// It has another number now.
void renumber_image(int fd) noexcept;

// An inheritable descriptor, the caller's to close, and the inode it is known by; or -errno.
long image_descriptor(std::uint64_t& inode) noexcept;

// Whether nobody can change what `fd` holds. Only a memfd can be so.
bool is_sealed(int fd) noexcept;
// Where something may stand behind the image.
std::uint64_t behind_image() noexcept;

}  // namespace ap::interpose
