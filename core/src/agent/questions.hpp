// SPDX-License-Identifier: Apache-2.0
//
// Questions about any policy, no enforcement: what ap_policy of the C table is made of (check, explain, conformance).
#pragma once
#include <app_protect/api.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "guard/name_table.hpp"
#include "policy/blob.hpp"

// Owns the sealed form that its view reads in place.
struct ap_policy {
  std::string blob;
  ap::BlobView view;
  std::unique_ptr<ap::NameTable> names;  // made with the first answer that is noted
};

namespace ap::agent {

// `text`: JSON, or the name of a built-in group. `surroundings`: JSON, or null data for this machine's. `diagnostics`
// receives the errors, or the warnings of a valid policy, one per line. nullptr when the policy is not valid.
std::unique_ptr<ap_policy> open_policy(std::string_view text, std::string_view surroundings, std::string& diagnostics);

}  // namespace ap::agent
