// SPDX-License-Identifier: Apache-2.0
#include "hooks.hpp"

#include <cstring>

#include "answers.hpp"
#include "environment.hpp"
#include "operations.hpp"
#include "values.hpp"

namespace ap::node {

namespace {

constexpr size_t kMostArguments = 10;  // no method that is hooked takes more

struct Call {
  napi_env env;
  size_t count;
  napi_value self, values[kMostArguments];
  napi_value judgement = nullptr, other = nullptr;
};

struct Method;
// Asks about a call. The arguments it reads are replaced by what it read, where they could still change.
using Ask = void (*)(Call& call, const Method& method);

// One method. `at`: the first of the arguments that are asked about; `flags`: that of an open's flags; `query`: the
// type of a question to a name server.
struct Method {
  const char* name;
  Ask ask;
  Check check;
  uint8_t at = 0;
  uint8_t flags = 0;
  const char* query = nullptr;
};

// --- how a call is asked about -------------------------------------------------------------------

// A path, or two in a row, then what the check reads after them.
void ask_in_place(Call& call, const Method& method) {
  call.judgement = method.check.call(call.env, call.values + method.at, method.check.kind);
}

// A path, and the flags of an open.
void ask_open(Call& call, const Method& method) {
  napi_value asked[2] = {call.values[0], call.values[method.flags]};
  call.judgement = method.check.call(call.env, asked, method.check.kind);
  call.values[0] = asked[0];
}

// Reads one path and makes another: two operations.
void ask_copy(Call& call, const Method&) {
  call.judgement = checks::read.call(call.env, call.values, checks::read.kind);
  call.other = checks::create.call(call.env, call.values + 1, checks::create.kind);
}

// The name is made up in C++: a prefix and six letters are judged.
void ask_prefix(Call& call, const Method&) {
  PathText prefix;
  if (!prefix.read(call.env, call.values[0])) return;
  std::string name(prefix.str().data, prefix.str().size);
  name += "XXXXXX";
  napi_value asked = make_text(call.env, str(name));
  call.judgement = checks::create.call(call.env, &asked, checks::create.kind);
}

bool is(napi_env env, napi_value value, napi_valuetype wanted) {
  napi_valuetype type = napi_undefined;
  return napi_typeof(env, value, &type) == napi_ok && type == wanted;
}

// Address and port as the original would take them: any value, converted once.
void ask_address(Call& call, napi_value& address, napi_value& port, const Check& check) {
  if (!is(call.env, address, napi_string) && napi_coerce_to_string(call.env, address, &address) != napi_ok) return;
  if (!is(call.env, port, napi_number)) {
    uint32_t number = 0;
    if (napi_coerce_to_number(call.env, port, &port) != napi_ok) return;
    napi_get_value_uint32(call.env, port, &number);
    napi_create_uint32(call.env, number, &port);
  }
  napi_value asked[] = {address, port};
  call.judgement = check.call(call.env, asked, check.kind);
}

void ask_connect(Call& call, const Method& method) {
  ask_address(call, call.values[method.at], call.values[method.at + 1], method.check);
}

// send(request, list, length, port, address, hasCallback), or without port and address on a connected socket
void ask_send(Call& call, const Method& method) {
  if (call.count >= 6) ask_address(call, call.values[4], call.values[3], method.check);
}

// (request, name): any value, converted once
void ask_name(Call& call, const Method& method) {
  napi_value& name = call.values[1];
  if (!is(call.env, name, napi_string) && napi_coerce_to_string(call.env, name, &name) != napi_ok) return;
  napi_value asked[] = {name, undefined(call.env)};
  if (method.query) napi_create_string_utf8(call.env, method.query, NAPI_AUTO_LENGTH, &asked[1]);
  call.judgement = method.check.call(call.env, asked, method.check.kind);
}

bool gives_addresses(const Method& method) {
  return method.query && (std::strcmp(method.query, "A") == 0 || std::strcmp(method.query, "AAAA") == 0);
}

// --- which methods -------------------------------------------------------------------------------

// The rest of fs, the calls that are made over and over, is hooks/files.js's: JavaScript that remembers what was
// granted is quicker than a way through C++ and back.
constexpr Method kFiles[] = {
    {"writeFileUtf8", ask_open, checks::open, 0, 2},  // (path or descriptor, data, flags, mode)
    {"statfs", ask_in_place, checks::stat},
    {"readlink", ask_in_place, checks::stat},
    {"realpath", ask_in_place, checks::stat},
    {"unlink", ask_in_place, checks::remove},
    {"rmdir", ask_in_place, checks::remove},
    {"rmSync", ask_in_place, checks::remove},
    {"chmod", ask_in_place, checks::metadata},
    {"chown", ask_in_place, checks::metadata},
    {"lchown", ask_in_place, checks::metadata},
    {"utimes", ask_in_place, checks::metadata},
    {"lutimes", ask_in_place, checks::metadata},
    {"mkdir", ask_in_place, checks::create},
    {"mkdtemp", ask_prefix, checks::create},
    {"rename", ask_in_place, checks::rename},
    {"link", ask_in_place, checks::link},
    {"symlink", ask_in_place, checks::symlink},
    {"copyFile", ask_copy, {}},
    {"cpSyncCopyDir", ask_copy, {}},
    {"cpSyncOverrideFile", ask_copy, {}},
    {"cpSyncCheckPaths", ask_copy, {}},
    {"internalModuleReadJSON", ask_in_place, checks::read},  // gives back any file's text
};
constexpr Method kTcp[] = {
    {"connect", ask_connect, checks::connect_tcp, 1},
    {"connect6", ask_connect, checks::connect_tcp, 1},
};
constexpr Method kPipe[] = {{"connect", ask_in_place, checks::connect_unix, 1}};
constexpr Method kListen[] = {{"bind", ask_in_place, checks::create}};
constexpr Method kUdp[] = {
    {"connect", ask_connect, checks::connect_udp},
    {"connect6", ask_connect, checks::connect_udp},
    {"send", ask_send, checks::connect_udp},
    {"send6", ask_send, checks::connect_udp},
};

constexpr Method kNames[] = {
    {"getaddrinfo", ask_name, checks::resolve},
    {"getnameinfo", ask_name, checks::resolve, 0, 0, "PTR"},
};
constexpr Method kQueries[] = {
    {"queryAny", ask_name, checks::resolve, 0, 0, "ANY"},     {"queryA", ask_name, checks::resolve, 0, 0, "A"},
    {"queryAaaa", ask_name, checks::resolve, 0, 0, "AAAA"},   {"queryCaa", ask_name, checks::resolve, 0, 0, "CAA"},
    {"queryCname", ask_name, checks::resolve, 0, 0, "CNAME"}, {"queryMx", ask_name, checks::resolve, 0, 0, "MX"},
    {"queryNs", ask_name, checks::resolve, 0, 0, "NS"},       {"queryTxt", ask_name, checks::resolve, 0, 0, "TXT"},
    {"querySrv", ask_name, checks::resolve, 0, 0, "SRV"},     {"queryPtr", ask_name, checks::resolve, 0, 0, "PTR"},
    {"queryNaptr", ask_name, checks::resolve, 0, 0, "NAPTR"}, {"querySoa", ask_name, checks::resolve, 0, 0, "SOA"},
    {"queryTlsa", ask_name, checks::resolve, 0, 0, "TLSA"},   {"getHostByAddr", ask_name, checks::resolve, 0, 0, "PTR"},
};

// is_shadowed: Node itself assigns to the property of instances (a udp6 socket's handle gets connect = connect6), which
// a prototype that cannot be written would forbid. Writing to the prototype gains nothing: the original is not there.
struct Group {
  const char* name;
  const Method* methods;
  size_t count;
  bool is_shadowed;
};

template <size_t count>
constexpr Group group(const char* name, const Method (&methods)[count], bool is_shadowed = false) {
  return {name, methods, count, is_shadowed};
}

constexpr Group kGroups[] = {group("fs", kFiles),       group("tcp", kTcp),       group("pipe", kPipe),
                             group("listen", kListen),  group("udp", kUdp, true), group("names", kNames),
                             group("queries", kQueries)};

// --- the call ------------------------------------------------------------------------------------

struct Hook : Kept {
  const Method* method;
  napi_ref original, refused;
};

// Hands what was not granted to JavaScript. True: `result` takes the place of the call (null: an exception is under
// way).
bool is_settled(Call& call, const Hook& hook, napi_value& result) {
  const napi_env env = call.env;
  napi_value arguments[5], nothing = undefined(env), list, outcome = nullptr;
  napi_create_string_utf8(env, hook.method->name, NAPI_AUTO_LENGTH, &arguments[0]);
  napi_create_array_with_length(env, call.count, &list);
  // Defined, not set: a setter of Array.prototype would be met, and give back what it likes.
  static constexpr const char* kIndices[kMostArguments] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  constexpr auto kOwn = static_cast<napi_property_attributes>(napi_writable | napi_enumerable | napi_configurable);
  napi_property_descriptor own[kMostArguments];
  for (size_t i = 0; i < call.count; ++i)
    own[i] = {kIndices[i], nullptr, nullptr, nullptr, nullptr, call.values[i], kOwn, nullptr};
  if (call.count) napi_define_properties(env, list, call.count, own);
  arguments[1] = call.judgement ? call.judgement : nothing;
  arguments[2] = call.other ? call.other : nothing;
  arguments[3] = call.self;
  arguments[4] = list;
  result = nullptr;
  if (napi_call_function(env, nothing, referred(env, hook.refused), 5, arguments, &outcome) != napi_ok) return true;
  if (!is(env, outcome, napi_object)) return false;
  read_own(env, outcome, "result", result);
  return true;
}

napi_value hooked(napi_env env, napi_callback_info info) {
  Call call{env, kMostArguments, nullptr, {}};
  void* data;
  napi_get_cb_info(env, info, &call.count, call.values, &call.self, &data);
  if (call.count > kMostArguments) call.count = kMostArguments;
  const auto& hook = *static_cast<const Hook*>(data);
  hook.method->ask(call, *hook.method);
  napi_value result = nullptr;
  if ((call.judgement || call.other) && is_settled(call, hook, result)) return result;
  if (gives_addresses(*hook.method)) watch_answer(env, call.values[0], call.values[1]);
  napi_call_function(env, call.self, referred(env, hook.original), call.count, call.values, &result);
  return result;
}

// hook(group, object, refused)
napi_value hook(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value values[3];
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  char wanted[16] = "";
  napi_get_value_string_utf8(env, values[0], wanted, sizeof wanted, nullptr);
  const napi_ref refused = refer(env, values[2]);
  for (const Group& group : kGroups) {
    if (std::strcmp(group.name, wanted) != 0) continue;
    for (size_t i = 0; i < group.count; ++i) {
      const Method& method = group.methods[i];
      napi_value original = nullptr, function = nullptr;
      if (napi_get_named_property(env, values[1], method.name, &original) != napi_ok ||
          !is(env, original, napi_function))
        continue;
      auto made = std::make_unique<Hook>();
      made->method = &method;
      made->original = refer(env, original);
      made->refused = refused;
      Hook* kept = Environment::of(env).keep(std::move(made));
      napi_create_function(env, method.name, NAPI_AUTO_LENGTH, hooked, kept, &function);
      const int attributes = napi_enumerable | (group.is_shadowed ? napi_writable : 0);
      const napi_property_descriptor sealed = {
          method.name, nullptr, nullptr, nullptr, nullptr, function, static_cast<napi_property_attributes>(attributes),
          nullptr};
      napi_define_properties(env, values[1], 1, &sealed);
    }
  }
  return nullptr;
}

}  // namespace

void add_hooks(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "hook", NAPI_AUTO_LENGTH, hook, nullptr, &function);
  napi_set_named_property(env, exports, "hook", function);
}

}  // namespace ap::node
