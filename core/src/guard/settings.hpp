// SPDX-License-Identifier: Apache-2.0
//
// Settings: the finalised configuration as plain bytes. It lies in the sealed image beside the policy blob, so that
// workers, forks and handed-over children read the very same values; nothing else is read after the seal.
#pragma once
#include <cstdint>

namespace ap {

enum class LogLevel : std::uint8_t { error, warn, info, debug, trace };

// Where lines go. fd is a high, close-on-exec duplicate held by the process that sealed the policy; device and inode
// tell whether it still is what was opened. fd < 0: nowhere to write.
struct Sink {
  std::int32_t fd;
  std::uint32_t is_std;  // 0 = a file of ours, 1 = standard output, 2 = standard error
  std::uint64_t device, inode;
};

struct Settings {
  std::uint32_t size;  // sizeof(Settings), checked at hand-over
  LogLevel log_level;
  std::uint8_t fail_closed;
  std::uint8_t on_function_host;  // Lambda or another function runtime: event lines go to standard output
  std::uint8_t hooks_disabled;    // bits: files, network, processes, native, interpose (TREND_AP_PLUGINS_*)
  Sink event_sink, log_sink;
  std::int32_t owner_pid;  // who sealed, and owns the log
  Sink blocked;            // under on_deny "block": the owner's flag for its invocation (event/owner.hpp); fd -1: none
  std::uint64_t
      owner_start_ticks;  // field 22 of /proc/<pid>/stat, so that a recycled pid is not mistaken for the owner
  char function[160];     // terminated; empty = unknown (event key null)
  char runtime[32];
  char language[16];
  char library[512];        // absolute path of libapp_protect.so, for LD_PRELOAD of children
  char policy_group[96];    // as printed: lower case
  char policy_source[256];  // "app_protect.json", "TREND_AP_POLICY", "built-in", ...
  char version[16];
  std::int32_t policy_version;  // -1 = none
};

}  // namespace ap
