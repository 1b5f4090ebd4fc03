// SPDX-License-Identifier: Apache-2.0
//
// Loading of libraries. The loader opens files by itself: what may be loaded is decided at dlopen, on the path as
// spelled and on the real one (a link in a writable place must not lead to an allowed library, nor the other way
// round). Not covered: a bare name ("libm.so.6"), which the loader searches in directories fixed at start; a library's
// own dependencies.
//
// The name service loads libraries by itself, by the names of services: one with a slash in it would be a path.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>

#include <cstring>

#include "base/hash.hpp"
#include "base/large.hpp"
#include "base/syscall.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/stubs.hpp"
#include "interpose/user_memory.hpp"
#include "policy/blob.hpp"

namespace ap::interpose {
namespace {

// Paths handed to the loader. It reads them after our frame is gone, so they must stay and must not change: interned,
// never freed. A program loads few different paths; past the arena a load is refused.
constexpr std::size_t kArena = 256 * 1024, kIndex = 1024;
AP_LARGE char arena[kArena];
std::size_t arena_used = 0;
AP_LARGE const char* interned[kIndex];
int arena_lock = 0;

const char* intern(std::string_view text) {
  // dlopen takes the loader's lock anyway, and is not for signal handlers.
  while (__atomic_exchange_n(&arena_lock, 1, __ATOMIC_ACQUIRE)) sys::call(SYS_sched_yield);
  const char* found = nullptr;
  for (std::size_t i = hash_bytes(text) % kIndex, tries = 0; tries < kIndex; ++tries, i = (i + 1) % kIndex) {
    if (!interned[i]) {
      if (arena_used + text.size() + 1 > kArena) break;
      char* copy = arena + arena_used;
      std::memcpy(copy, text.data(), text.size());
      copy[text.size()] = 0;
      arena_used += text.size() + 1;
      found = interned[i] = copy;
      break;
    }
    if (text == interned[i]) {
      found = interned[i];
      break;
    }
  }
  __atomic_store_n(&arena_lock, 0, __ATOMIC_RELEASE);
  return found;
}

Operation load_of(std::string_view path) {
  Operation op = native(path.substr(0, 7) == "/memfd:" ? AP_MEMFD : AP_LOAD, path);
  op.flags = AP_OP_CANONICAL;
  return op;
}

// 0, or -EPERM. The worse of the two spellings is counted.
long decide_load(const PathBuffer& path) {
  PathBuffer real;
  canonical::Descriptor object;
  const long found = canonical::find(AT_FDCWD, path, 0, object, real);
  if (found < 0 && !real.size) return 0;  // the loader will not find it either
  Operation op = load_of(real.view());
  Verdict verdict;
  const int action = judge(op, verdict);
  if (action != AP_DENY) {
    PathBuffer joined, spelled;
    if (canonical::absolute(AT_FDCWD, path.view(), joined, spelled) == 0 && spelled.view() != real.view()) {
      Operation as_spelled = load_of(spelled.view());
      Verdict other;
      if (judge(as_spelled, other) > action) return settle(as_spelled, other, path.view());
    }
  }
  return settle(op, verdict, path.view());
}

constexpr const char* kRefused =
    "/dev/null/refused by App Protect (native_code)";  // no such path can exist: the loader says so
constexpr const char* kRefusedNamespace = "/dev/null/refused by App Protect (a second libc)";

int hook_nss_configure_lookup(const char* database, const char* services) {
  if (!services) return originals.nss_configure_lookup(database, services);
  // A copy is judged and passed on. Where such a path will lead cannot be said yet: it is relative to wherever the
  // process stands by then. So it is what `native_code` says, whatever the path.
  constexpr std::string_view kPrefix = "libnss_";
  PathBuffer library;
  library.assign(kPrefix);
  const long length = copy_string(library.data + kPrefix.size(), sizeof library.data - kPrefix.size(), services);
  if (length < 0) return static_cast<int>(finish(length));
  library.size += static_cast<std::uint32_t>(length);
  const char* const copy = library.data + kPrefix.size();
  Operation op = native(AP_LOAD, library.view());
  if (std::strchr(copy, '/')) {
    Verdict verdict;
    judge(op, verdict);
    verdict.action = policy()->header().native;
    if (const long refused = settle(op, verdict, library.view())) return static_cast<int>(finish(refused));
  }
  return originals.nss_configure_lookup(database, copy);
}

}  // namespace

extern "C" const char* ap_ask_load(const char* user_path, long name_space) {
  if (name_space != 0 && enforcing) return kRefusedNamespace;
  if (!user_path) return nullptr;
  const int kept = errno;
  PathBuffer path;
  const long length = copy_path(path, user_path);
  if (length < 0) return enforcing ? kRefused : user_path;  // too long: the loader says so
  if (length == 0 || !std::strchr(path.data, '/')) return length ? intern(path.view()) : "";
  if (decide_load(path) < 0) {
    errno = EPERM;
    return kRefused;
  }
  errno = kept;
  const char* copy = intern(path.view());
  return copy ? copy : kRefused;
}

Table<Call> native_calls() noexcept {
  static const Call rows[] = {
      {"dlopen", code(ap_hook_dlopen), kNative, &originals.dlopen},
      {"__nss_configure_lookup", code(hook_nss_configure_lookup), kNative, slot(originals.nss_configure_lookup)},
      {"dlmopen", code(ap_hook_dlmopen), kAlways, &originals.dlmopen},
  };
  return table(rows);
}

}  // namespace ap::interpose
