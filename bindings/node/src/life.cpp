// SPDX-License-Identifier: Apache-2.0
#include "life.hpp"

#include <arpa/inet.h>
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
  return result;
}

Napi::Value needs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), api->needs());
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

// SIGUSR1 opens Node's inspector. A handler that does nothing, not SIG_IGN, which children would inherit; a listener of
// the function's takes its place, and its removal leaves the default of a signal, not Node's handler.
void ignore_debug_signal(const Napi::CallbackInfo&) {
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

void note_answer(const Napi::CallbackInfo& info) {
  constexpr uint32_t kMost = 64;
  uint8_t addresses[kMost][16], families[kMost];
  uint32_t count = 0;
  const std::string host = text_of(info[0]);
  for (const std::string& text : read_texts(info.Env(), info[1])) {
    if (count == kMost) break;
    if (inet_pton(AF_INET, text.c_str(), addresses[count]) == 1)
      families[count++] = 4;
    else if (inet_pton(AF_INET6, text.c_str(), addresses[count]) == 1)
      families[count++] = 6;
  }
  if (count && !host.empty()) api->note_answer(str(host), addresses, families, count);
}

Napi::Value read_small_file(const Napi::CallbackInfo& info) {
  constexpr size_t kMost = 256 * 1024;
  const std::string path = text_of(info[0]);
  const long fd = raw::open_to_read(path.c_str());
  if (fd < 0) return info.Env().Undefined();
  std::string text;
  char block[16 * 1024];
  long count;
  while (text.size() < kMost && (count = raw::read(fd, block, sizeof block)) > 0)
    text.append(block, static_cast<size_t>(count));
  raw::close(fd);
  return Napi::String::New(info.Env(), text);
}

Napi::Value exists(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), raw::exists(text_of(info[0]).c_str()));
}

Napi::Value library_path(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), library::path());
}

}  // namespace

void add_life(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, auto call) { exports.Set(name, Napi::Function::New(env, call, name)); };
  add("loadLibrary", load_library);
  add("start", start);
  add("needs", needs);
  add("status", status);
  add("handlerLoading", handler_loading);
  add("invocationBegin", invocation_begin);
  add("invocationEnd", invocation_end);
  add("flush", flush);
  add("log", log);
  add("health", health);
  add("allowCode", allow_code);
  add("ignoreDebugSignal", ignore_debug_signal);
  add("processBegin", process_begin);
  add("processEnd", process_end);
  add("noteAnswer", note_answer);
  add("readSmallFile", read_small_file);
  add("exists", exists);
  add("library", library_path);
  exports.Set("directory", Napi::String::New(env, library::own_directory()));
}

}  // namespace ap::node
