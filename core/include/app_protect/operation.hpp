// SPDX-License-Identifier: Apache-2.0
//
// Operation: builds an ap_operation and owns its texts.
//
//   api->check(&app_protect::Operation::file(AP_FILE_READ, "/tmp/x").c(), &verdict);
//   auto op = app_protect::Operation::connect("api.stripe.com", 443);
//
// Header-only, no exceptions. A copy has texts of its own.
#pragma once
#include <app_protect/api.h>
#include <arpa/inet.h>
#include <app_protect/library.hpp>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace app_protect {

class Operation {
 public:
  static Operation file(ap_kind kind, std::string path, std::string to = {}) {
    Operation op(AP_FILES, kind, std::move(path));
    op.text2_ = std::move(to);
    return op;
  }

  // `host` is a name or an address ("10.0.0.1", "::1").
  static Operation connect(std::string host, uint16_t port, ap_protocol protocol = AP_PROTO_TCP) {
    Operation op(AP_OUTBOUND, AP_CONNECT, std::move(host));
    op.base_.protocol = static_cast<uint8_t>(protocol);
    op.base_.port = port;
    if (inet_pton(AF_INET, op.text_.c_str(), op.base_.address) == 1)
      op.base_.family = 4;
    else if (inet_pton(AF_INET6, op.text_.c_str(), op.base_.address) == 1)
      op.base_.family = 6;
    if (op.base_.family != 0) op.text_.clear();  // the address says it all
    return op;
  }

  static Operation unix_socket(std::string path) {
    Operation op(AP_OUTBOUND, AP_CONNECT, std::move(path));
    op.base_.protocol = AP_PROTO_UNIX;
    return op;
  }

  static Operation resolve(std::string host, std::string type = {}) {
    Operation op(AP_OUTBOUND, AP_RESOLVE, std::move(host));
    op.base_.protocol = AP_PROTO_DNS;
    op.query_type_ = std::move(type);
    return op;
  }

  // argv[0] is the program as called.
  static Operation spawn(std::vector<std::string> argv, uint32_t flags = 0) {
    Operation op(AP_PROCESSES, AP_SPAWN, argv.empty() ? std::string() : argv.front());
    op.argv_ = std::move(argv);
    op.base_.flags = flags;
    return op;
  }

  static Operation fork() { return Operation(AP_PROCESSES, AP_FORK, {}); }
  static Operation native(ap_kind kind, std::string path) { return Operation(AP_NATIVE, kind, std::move(path)); }

  Operation& in(std::string directory) {
    cwd_ = std::move(directory);
    return *this;
  }
  Operation& line(uint8_t number) {
    base_.line = number;
    return *this;
  }

  // Valid until the next change of this object.
  const ap_operation& c() {
    base_.text = optional(text_);
    base_.text2 = optional(text2_);
    base_.cwd = optional(cwd_);
    base_.query_type = optional(query_type_);
    pointers_.clear();
    for (const std::string& word : argv_) pointers_.push_back(str(word));
    base_.argv = pointers_.data();
    base_.argc = static_cast<uint32_t>(pointers_.size());
    return base_;
  }

 private:
  Operation(ap_resource resource, ap_kind kind, std::string text) : text_(std::move(text)) {
    base_.resource = static_cast<uint8_t>(resource);
    base_.kind = static_cast<uint8_t>(kind);
    base_.line = 1;
  }
  static ap_str optional(const std::string& s) { return s.empty() ? ap_str{nullptr, 0} : str(s); }

  ap_operation base_{};
  std::string text_, text2_, cwd_, query_type_;
  std::vector<std::string> argv_;
  std::vector<ap_str> pointers_;
};

}  // namespace app_protect
