// SPDX-License-Identifier: Apache-2.0
//
// Words of the C table's numbers, as events and messages print them.
#pragma once
#include <app_protect/api.h>

#include <string_view>

namespace app_protect {

inline std::string_view action_word(uint8_t action) noexcept {
  return action == AP_DENY ? "deny" : action == AP_OBSERVE ? "observe" : "grant";
}

inline std::string_view on_deny_word(uint8_t on_deny) noexcept {
  return on_deny == AP_ON_DENY_BLOCK ? "block" : on_deny == AP_ON_DENY_TERMINATE ? "terminate" : "raise";
}

inline std::string_view class_word(uint8_t cls) noexcept {
  switch (cls) {
    case AP_CLASS_NAME:
      return "name";
    case AP_CLASS_LITERAL:
      return "literal";
    case AP_CLASS_LOCAL:
      return "local";
    case AP_CLASS_PROVIDER:
      return "provider";
    case AP_CLASS_TENANT:
      return "tenant";
    case AP_CLASS_HOSTING:
      return "hosting";
  }
  return "none";
}

inline std::string_view policy_word(uint8_t policy) noexcept {
  switch (policy) {
    case AP_POLICY_OUTBOUND_DATA:
      return "outbound_data";
    case AP_POLICY_READ_WRITE_TMP:
      return "read_write_tmp";
    case AP_POLICY_READ_WRITE_APP:
      return "read_write_app";
    case AP_POLICY_READ_WRITE_OTHER:
      return "read_write_other";
    case AP_POLICY_CREATE_CHILD_PROCESS:
      return "create_child_process";
    case AP_POLICY_NATIVE_CODE:
      return "native_code";
    case AP_POLICY_AGENT_HEALTH:
      return "agent_health";
  }
  return "none";
}

}  // namespace app_protect
