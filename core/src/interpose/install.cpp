// SPDX-License-Identifier: Apache-2.0
#include "interpose/install.hpp"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <cstring>

#include "base/large.hpp"
#include "base/syscall.hpp"
#include "event/report.hpp"
#include "guard/held.hpp"
#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/dns_payload.hpp"
#include "interpose/libc.hpp"
#include "interpose/memory_guard.hpp"
#include "interpose/originals.hpp"
#include "interpose/patch.hpp"
#include "interpose/plan.hpp"
#include "interpose/prepared_libc.hpp"
#include "interpose/processes.hpp"
#include "interpose/program.hpp"
#include "interpose/raw_syscall.hpp"
#include "interpose/state.hpp"
#include "policy/blob.hpp"

namespace ap::interpose {
namespace {

AP_LARGE Patcher patcher;
InstallReport report;
bool installed = false;

void seal_pages(AddressRange range) {
  memory_guard::protect(range);
  sys::call(SYS_mprotect, range.begin, range.end - range.begin, PROT_READ);
}

void guard_memory(const Libraries& libraries, const AddressRange& mapped_islands) {
  for (std::size_t i = 0; i < libraries.count; ++i) memory_guard::protect(libraries.objects[i].text);
  LoadedObject object;
  if (object_at(reinterpret_cast<const void*>(&install), object)) memory_guard::protect(object.whole);
  if (mapped_islands.end) memory_guard::protect(mapped_islands);
  const std::string_view image = image_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(image.data());
  memory_guard::protect({begin, begin + image.size()});
}

// The loader (its text is guarded, its file tells which children we can enter), and whose code may make memory
// executable.
void look_around(bool knows_loader) {
  each_object(
      [](const LoadedObject& object, void* known) {
        const std::string_view file = object.file();
        if (is_loader(file)) {
          if (!*static_cast<const bool*>(known)) remember_loader(object.name);
          memory_guard::protect(object.text);
          if (loader_is_guarded()) memory_guard::allow_code_from(object.text);  // it maps what dlopen was granted
        }
        if (memory_guard::is_runtime(object)) memory_guard::allow_code_from(object.text);
        return true;
      },
      &knows_loader);
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

Result<bool> install(std::uint32_t needs, const Prepared& prepared) {
  if (installed || needs == 0 || !policy()) return true;
  const PolicyHeader& header = policy()->header();
  const std::string_view language = settings().language;
  enforcing = header.denies;
  language_hooks_here = !event::handed_over() && (language == "python" || language == "node");

  constexpr unsigned long kPage = 4096;
  if (getauxval(AT_PAGESZ) != kPage)
    return Error{ErrorCode::unsupported, "line 2 counts in pages of 4 KiB: this machine's are larger"};
  Libraries libraries;
  if (!libraries.find())
    return Error{ErrorCode::unsupported, "line 2 found no C library in this process that it knows"};
  const std::uint32_t wanted = wanted_calls(needs, language_hooks_here);
  fill_dispatch(wanted);
  held::begin();
  MappedLibc mapped;
  const bool is_mapped =
      prepared.fd >= 0 && map_prepared_libc(prepared.fd, prepared.offset, libraries.objects[0], wanted, mapped);
  look_around(mapped.knows_loader);
  if ((needs & AP_NEED_NETWORK) && !mapped.knows_search_domains) remember_search_domains();
  if (enforcing && (wanted & kFiles)) forbid_core_dumps();
  report.patched = mapped.patched;
  report.missing = mapped.missing;
  const LoadedObject* rest = libraries.objects + is_mapped;
  const std::size_t count = libraries.count - is_mapped;
  if (count) {
    const std::uint32_t missing = plan_calls(rest, count, wanted, patcher);
    if (!is_mapped) report.missing = missing;
    patcher.commit();
  }
  installed = true;
  seal_pages(
      {reinterpret_cast<std::uintptr_t>(&originals), reinterpret_cast<std::uintptr_t>(&originals) + sizeof originals});
  seal_pages(raw_handlers());
  guard_memory(libraries, mapped.islands);
  if (count) memory_guard::protect(patcher.islands());

  for (std::size_t i = 0; count && i < patcher.size(); ++i) {
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
