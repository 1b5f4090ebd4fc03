// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ap::interpose {

// Whether user code runs yet: a fork before that is the runtime's own.
extern bool user_code;

}  // namespace ap::interpose
