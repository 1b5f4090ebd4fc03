// SPDX-License-Identifier: Apache-2.0
//
// The check functions: one native call that turns a hook's arguments into an Operation and asks the guard.
//
// Each returns undefined for grant (and for arguments that cannot reach the kernel: the original call reports those
// itself) or a Judgement. Raw N-API: these run before every file, network and process call of the function.
#pragma once
#include <app_protect/api.h>
#include <node_api.h>

namespace ap::node {

// One check. `values`: the arguments from the first that is asked about on; a view among them is replaced by the
// private copy that was read.
struct Check {
  napi_value (*call)(napi_env env, napi_value* values, uint8_t kind);
  uint8_t kind;
};

namespace checks {
napi_value path(napi_env env, napi_value* values, uint8_t kind);
napi_value opened(napi_env env, napi_value* values, uint8_t kind);
napi_value two_paths(napi_env env, napi_value* values, uint8_t kind);
napi_value link_to(napi_env env, napi_value* values, uint8_t kind);
napi_value address(napi_env env, napi_value* values, uint8_t kind);
napi_value unix_socket(napi_env env, napi_value* values, uint8_t kind);
napi_value name(napi_env env, napi_value* values, uint8_t kind);

inline constexpr Check read{path, AP_FILE_READ}, stat{path, AP_FILE_STAT}, list{path, AP_FILE_LIST},
    create{path, AP_FILE_CREATE}, remove{path, AP_FILE_DELETE}, metadata{path, AP_FILE_METADATA};
inline constexpr Check open{opened, 0};  // (path, flags)
inline constexpr Check rename{two_paths, AP_FILE_RENAME}, link{two_paths, AP_FILE_LINK};
inline constexpr Check symlink{link_to, 0};                                                     // (target, path)
inline constexpr Check connect_tcp{address, AP_PROTO_TCP}, connect_udp{address, AP_PROTO_UDP};  // (address, port)
inline constexpr Check connect_unix{unix_socket, 0};
inline constexpr Check resolve{name, 0};  // (name, type of the question or undefined)
}  // namespace checks

// Adds to `exports` what every start needs: open (path, flags), stat (path), list (path); copy(view) -> a private
// Buffer of the same bytes (anything else comes back as it is); denies(judgement).
void add_start_operations(napi_env env, napi_value exports);

// Adds the rest of what JavaScript asks: connectUdp, resolve (name, type?), spawn (file, args, cwd?), load (path),
// reach (what), read (path); report, mark, markParts, markAncestors.
void add_operations(napi_env env, napi_value exports);

}  // namespace ap::node
