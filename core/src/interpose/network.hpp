// SPDX-License-Identifier: Apache-2.0
//
// Socket addresses as operations, and the state of a look-up that libc is doing for this thread.
#pragma once
#include <sys/socket.h>

#include <string_view>

#include "guard/operation.hpp"

namespace ap::interpose {

// A copied socket address.
struct Address {
  alignas(8) unsigned char bytes[sizeof(sockaddr_storage)];
  unsigned size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(bytes); }
};

// Copies a caller's address: 0, -EFAULT, -EINVAL (as the kernel's move_addr_to_kernel).
long copy_address(Address& to, const void* from, long size) noexcept;

// What sending to or connecting to this address asks for. `sends`: family 0 means IPv4 there. False: nothing to decide
// (a disconnect, netlink, too short for its family: the kernel refuses it). op.text points into `address` for unix
// paths.
bool describe(const Address& address, bool sends, Operation& op) noexcept;

// A libc look-up running on this thread: its own sockets are neither refused nor counted, as far as they are a
// resolver's.
class LookUp {
 public:
  explicit LookUp(std::string_view name) noexcept;  // an empty view: no look-up, what runs goes on
  ~LookUp();
  bool refused() const noexcept;  // one of its queries was
  static bool running() noexcept;
  static std::string_view name() noexcept;  // what is looked up
  static bool first_refusal() noexcept;     // true once per look-up: its resolver tries one server after the other

 private:
  std::string_view outer_;
};

// A look-up as an operation; `type` is the record type's number, 0 = unknown.
Operation look_up_operation(std::string_view name, int type) noexcept;

// The question of a DNS query in wire form: its name without trailing dot. Its length; 0 when it is none.
std::size_t question_of(const unsigned char* packet, std::size_t size, char* name, std::size_t room,
                        int& type) noexcept;

}  // namespace ap::interpose
