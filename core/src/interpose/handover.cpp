// SPDX-License-Identifier: Apache-2.0
#include "interpose/handover.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>

#include "base/high_descriptor.hpp"
#include "base/syscall.hpp"
#include "event/report.hpp"
#include "event/writer.hpp"
#include "guard/canonical.hpp"
#include "guard/guard.hpp"
#include "guard/image.hpp"
#include "interpose/decide.hpp"
#include "interpose/image_descriptor.hpp"
#include "interpose/install.hpp"
#include "interpose/libc.hpp"

namespace ap::interpose {
namespace {

constexpr std::string_view kMarker =
    "TREND_AP_HANDOVER=";  // <image>,<its inode>,<events>,<log>,<1 when the policy denies anything>
constexpr std::string_view kPreload = "LD_PRELOAD=";
constexpr std::string_view kConverters = "GCONV_PATH=";

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

void close_one(int& fd) {
  if (fd >= 0) sys::call(SYS_close, fd);
  fd = -1;
}

// Text building without a library.
struct Writer {
  char* at;
  std::size_t left;
  bool ok = true;
  void put(std::string_view text) {
    if (text.size() >= left) {
      ok = false;
      return;
    }
    std::memcpy(at, text.data(), text.size());
    at += text.size();
    left -= text.size();
    *at = 0;
  }
  void number(std::int64_t value) {
    char digits[24];
    std::size_t n = sizeof digits;
    const bool negative = value < 0;
    std::uint64_t v = negative ? 1u : static_cast<std::uint64_t>(value);
    do digits[--n] = static_cast<char>('0' + v % 10);
    while (v /= 10);
    if (negative) digits[--n] = '-';
    put({digits + n, sizeof digits - n});
  }
  char* finish() { return left ? ++at : at; }
};

// Whether `fd` is open on the file that `sink` was opened on.
bool leads_to(long fd, const Sink& sink) {
  struct stat st;
  return fd >= 0 && sys::call(SYS_fstat, fd, &st) == 0 && st.st_dev == sink.device && st.st_ino == sink.inode;
}

// Another process's descriptor, opened anew: for a child that closed every descriptor before it executes, as
// posix_spawn does inside libc when it is told to (Python 3.13's subprocess). -1 when that is gone or the log is a
// socket.
int reopen_from(long process, const Sink& sink) {
  if (sink.fd < 0 || process <= 0) return -1;
  char path[64];
  Writer out{path, sizeof path};
  out.put("/proc/");
  out.number(process);
  out.put("/fd/");
  out.number(sink.fd);
  const long fd = sys::call(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
  if (leads_to(fd, sink)) return static_cast<int>(fd);
  if (fd >= 0) sys::call(SYS_close, fd);
  return -1;
}

int inheritable(event::Channel channel) {
  const Sink own = event::sink(channel);
  if (own.fd < 0) return -1;
  if (leads_to(own.fd, own)) return static_cast<int>(sys::call(SYS_fcntl, own.fd, F_DUPFD, 3));
  // The owner may have made room there, then its child knows by its parent's memory.
  const int fd = reopen_from(settings().owner_pid,
                             channel == event::Channel::events ? settings().event_sink : settings().log_sink);
  return fd >= 0 ? fd : reopen_from(sys::call(SYS_getppid), own);
}

// Whether a directory or library that the environment names may be loaded from.
bool loadable(std::string_view path) {
  Operation op = native(AP_LOAD, path);
  Verdict verdict;
  return judge(op, verdict) != AP_DENY;
}

// Whether a library could be loaded from every directory of a list (separated by colons).
bool all_loadable(std::string_view list) {
  while (!list.empty()) {
    const auto end = list.find(':');
    const std::string_view part = list.substr(0, end);
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    PathBuffer file;
    if (!file.assign(part) || !file.append("/x.so") || !loadable(file.view())) return false;
  }
  return true;
}

// Keeps the parts of a list (separated by any of `separators`) that pass `keep`.
template <typename Keep>
void filter_list(Writer& out, std::string_view list, std::string_view separators, bool& first, Keep keep) {
  while (!list.empty()) {
    const auto end = list.find_first_of(separators);
    const std::string_view part = list.substr(0, end);
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    if (part.empty() || !keep(part)) continue;
    if (!first) out.put(":");
    out.put(part);
    first = false;
  }
}

}  // namespace

Luggage::~Luggage() {
  close_one(image);
  close_one(events);
  close_one(log);
}

long Luggage::open() noexcept {
  const long fd = image_descriptor(inode);
  if (fd < 0) return fd;
  image = static_cast<int>(fd);
  events = inheritable(event::Channel::events);
  log = inheritable(event::Channel::log);
  return 0;
}

bool is_ours(std::string_view entry) noexcept {
  static constexpr std::string_view names[] = {
      "TREND_AP_", "IMMUNIO_", "ES_LICENSE_KEY=", "ES_POLICY_GROUP_NAME=", "ES_APP_NAME=", "ES_LOG_LEVEL="};
  for (const auto& name : names)
    if (starts_with(entry, name)) return true;
  return false;
}

long rebuild_environment(char** entries, std::size_t count, char* room, std::size_t room_size,
                         const Luggage& luggage) noexcept {
  // Loader variables that run code of somebody else's before ours, or write files from inside the loader.
  static constexpr std::string_view dropped[] = {"LD_AUDIT=", "LD_DEBUG_OUTPUT=", "LD_PROFILE=", "LD_PROFILE_OUTPUT="};
  const std::string_view library = settings().library;
  Writer out{room, room_size};

  char* preload = out.at;
  out.put(kPreload);
  out.put(library);
  bool first = false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view entry = entries[i];
    if (is_ours(entry)) continue;
    if (starts_with(entry, kPreload)) {
      filter_list(out, entry.substr(kPreload.size()), ": ", first,
                  [&](std::string_view part) { return part != library && (!enforcing || loadable(part)); });
      continue;
    }
    bool drop = false;
    for (const auto& name : dropped) drop |= enforcing && starts_with(entry, name);
    // Character sets are libraries, and this is where iconv looks for them.
    if (enforcing && starts_with(entry, kConverters)) drop = !all_loadable(entry.substr(kConverters.size()));
    if (!drop) entries[kept++] = entries[i];
  }
  out.finish();
  --out.left;

  constexpr std::string_view kLibraryPath = "LD_LIBRARY_PATH=";
  if (enforcing) {
    for (std::size_t i = 0; i < kept; ++i) {
      const std::string_view entry = entries[i];
      if (!starts_with(entry, kLibraryPath)) continue;
      bool all = true, none = true;
      std::string_view list = entry.substr(kLibraryPath.size());
      auto keep = [](std::string_view part) {
        PathBuffer file;
        return file.assign(part) && file.append("/libc.so.6") && loadable(file.view());
      };
      for (std::string_view rest = list; !rest.empty();) {
        const auto end = rest.find_first_of(":;");
        const std::string_view part = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        all &= !part.empty() && keep(part);
      }
      if (all) continue;
      // In place: the filtered list is never longer. (The strings are our copies.)
      Writer same{entries[i] + kLibraryPath.size(), list.size() + 1};
      std::string_view rest = list;
      while (!rest.empty()) {
        const auto end = rest.find_first_of(":;");
        const std::string_view part = rest.substr(0, end);
        const bool good = !part.empty() && keep(part);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        if (!good) continue;
        if (!none) same.put(":");
        std::memmove(same.at, part.data(), part.size());
        same.at += part.size();
        same.left -= part.size();
        none = false;
      }
      *same.at = 0;
    }
  }

  char* marker = out.at;
  out.put(kMarker);
  out.number(luggage.image);
  out.put(",");
  out.number(static_cast<std::int64_t>(luggage.inode));
  out.put(",");
  out.number(luggage.events);
  out.put(",");
  out.number(luggage.log);
  out.put(enforcing ? ",1" : ",0");
  if (!out.ok) return -ENAMETOOLONG;
  entries[kept++] = preload;
  entries[kept++] = marker;
  entries[kept] = nullptr;
  return static_cast<long>(kept);
}

// --- the child
// -------------------------------------------------------------------------------------------------------------

namespace {

std::int64_t take_number(std::string_view& text) {
  bool negative = false;
  if (!text.empty() && text[0] == '-') {
    negative = true;
    text.remove_prefix(1);
  }
  std::int64_t value = 0;
  std::size_t digits = 0;
  while (digits < text.size() && digits < 18 && text[digits] >= '0' && text[digits] <= '9')
    value = value * 10 + (text[digits++] - '0');
  const bool any = digits != 0;
  text.remove_prefix(digits);
  if (!text.empty() && text[0] == ',') text.remove_prefix(1);
  return !any || negative ? -1 : value;
}

int taken_over(int fd) {
  return fd < 0 ? -1 : move_high(fd, kWithinTable);
}

[[noreturn]] void refuse_to_run(int log, std::string_view why) {
  char text[512];
  Writer out{text, sizeof text};
  out.put("[ERROR] [app_protect] this process cannot be put under its parent's policy and was not started: ");
  out.put(why);
  out.put("\n");
  sys::write_all(log >= 0 ? log : 2, {text, sizeof text - out.left});
  for (;;) sys::call(SYS_exit_group, 126);
}

// The environment as the program would have it without us.
void restore_environment(char** environment, char* marker) {
  const std::string_view library = settings().library;
  char** to = environment;
  for (char** from = environment; *from; ++from) {
    char* entry = *from;
    if (entry == marker) continue;
    if (starts_with(entry, kPreload) && !library.empty()) {
      char* value = entry + kPreload.size();
      std::string_view rest = value;
      if (starts_with(rest, library)) {
        rest.remove_prefix(library.size());
        if (rest.empty()) {
          std::memset(entry, 0, std::strlen(entry));
          continue;  // there was none
        }
        if (rest[0] == ':') {
          const std::size_t old = std::strlen(value), size = rest.size() - 1;
          std::memmove(value, rest.data() + 1, size);
          std::memset(value + size, 0, old - size);
        }
      }
    }
    *to++ = entry;
  }
  *to = nullptr;
  std::memset(marker, 0, std::strlen(marker));
}

}  // namespace

void enter_child(char** environment) noexcept {
  if (!environment || sealed()) return;
  char* marker = nullptr;
  for (char** e = environment; *e && !marker; ++e)
    if (starts_with(*e, kMarker)) marker = *e;
  if (!marker) return;

  std::string_view text = std::string_view(marker).substr(kMarker.size());
  const auto descriptor = [&] { return static_cast<int>(take_number(text)); };
  const int image = descriptor();
  const auto inode = static_cast<std::uint64_t>(take_number(text));
  const int events = taken_over(descriptor()), log = taken_over(descriptor());
  const bool denies = take_number(text) != 0;

  struct stat st;
  const bool passed_on = image >= 0 && sys::call(SYS_fstat, image, &st) == 0 && st.st_ino == inode;
  const auto result = passed_on ? seal_from_descriptor(image)
                                : Result<bool>(Error{ErrorCode::blob_invalid, "its policy was not passed on"});
  restore_environment(environment, marker);
  if (!result) {
    if (image >= 0) sys::call(SYS_close, image);
    if (denies) refuse_to_run(log, result.error().message);
    return;
  }
  event::adopt(events, log);
  user_code_begins();
  const std::uint32_t needs = guard::needs(*policy()) & ~std::uint32_t{settings().hooks_disabled};
  const auto installed = install(needs, {image, behind_image()});
  if (needs)
    adopt_image(image, inode);
  else
    sys::call(SYS_close, image);
  if (!installed && denies) refuse_to_run(log, installed.error().message);
}

}  // namespace ap::interpose

// Before main, and before the constructors of what the program itself links are done with: see the ADR.
[[gnu::constructor]] static void ap_on_load(int, char**, char** environment) {
  ap::interpose::enter_child(ap::interpose::first_environment(environment));
}
