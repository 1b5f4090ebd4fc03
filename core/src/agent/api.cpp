// SPDX-License-Identifier: Apache-2.0
//
// The C table: every entry a few lines on top of the layers, nothing decided here.
#include <app_protect/api.h>
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "agent/line2.hpp"
#include "agent/questions.hpp"
#include "agent/start.hpp"
#include "event/marks.hpp"
#include "event/report.hpp"
#include "guard/guard.hpp"
#include "guard/image.hpp"
#include "guard/name_table.hpp"

namespace ap::agent {
namespace {

size_t put_text(std::string_view text, char* buffer, size_t size) noexcept {
  if (buffer != nullptr && size > 0) {
    const size_t n = text.size() < size - 1 ? text.size() : size - 1;
    memcpy(buffer, text.data(), n);
    buffer[n] = '\0';
  }
  return text.size();
}

int api_start(const ap_start_options* options, char* message, size_t message_size) {
  put_text("", message, message_size);
  ap_start_options known{};
  if (options != nullptr) memcpy(&known, options, options->size < sizeof known ? options->size : sizeof known);
  std::string text;
  const int result = start(known, text);
  if (result == AP_FAILED) put_text(text, message, message_size);
  return result;
}

uint32_t api_needs() {
  return needs();
}

int api_check(const ap_operation* operation, ap_verdict* verdict) {
  return guard::check(*operation, *verdict);
}

void api_report(const ap_operation* operation, const ap_verdict* verdict, const ap_attribution* who) {
  event::report(*operation, *verdict, who);
}

ap_str api_rule_text(const ap_verdict* verdict) {
  const BlobView* blob = policy();
  return blob != nullptr ? str(guard::rule_text(*blob, *verdict)) : ap_str{nullptr, 0};
}

bool may_be_loaded(ap_str path) {
  Operation reading{};
  reading.resource = AP_FILES;
  reading.kind = AP_FILE_READ;
  reading.line = 1;
  reading.text = path;
  char here[PATH_MAX];
  if (path.size != 0 && path.data[0] != '/' && getcwd(here, sizeof here) != nullptr) reading.cwd = str(here);
  Verdict verdict;
  return guard::check(reading, verdict) == AP_GRANT || guard::spares_code(verdict);
}

int api_allow_code(ap_str path) {
  return may_be_loaded(path) && marks::allow_code(view(path), settings().language) ? 1 : 0;
}
void api_process_begin() {
  marks::process_begin();
}
void api_process_end() {
  marks::process_end();
}

void api_note_answer(ap_str host, const uint8_t (*addresses)[16], const uint8_t* families, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) name_table().note(view(host), make_ip(families[i], addresses[i]));
}

void api_handler_loading() {
  tell_line2_handler_loading();
}

void api_invocation_begin(ap_str request_id, ap_str, uint64_t) {
  event::invocation_begin(view(request_id));
}
int api_invocation_end() {
  return event::invocation_end() ? 1 : 0;
}
void api_flush() {
  event::flush();
}

size_t api_status(char* buffer, size_t size) {
  return put_text(status(), buffer, size);
}

void api_log(ap_str level, ap_str text) {
  const std::string_view word = view(level);
  const LogLevel known = word == "error"   ? LogLevel::error
                         : word == "warn"  ? LogLevel::warn
                         : word == "debug" ? LogLevel::debug
                         : word == "trace" ? LogLevel::trace
                                           : LogLevel::info;
  event::log(known, view(text));
}

void api_health(ap_str code, ap_str text) {
  event::health(view(code), view(text));
}

ap_policy* api_policy_open(ap_str text, ap_str surroundings, char* diagnostics, size_t size) {
  std::string found;
  auto opened = open_policy(view(text), view(surroundings), found);
  put_text(found, diagnostics, size);
  return opened.release();
}

int api_policy_check(const ap_policy* p, const ap_operation* operation, ap_verdict* verdict) {
  return guard::check_against(p->view, p->names.get(), *operation, *verdict);
}

ap_str api_policy_rule_text(const ap_policy* p, const ap_verdict* verdict) {
  return str(guard::rule_text(p->view, *verdict));
}

size_t api_policy_summary(const ap_policy* p, char* buffer, size_t size) {
  return put_text(p->view.summary(), buffer, size);
}

void api_policy_note_answer(ap_policy* p, ap_str host, const uint8_t* address, uint8_t family) {
  if (p->names == nullptr) p->names = std::make_unique<NameTable>();
  p->names->note(view(host), make_ip(family, address));
}

void api_policy_close(ap_policy* p) {
  delete p;
}

void api_mark(const ap_operation* operation) {
  marks::put(*operation);
}

int api_run(char* const* argv) {
  return run_under_line2(argv);
}

constexpr ap_api kTable = {
    .version = AP_API_VERSION,
    .size = sizeof(ap_api),
    .start = api_start,
    .needs = api_needs,
    .check = api_check,
    .report = api_report,
    .rule_text = api_rule_text,
    .allow_code = api_allow_code,
    .process_begin = api_process_begin,
    .process_end = api_process_end,
    .note_answer = api_note_answer,
    .handler_loading = api_handler_loading,
    .invocation_begin = api_invocation_begin,
    .invocation_end = api_invocation_end,
    .flush = api_flush,
    .status = api_status,
    .log = api_log,
    .health = api_health,
    .policy_open = api_policy_open,
    .policy_check = api_policy_check,
    .policy_rule_text = api_policy_rule_text,
    .policy_summary = api_policy_summary,
    .policy_note_answer = api_policy_note_answer,
    .policy_close = api_policy_close,
    .run = api_run,
    .mark = api_mark,
};

// A second copy of this library (a layer and a package, say) steps back: whoever asks it gets the table of the copy
// that enforces already, so that there is one guard and one policy in the process.
struct Search {
  ElfW(Addr) own_base;
  const ap_api* found;
};

int visit_object(dl_phdr_info* object, size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  constexpr std::string_view kName = "/libapp_protect.so";
  const std::string_view path = object->dlpi_name;
  if (object->dlpi_addr == search.own_base || path.size() < kName.size() ||
      path.substr(path.size() - kName.size()) != kName)
    return 0;
  void* handle = dlopen(object->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
  if (handle == nullptr) return 0;
  const auto entry = reinterpret_cast<const ap_api* (*)(uint32_t)>(dlsym(handle, "app_protect_api"));
  const ap_api* api = entry != nullptr && entry != app_protect_api ? entry(AP_API_VERSION) : nullptr;
  dlclose(handle);
  char text[64] = "";
  if (api != nullptr) api->status(text, sizeof text);
  if (strstr(text, "\"state\":\"enforcing\"") == nullptr) return 0;
  search.found = api;
  return 1;
}

const ap_api* enforcing_copy() {
  Dl_info own{};
  dladdr(reinterpret_cast<const void*>(&app_protect_api), &own);
  Search search{reinterpret_cast<ElfW(Addr)>(own.dli_fbase), nullptr};
  dl_iterate_phdr(visit_object, &search);
  return search.found;
}

__attribute__((destructor)) void at_exit() {
  if (sealed()) event::flush();
}

}  // namespace
}  // namespace ap::agent

const ap_api* app_protect_api(uint32_t version) {
  if (version != AP_API_VERSION) return nullptr;
  static std::atomic<bool> searching{false};  // the other copy asks us the same
  if (!ap::sealed() && !searching.exchange(true)) {
    const ap_api* other = ap::agent::enforcing_copy();
    searching.store(false);
    if (other != nullptr) return other;
  }
  return &ap::agent::kTable;
}
