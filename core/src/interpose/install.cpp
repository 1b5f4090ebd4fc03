// SPDX-License-Identifier: Apache-2.0
#include "interpose/install.hpp"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>

#include "base/syscall.hpp"
#include "event/report.hpp"
#include "guard/held.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/dns_payload.hpp"
#include "interpose/memory_guard.hpp"
#include "interpose/originals.hpp"
#include "interpose/patch.hpp"
#include "interpose/processes.hpp"
#include "interpose/program.hpp"
#include "interpose/raw_syscall.hpp"
#include "interpose/state.hpp"
#include "policy/blob.hpp"

namespace ap::interpose {
namespace {

Patcher patcher;
InstallReport report;
bool installed = false;

// Where libc's functions live: one library since glibc 2.34, several before.
constexpr const char* kLibraries[] = {"libc.so.6",      "libpthread.so.0", "libdl.so.2",
                                      "libresolv.so.2", "librt.so.1",      "libutil.so.1"};
constexpr std::size_t kLibraryCount = sizeof kLibraries / sizeof *kLibraries;

struct Libraries {
  LoadedObject objects[kLibraryCount];
  std::size_t count = 0;
};

// __openat_nocancel is what fts, ftw, scandirat and glob open directories with. It is not exported, but lies behind
// __open_nocancel: the next 16-byte boundary, the same kind of frame, and the number of openat before its system call.
unsigned char* hidden_openat(const LoadedObject& libc) {
  FunctionSymbol before;
  if (find_functions(libc, "__open_nocancel", &before, 1) != 1 || !before.size) return nullptr;
  const auto behind = reinterpret_cast<std::uintptr_t>(before.address) + before.size;
  auto* candidate = reinterpret_cast<unsigned char*>((behind + 15) & ~std::uintptr_t{15});
  const unsigned char* start = candidate;
  if (std::memcmp(start, "\xf3\x0f\x1e\xfa", 4) == 0) start += 4;
  if (std::memcmp(start, "\x48\x83\xec", 3) != 0) return nullptr;  // sub $n, %rsp
  static const unsigned char openat_call[] = {0xb8, 0x01, 0x01, 0x00, 0x00, 0x0f, 0x05};
  for (const unsigned char* p = start; p < start + 160; ++p)
    if (std::memcmp(p, openat_call, sizeof openat_call) == 0) return candidate;
  return nullptr;
}

void plan_calls(const Libraries& libraries, Table<Call> calls, std::uint32_t needs) {
  for (const Call& call : calls) {
    if (!(call.needs & needs)) continue;
    bool found = false;
    for (std::size_t i = 0; i < libraries.count; ++i) {
      FunctionSymbol functions[4];
      std::size_t n = find_functions(libraries.objects[i], call.symbol, functions, 4);
      if (n == 0 && i == 0 && std::strcmp(call.symbol, "__openat_nocancel") == 0 &&
          (functions[0].address = hidden_openat(libraries.objects[0])))
        n = 1;
      // Other versions of a function share the first one's original.
      for (std::size_t k = 0; k < n; ++k) {
        void** original = found ? nullptr : call.original;
        patcher.plan(call.symbol, functions[k].address, call.replacement, original);
        found = true;
      }
    }
    report.missing += !found;
  }
}

void fill_dispatch(Table<Number> numbers, std::uint32_t needs) {
  for (const Number& n : numbers)
    if (n.needs & needs) set_raw_handler(n.number, n.handler);
}

// Calls that only ask about files matter where some read is not granted: everywhere in a child, but not where the
// application's own reads are policed by line 1 alone.
bool names_matter(const PolicyHeader& header, const BlobView& blob) {
  for (int place = 0; place < 3; ++place) {
    const bool application = place == static_cast<int>(Place::application);
    if (header.places[place][0] != AP_GRANT && !(application && language_hooks_here)) return true;
  }
  const auto* items = blob.items<PathItem>(header.paths.items);
  for (std::uint32_t i = 0; i < header.paths.items.count; ++i)
    if (items[i].use == PathUse::rule && items[i].read != kNoAction && items[i].read != AP_GRANT) return true;
  return false;
}

void seal_pages(AddressRange range) {
  memory_guard::protect(range);
  sys::call(SYS_mprotect, range.begin, range.end - range.begin, PROT_READ);
}

void guard_memory(const Libraries& libraries) {
  for (std::size_t i = 0; i < libraries.count; ++i) memory_guard::protect(libraries.objects[i].text);
  LoadedObject object;
  if (object_at(reinterpret_cast<const void*>(&install), object)) memory_guard::protect(object.whole);
  memory_guard::protect(patcher.islands());
  const std::string_view image = image_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(image.data());
  memory_guard::protect({begin, begin + image.size()});
}

// The loader (its text is guarded, its file tells which children we can enter), and whose code may make memory
// executable.
void look_around() {
  each_object(
      [](const LoadedObject& object, void*) {
        const std::string_view file = object.file();
        if (file.substr(0, 8) == "ld-linux") {
          remember_loader(object.name);
          memory_guard::protect(object.text);
        }
        FunctionSymbol runtime;  // Node itself, as a program or a library: V8's code is its own
        if (find_functions(object, "napi_module_register", &runtime, 1)) memory_guard::allow_code_from(object.text);
        return true;
      },
      nullptr);
}

void add_trouble(const Patch& patch) {
  char* at = report.trouble + std::strlen(report.trouble);
  std::size_t left = sizeof report.trouble - std::strlen(report.trouble) - 1;
  for (const char* part :
       {report.trouble[0] ? "; " : "", patch.symbol, ": ", patch.trouble ? patch.trouble : "no reason known"}) {
    const std::size_t size = std::strlen(part) < left ? std::strlen(part) : left;
    std::memcpy(at, part, size);
    at += size;
    left -= size;
  }
  *at = 0;
}

}  // namespace

long finish(long result) noexcept {
  if (result >= 0 || result < -4095) return result;
  errno = static_cast<int>(-result);
  return -1;
}

Result<bool> install(std::uint32_t needs) {
  if (installed || needs == 0 || !policy()) return true;
  const PolicyHeader& header = policy()->header();
  const std::string_view language = settings().language;
  enforcing = header.denies;
  language_hooks_here = !event::handed_over() && (language == "python" || language == "node");

  Libraries libraries;
  for (const char* name : kLibraries)
    if (find_object(name, libraries.objects[libraries.count])) ++libraries.count;
  if (libraries.count == 0)
    return Error{ErrorCode::unsupported, "line 2 found no libc.so.6 in this process: only glibc is supported"};
  look_around();
  if (needs & AP_NEED_NETWORK) remember_search_domains();

  std::uint32_t wanted = (needs & (kNetwork | kFiles | kProcesses | kNative)) | kAlways;
  if ((needs & AP_NEED_FILES) && names_matter(header, *policy())) wanted |= kFileNames;
  for (Table<Number> numbers :
       {file_numbers(), metadata_numbers(), question_numbers(), network_numbers(), exec_numbers(), process_numbers(),
        state_numbers(), memory_numbers(), descriptor_numbers(), raw_numbers()})
    fill_dispatch(numbers, wanted);
  for (Table<Call> calls :
       {exec_calls(), process_calls(), file_calls(), metadata_calls(), question_calls(), network_calls(),
        resolve_calls(), native_calls(), state_calls(), memory_calls(), descriptor_calls(), raw_calls()})
    plan_calls(libraries, calls, wanted);

  held::begin();
  if (enforcing && (wanted & kFiles)) forbid_core_dumps();
  patcher.commit();
  installed = true;
  seal_pages(
      {reinterpret_cast<std::uintptr_t>(&originals), reinterpret_cast<std::uintptr_t>(&originals) + sizeof originals});
  seal_pages(raw_handlers());
  guard_memory(libraries);

  for (std::size_t i = 0; i < patcher.size(); ++i) {
    const Patch& patch = patcher[i];
    report.patched += patch.state == Patch::State::patched;
    report.redirected += patch.state == Patch::State::redirected;
    report.failed += patch.state == Patch::State::failed;
    if (patch.state != Patch::State::patched) add_trouble(patch);
  }
  if (report.redirected || report.failed) event::health("hook_not_installed", report.trouble);
  if (report.patched == 0 && enforcing)
    return Error{ErrorCode::unsupported, std::string("line 2 could not be put in place: ") + report.trouble};
  return true;
}

const InstallReport& install_report() noexcept {
  return report;
}
std::size_t repair() noexcept {
  return installed ? patcher.repair() : 0;
}
void user_code_begins() noexcept {
  user_code = true;
}

}  // namespace ap::interpose
