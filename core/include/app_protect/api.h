// SPDX-License-Identifier: Apache-2.0
//
// The C table of libapp_protect.so: the one door into the core.
//
// Used by the CPython extension, the Node addon and the CLI (through the header-only wrappers beside this file). The
// library exports one symbol, app_protect_api(version); everything else is hidden, so that nothing of ours can be seen,
// called or interposed by the function it protects.
//
//   const ap_api *api = app_protect_api(AP_API_VERSION);
//   ap_verdict v;
//   if (api->check(&op, &v) != AP_GRANT) { api->report(&op, &v, &who); if (v.action == AP_DENY) raise(); }
//
// Rules that hold for every entry unless it says otherwise: thread-safe; never throws; never blocks on a lock that
// another thread can hold for long; strings are bytes with a length, need no terminator and are copied before the call
// returns. The layout only grows at the end of a struct; a change of meaning is a new AP_API_VERSION.
#ifndef APP_PROTECT_API_H
#define APP_PROTECT_API_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AP_API_VERSION 1u

typedef struct ap_str {
  const char* data;  // NULL = absent, which is not the same as empty
  uint32_t size;     // bytes
} ap_str;

enum ap_action { AP_GRANT = 0, AP_OBSERVE = 1, AP_DENY = 2 };
enum ap_on_deny { AP_ON_DENY_RAISE = 0, AP_ON_DENY_BLOCK = 1, AP_ON_DENY_TERMINATE = 2 };

enum ap_resource { AP_OUTBOUND = 1, AP_FILES = 2, AP_PROCESSES = 3, AP_NATIVE = 4 };

// What is done to the resource. One table in core/src/guard maps every file kind to read or write.
enum ap_kind {
  AP_RESOLVE = 1,         // outbound: look up `text` (a host name, or an address for a reverse look-up)
  AP_CONNECT = 2,         // outbound: connect or send; `text` = host name where known, or a unix path; address + port
  AP_FILE_READ = 10,      // open for reading                          info.operation "read"
  AP_FILE_WRITE = 11,     // open an existing file for writing, truncate   "write"
  AP_FILE_CREATE = 12,    // open with O_CREAT, mkdir, mknod, unix bind    "create"
  AP_FILE_DELETE = 13,    // unlink, rmdir                                 "delete"
  AP_FILE_RENAME = 14,    // text -> text2                                 "rename"
  AP_FILE_LINK = 15,      // hard link: text = existing, text2 = new name  "link"
  AP_FILE_SYMLINK = 16,   // text = the new name; text2 = target text (information only)  "link"
  AP_FILE_STAT = 17,      // stat, access, readlink, getxattr: a read      "metadata"
  AP_FILE_METADATA = 18,  // chmod, chown, utime, setxattr: a write        "metadata"
  AP_FILE_LIST = 19,      // opendir, scandir: a read                      "list"
  AP_SPAWN = 30,          // start a program: text = program as called, argv
  AP_FORK = 31,           // fork without exec
  AP_LOAD = 40,           // load a library: text = path
  AP_EXEC_MEMORY = 41,
  AP_CALL_ADDRESS = 42,
  AP_MEMFD = 43
};

enum ap_protocol { AP_PROTO_NONE = 0, AP_PROTO_TCP = 1, AP_PROTO_UDP = 2, AP_PROTO_DNS = 3, AP_PROTO_UNIX = 4 };

// info.class of an outbound event.
enum ap_class {
  AP_CLASS_NONE = 0,
  AP_CLASS_NAME = 1,
  AP_CLASS_LITERAL = 2,
  AP_CLASS_LOCAL = 3,
  AP_CLASS_PROVIDER = 4,
  AP_CLASS_TENANT = 5,
  AP_CLASS_HOSTING = 6
};

enum ap_operation_flags {
  AP_OP_SHELL = 1,  // processes: a shell call (its own `/bin/sh -c text`)
  AP_OP_ASYNC = 2,  // the work may reach line 2 on another thread: mark by token, not by thread
  AP_OP_CANONICAL =
      4,  // files: `text` is the kernel's path already (line 2); skip text normalisation. Programs: `text2` is it
  AP_OP_UNGUARDED = 8,  // processes: line 2 cannot enter this program (static, other loader, set-uid)
  AP_OP_READ_TOO =
      16,          // files: a write that can read as well (O_RDWR, "r+"): both directions are judged, the worse wins
  AP_OP_OPEN = 32  // files: an open, which libraries try again with less when it is refused: the retry is not counted
};

// An operation, as a hook sees it. Zero it first: absent fields are zero.
typedef struct ap_operation {
  uint8_t resource;    // ap_resource
  uint8_t kind;        // ap_kind
  uint8_t protocol;    // ap_protocol
  uint8_t line;        // 1 language hook, 2 libc boundary
  uint32_t flags;      // ap_operation_flags
  ap_str text;         // path, host name, program, library
  ap_str text2;        // second path
  ap_str cwd;          // directory that relative paths are relative to; absent = the process's own
  const ap_str* argv;  // processes
  uint32_t argc;
  uint8_t family;       // outbound address: 4, 6, or 0 for none
  uint8_t address[16];  // network order; IPv4 in the first four bytes
  uint16_t port;        // host order; 0 = none
  ap_str query_type;    // DNS: "A", "AAAA", "TXT", ...
} ap_operation;

typedef struct ap_verdict {
  uint8_t action;   // ap_action
  uint8_t on_deny;  // ap_on_deny, meaningful when action is AP_DENY
  uint8_t cls;      // ap_class
  uint8_t policy;   // ap_event_policy: the event's "policy" value
  uint32_t rule;    // id of the rule's text in the sealed policy (rule_text)
} ap_verdict;

enum ap_event_policy {
  AP_POLICY_OUTBOUND_DATA = 1,
  AP_POLICY_READ_WRITE_TMP = 2,
  AP_POLICY_READ_WRITE_APP = 3,
  AP_POLICY_READ_WRITE_OTHER = 4,
  AP_POLICY_CREATE_CHILD_PROCESS = 5,
  AP_POLICY_NATIVE_CODE = 6,
  AP_POLICY_AGENT_HEALTH = 7
};

// Who did it: known to the language alone. Every field may be absent.
typedef struct ap_attribution {
  ap_str api;           // "socket.connect", "fs.readFile"
  ap_str package;       // "name@version"
  const ap_str* stack;  // innermost first, "app.py:41 handler"
  uint32_t stack_size;
  ap_str request_id;  // overrides the current invocation's
} ap_attribution;

// Which hooks the sealed policy needs: a dimension that grants everything installs none.
enum ap_need { AP_NEED_NETWORK = 1, AP_NEED_FILES = 2, AP_NEED_PROCESSES = 4, AP_NEED_NATIVE = 8 };

enum ap_attach {
  AP_ATTACH_WRAPPER = 1,
  AP_ATTACH_HANDLER = 2,
  AP_ATTACH_CODE = 3,
  AP_ATTACH_IMPORT = 4,
  AP_ATTACH_RUN = 5
};

typedef struct ap_start_options {
  uint32_t size;        // sizeof(ap_start_options)
  uint32_t attach;      // ap_attach
  ap_str language;      // "python" | "node" | "native"
  ap_str runtime;       // "python3.12", "nodejs22.x"
  ap_str main_dir;      // directory of the main module: the application directory where LAMBDA_TASK_ROOT is not set
  uint64_t started_ns;  // CLOCK_MONOTONIC when the host began to load us; 0 = now
} ap_start_options;

enum ap_start_result {
  AP_STARTED = 0,   // a policy is sealed and line 2 is in place
  AP_DISABLED = 1,  // switched off by TREND_AP_AGENT_ENABLED; nothing is hooked, one line said so
  AP_ALREADY = 2,   // a policy was sealed before (second agent, worker, handed-over child): the first one stays
  AP_FAILED = -1    // deployment error: the message says what, where and what to do; the host must fail its init
};

typedef struct ap_policy ap_policy;  // a policy loaded for questions only (check, explain, conformance); never enforced

typedef struct ap_api {
  uint32_t version;  // AP_API_VERSION
  uint32_t size;     // sizeof(ap_api)

  // Finalises the configuration (variables, file), finds the policy, compiles and seals it, installs line 2, opens the
  // log and writes the start-up line. Once per process; call it before any user code. `message` (may be NULL) receives
  // a terminated text for AP_FAILED. Returns ap_start_result.
  int (*start)(const ap_start_options* options, char* message, size_t message_size);

  // ap_need bits of the sealed policy; 0 before start.
  uint32_t (*needs)(void);

  // Decides. No side effect, no lock, no allocation on the grant path; async-signal-safe. Before start: AP_GRANT.
  // Returns verdict->action. An operation that cannot be judged (path too long for the kernel, ...) is denied.
  int (*check)(const ap_operation* operation, ap_verdict* verdict);

  // Counts one observed or denied operation: event line or fold, thread mark / token so that line 2 does not count it
  // again, the invocation's blocked flag. With AP_ON_DENY_TERMINATE it does not return: flush, then _exit(77).
  void (*report)(const ap_operation* operation, const ap_verdict* verdict, const ap_attribution* who);

  // Text of a verdict's rule ("outbound.action", "files.rules[0]"): valid as long as the process.
  ap_str (*rule_text)(const ap_verdict* verdict);

  // The language's own code loader is about to read `path`, as code: one read of exactly these bytes passes at line 2
  // within 5 seconds. Refused (returns 0) unless the suffix is one of the runtime's code suffixes, and where something
  // else than `application.read` refuses the file: a rule, another place.
  int (*allow_code)(ap_str path);

  // A child-process call that line 1 has judged begins / ends on this thread: the fork and exec calls below it at line
  // 2 are parts of it, not operations of their own (they are judged again, but not counted again). Nests.
  void (*process_begin)(void);
  void (*process_end)(void);

  // Line 1 saw the name look-up complete (Node c-ares): remember that these addresses belong to `host`.
  // addresses: count times 16 bytes, families 4 or 6.
  void (*note_answer)(ap_str host, const uint8_t (*addresses)[16], const uint8_t* families, uint32_t count);

  // Life of a function. handler_loading: user code begins now (fork before it is the runtime's own).
  void (*handler_loading)(void);
  void (*invocation_begin)(ap_str request_id, ap_str function_arn, uint64_t deadline_unix_ms);
  // Flushes folded events. Returns 1 when the invocation was blocked (on_deny "block") and must end as blocked.
  int (*invocation_end)(void);
  void (*flush)(void);  // at exit; idempotent

  // Status as one JSON object (see docs/status.md) into buffer; returns the full length, as snprintf does.
  size_t (*status)(char* buffer, size_t size);

  // A line to TREND_AP_LOG_FILE at level "error" | "warn" | "info" | "debug" | "trace".
  void (*log)(ap_str level, ap_str text);

  // Trouble of ours: one agent_health event (rate-limited per code).
  void (*health)(ap_str code, ap_str text);

  // --- questions about any policy, no enforcement
  // ------------------------------------------------------------------------- `text` is JSON, or the name of a built-in
  // group. Diagnostics ("place: message", one per line, worst first) go to `diagnostics`. Returns NULL when the policy
  // is not valid. surroundings: NULL, or a JSON object {"task_root":..., "tmp":..., "app_dirs":[...],
  // "nameservers":[...], "provider":"aws", "region":...} so that answers do not depend on this machine.
  ap_policy* (*policy_open)(ap_str text, ap_str surroundings, char* diagnostics, size_t size);
  int (*policy_check)(const ap_policy* policy, const ap_operation* operation, ap_verdict* verdict);
  ap_str (*policy_rule_text)(const ap_policy* policy, const ap_verdict* verdict);
  // Effective values in the start-up line's words ("outbound deny, tmp rw grant/observe, ...").
  size_t (*policy_summary)(const ap_policy* policy, char* buffer, size_t size);
  // Binds addresses to a name in this policy's own table, as a look-up would (conformance cases).
  void (*policy_note_answer)(ap_policy* policy, ap_str host, const uint8_t* address, uint8_t family);
  void (*policy_close)(ap_policy* policy);

  // Starts `argv[0]` (searched in PATH) under the sealed policy, replacing this process: `app-protect run`. Returns
  // errno.
  int (*run)(char* const* argv);

  // Line 1 has judged this operation and it is not to be counted: the runtime's own doing (bytecode that the import
  // system writes), or a part of something counted already. Line 2 does not count it either (a mark, as report()
  // leaves). Never changes a decision.
  void (*mark)(const ap_operation* operation);
} ap_api;

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const ap_api*
app_protect_api(uint32_t version);  // NULL for a version it does not speak

#ifdef __cplusplus
}
#endif
#endif
