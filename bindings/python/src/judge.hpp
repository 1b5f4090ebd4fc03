// SPDX-License-Identifier: Apache-2.0
//
// One question for every hook: may this go on?
//
//   Question q(AP_FILES, AP_FILE_LIST);
//   q.text = path.str();
//   if (!permitted(q, "os.listdir")) return nullptr;   // the denial is set
//   return original(...);
//
// The grant path is one call into the core. Only an observed or denied operation collects a stack, is reported, and is
// refused.
#pragma once
#include "core.hpp"
#include "denial.hpp"

namespace ap::python {

// An operation of line 1, zeroed.
struct Question : ap_operation {
  Question(ap_resource of, ap_kind what) : ap_operation{} {
    resource = static_cast<uint8_t>(of);
    kind = static_cast<uint8_t>(what);
    line = 1;
  }
};

// Counts the operation (stack and package are looked up here) and, when the verdict is deny, raises. True: go on.
bool settle(const ap_operation& operation, const ap_verdict& verdict, const char* api,
            const denial::Target& target = {});

inline bool permitted(const ap_operation& operation, const char* api, const denial::Target& target = {}) {
  ap_verdict verdict;
  if (__builtin_expect(core::api().check(&operation, &verdict) == AP_GRANT, 1)) return true;
  return settle(operation, verdict, api, target);
}

}  // namespace ap::python
