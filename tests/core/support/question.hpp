// SPDX-License-Identifier: Apache-2.0
//
// Question: a policy opened and asked in a test, without sealing it.
//
//   Question q(R"({"outbound": {"action": "deny"}})");
//   EXPECT_EQ(q.connect("evil.example", "93.184.216.34", 443), "deny outbound.action");
#pragma once
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guard/guard.hpp"
#include "guard/name_table.hpp"
#include "policy/blob.hpp"
#include "policy/compile.hpp"
#include "policy/groups.hpp"
#include "policy/parse.hpp"
#include "policy/surroundings.hpp"

namespace ap::test {

inline Surroundings lambda() {
  Surroundings here;
  here.app_dirs = {"/var/task", "/opt"};
  here.nameservers = {"169.254.100.5"};
  here.end_points = {{"127.0.0.1", 9001, "AWS_LAMBDA_RUNTIME_API"}};
  here.provider = "aws";
  here.region = "us-east-1";
  here.read_link = nullptr;
  return here;
}

// Bytes that stay at an aligned address for as long as the view is used.
class Blob {
 public:
  explicit Blob(std::string_view bytes) : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
    if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(words_.data()), size_}; }
  char* data() { return reinterpret_cast<char*>(words_.data()); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

class Question {
 public:
  explicit Question(std::string_view json, const Surroundings& here = lambda()) {
    if (std::string_view group = built_in_group(json); !group.empty()) json = group;
    ParsedPolicy parsed = parse_policy(json);
    diagnostics = to_text(parsed.diagnostics);
    if (!parsed.valid()) return;
    Result<std::string> compiled = compile(parsed.policy, here);
    if (!compiled) {
      diagnostics = compiled.error().message;
      return;
    }
    blob_ = std::make_unique<Blob>(*compiled);
    Result<BlobView> view = BlobView::open(blob_->bytes());
    if (view)
      view_ = *view;
    else
      diagnostics = view.error().message;
  }

  bool valid() const { return view_.has_value(); }
  const BlobView& view() const { return *view_; }
  NameTable& names() { return *names_; }

  Verdict judge(const Operation& operation) const {
    Verdict verdict;
    guard::check_against(*view_, names_.get(), operation, verdict);
    return verdict;
  }
  // "deny outbound.action"
  std::string ask(const Operation& operation) const { return text(judge(operation)); }
  std::string text(const Verdict& verdict) const {
    constexpr const char* actions[] = {"grant", "observe", "deny"};
    std::string rule(guard::rule_text(*view_, verdict));
    return actions[verdict.action] + (rule.empty() ? "" : " " + rule);
  }

  static Operation operation(std::uint8_t resource, std::uint8_t kind, std::string_view text = {}) {
    Operation op{};
    op.resource = resource;
    op.kind = kind;
    op.line = 1;
    if (!text.empty()) op.text = str(text);
    return op;
  }
  std::string resolve(std::string_view host) const { return ask(operation(AP_OUTBOUND, AP_RESOLVE, host)); }
  static Operation connect_operation(std::string_view host, std::string_view address, std::uint16_t port) {
    Operation op = operation(AP_OUTBOUND, AP_CONNECT, host);
    op.protocol = AP_PROTO_TCP;
    op.port = port;
    IpAddress ip;
    if (!address.empty() && parse_ip(address, ip)) {
      op.family = ip.family;
      std::memcpy(op.address, ip.bytes, 16);
    }
    return op;
  }
  std::string connect(std::string_view host, std::string_view address, std::uint16_t port) const {
    return ask(connect_operation(host, address, port));
  }
  std::string file(std::uint8_t kind, std::string_view path, std::string_view to = {},
                   std::string_view cwd = {}) const {
    Operation op = operation(AP_FILES, kind, path);
    if (!to.empty()) op.text2 = str(to);
    if (!cwd.empty()) op.cwd = str(cwd);
    return ask(op);
  }
  std::string spawn(std::string_view program, const std::vector<std::string>& argv, std::uint32_t flags = 0) const {
    std::vector<ap_str> words;
    for (const std::string& word : argv) words.push_back(str(word));
    Operation op = operation(AP_PROCESSES, AP_SPAWN, program);
    op.argv = words.data();
    op.argc = static_cast<std::uint32_t>(words.size());
    op.flags = flags;
    return ask(op);
  }
  void note(std::string_view host, std::string_view address) {
    IpAddress ip;
    if (parse_ip(address, ip)) names_->note(host, ip);
  }

  std::string diagnostics;

 private:
  std::unique_ptr<Blob> blob_;
  std::optional<BlobView> view_;
  std::unique_ptr<NameTable> names_ = std::make_unique<NameTable>();
};

}  // namespace ap::test
