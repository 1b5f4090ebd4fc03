// SPDX-License-Identifier: Apache-2.0
//
// ask_everything: walks every look-up that a guard makes on a sealed policy. Nothing is expected but to come back: for
// damaged blobs, under a sanitizer, and for the fuzzers.
#pragma once
#include <cstring>
#include <string_view>

#include "guard/guard.hpp"
#include "guard/operation.hpp"
#include "policy/blob.hpp"

namespace ap::test {

inline int ask_everything(const BlobView& policy, std::string_view extra = {}) {
  int sum = 0;
  auto ask = [&](Operation op) {
    Verdict verdict;
    sum += guard::check_against(policy, nullptr, op, verdict);
    sum += static_cast<int>(guard::rule_text(policy, verdict).size());
  };
  Operation op{};
  op.resource = AP_OUTBOUND;
  for (std::string_view name :
       {std::string_view("a.example.com"), std::string_view("db.internal"), std::string_view("stripe.com"),
        std::string_view("x.s3.us-east-1.amazonaws.com"), std::string_view("localhost"), std::string_view("lambda.x"),
        std::string_view("10.1.2.3"), std::string_view("2001:db8::1"), extra}) {
    op.text = str(name);
    op.kind = AP_RESOLVE;
    ask(op);
    op.kind = AP_CONNECT;
    op.port = 5432;
    op.family = 4;
    op.address[0] = 10;
    ask(op);
    op.family = 6;
    ask(op);
    op.port = 53;
    ask(op);
  }
  op = {};
  op.resource = AP_FILES;
  for (std::string_view path : {std::string_view("/"), std::string_view("/tmp/x"), std::string_view("/var/task/app.py"),
                                std::string_view("/data"), std::string_view("/data/a/x"), std::string_view("/a/b/y"),
                                std::string_view("/proc/self/maps"), std::string_view("/data/../x"), extra}) {
    op.text = str(path);
    op.cwd = str("/data");
    op.text2 = str("/tmp/to");
    for (std::uint8_t kind = AP_FILE_READ; kind <= AP_FILE_LIST; ++kind) {
      op.kind = kind;
      ask(op);
    }
  }
  op = {};
  op.resource = AP_PROCESSES;
  op.kind = AP_SPAWN;
  op.flags = AP_OP_CANONICAL;
  ap_str argv[] = {str("x"), str("y z")};
  op.argv = argv;
  op.argc = 2;
  op.text = str("/usr/bin/x");
  ask(op);
  op.kind = AP_FORK;
  ask(op);
  op = {};
  op.resource = AP_NATIVE;
  op.kind = AP_LOAD;
  op.text = str("/tmp/x.so");
  ask(op);
  sum += static_cast<int>(policy.name().size() + policy.summary().size());
  return sum;
}

}  // namespace ap::test
