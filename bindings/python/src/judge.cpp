// SPDX-License-Identifier: Apache-2.0
#include "judge.hpp"

#include "attribution.hpp"

namespace ap::python {

bool settle(const ap_operation& operation, const ap_verdict& verdict, const char* api, const denial::Target& target) {
  {
    ErrorAside pending;
    Attribution who(api);
    core::api().report(&operation, &verdict, &who.get());
  }
  if (verdict.action != AP_DENY) return true;
  denial::raise(operation, verdict, target);
  return false;
}

}  // namespace ap::python
