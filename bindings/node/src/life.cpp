// SPDX-License-Identifier: Apache-2.0
#include "life.hpp"

#include <signal.h>

#include "library.hpp"
#include "raw_syscall.hpp"
#include "values.hpp"

namespace ap::node {

namespace {

using library::api;

std::string text_of(const Napi::Value& value) {
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

Napi::Value load_library(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), library::open(text_of(info[0])));
}

Napi::Value start(const Napi::CallbackInfo& info) {
  const Napi::Object wanted = info[0].As<Napi::Object>();
  const std::string runtime = text_of(wanted.Get("runtime")), main_directory = text_of(wanted.Get("mainDirectory"));
  static constexpr char kLanguage[] = "node";
  ap_start_options options{};
  options.size = sizeof options;
  options.attach = wanted.Get("attach").ToNumber().Uint32Value();
  options.language = {kLanguage, sizeof kLanguage - 1};
  options.runtime = str(runtime);
  if (!main_directory.empty()) options.main_dir = str(main_directory);
  const Napi::Value started = wanted.Get("startedNs");
  bool lossless = false;
  if (started.IsBigInt()) options.started_ns = started.As<Napi::BigInt>().Uint64Value(&lossless);
  char message[4096] = "";
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("result", api->start(&options, message, sizeof message));
  result.Set("message", static_cast<const char*>(message));
  result.Set("needs", api->needs());
  return result;
}

Napi::Value status(const Napi::CallbackInfo& info) {
  std::string text(4096, 0);
  size_t size = api->status(text.data(), text.size());
  if (size >= text.size()) {
    text.resize(size + 1);
    size = api->status(text.data(), text.size());
  }
  text.resize(size < text.size() ? size : text.size() - 1);
  return Napi::String::New(info.Env(), text);
}

void handler_loading(const Napi::CallbackInfo&) {
  api->handler_loading();
}

void invocation_begin(const Napi::CallbackInfo& info) {
  const std::string request_id = text_of(info[0]), arn = text_of(info[1]);
  const double deadline = info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : 0;
  api->invocation_begin(request_id.empty() ? absent() : str(request_id), arn.empty() ? absent() : str(arn),
                        deadline > 0 ? static_cast<uint64_t>(deadline) : 0);
}

Napi::Value invocation_end(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), api->invocation_end() == 1);
}

void flush(const Napi::CallbackInfo&) {
  api->flush();
}

void log(const Napi::CallbackInfo& info) {
  const std::string level = text_of(info[0]), text = text_of(info[1]);
  api->log(str(level), str(text));
}

void health(const Napi::CallbackInfo& info) {
  const std::string code = text_of(info[0]), text = text_of(info[1]);
  api->health(str(code), str(text));
}

Napi::Value allow_code(const Napi::CallbackInfo& info) {
  PathText path;
  napi_value value = info[0];
  return Napi::Boolean::New(info.Env(), path.read(info.Env(), value) && api->allow_code(path.str()) != 0);
}

// SIGUSR1 opens Node's inspector, which gives what is behind the hooks. Where that is denied: a handler that does
// nothing, not SIG_IGN, which children would inherit; a listener of the function's takes its place, and its removal
// leaves the default of a signal, not Node's handler.
void guard_debug_signal(const Napi::CallbackInfo&) {
  static constexpr char kWhat[] = "node:inspector";
  ap_operation op{};
  ap_verdict verdict{};
  op.resource = AP_NATIVE;
  op.kind = AP_CALL_ADDRESS;
  op.line = 1;
  op.text = {kWhat, sizeof kWhat - 1};
  if (api->check(&op, &verdict) != AP_DENY) return;
  struct sigaction nothing{};
  nothing.sa_handler = [](int) {};
  nothing.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &nothing, nullptr);
}

void process_begin(const Napi::CallbackInfo&) {
  api->process_begin();
}
void process_end(const Napi::CallbackInfo&) {
  api->process_end();
}

bool read_small(const std::string& path, std::string& text) {
  constexpr size_t kMost = 256 * 1024;
  const long fd = raw::open_to_read(path.c_str());
  if (fd < 0) return false;
  char block[16 * 1024];
  long count;
  while (text.size() < kMost && (count = raw::read(fd, block, sizeof block)) > 0)
    text.append(block, static_cast<size_t>(count));
  raw::close(fd);
  return true;
}

Napi::Value read_small_file(const Napi::CallbackInfo& info) {
  std::string text;
  if (!read_small(text_of(info[0]), text)) return info.Env().Undefined();
  return Napi::String::New(info.Env(), text);
}

// Runs a file of ours: what its last expression gives. vm.Script would be user code's to replace by then.
Napi::Value evaluate(const Napi::CallbackInfo& info) {
  const std::string path = text_of(info[0]);
  std::string text;
  read_small(path, text);
  text += "//# sourceURL=" + path;
  napi_value result = nullptr;
  napi_run_script(info.Env(), Napi::String::New(info.Env(), text), &result);
  return Napi::Value(info.Env(), result);
}

Napi::Value exists(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), raw::exists(text_of(info[0]).c_str()));
}

Napi::Value library_path(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), library::path());
}

// As a template argument the function needs no memory, and no finalizer, of its own.
template <auto call>
void add(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<call>(env, name));
}

}  // namespace

void add_start(Napi::Env env, Napi::Object exports) {
  add<load_library>(env, exports, "loadLibrary");
  add<start>(env, exports, "start");
  add<flush>(env, exports, "flush");
  add<evaluate>(env, exports, "evaluate");
  add<guard_debug_signal>(env, exports, "guardDebugSignal");
}

void add_life(Napi::Env env, Napi::Object exports) {
  add<status>(env, exports, "status");
  add<handler_loading>(env, exports, "handlerLoading");
  add<invocation_begin>(env, exports, "invocationBegin");
  add<invocation_end>(env, exports, "invocationEnd");
  add<log>(env, exports, "log");
  add<health>(env, exports, "health");
  add<allow_code>(env, exports, "allowCode");
  add<process_begin>(env, exports, "processBegin");
  add<process_end>(env, exports, "processEnd");
  add<read_small_file>(env, exports, "readSmallFile");
  add<exists>(env, exports, "exists");
  add<library_path>(env, exports, "library");
  exports.Set("directory", Napi::String::New(env, library::own_directory()));
}

}  // namespace ap::node
