// SPDX-License-Identifier: Apache-2.0
//
// check() on the grant path, through the C table of the library that ships: one figure per resource, and the cost as a
// policy grows from 10 to 10,000 entries.  usage: check_bench LIBRARY [benchmark flags]
#include <app_protect/api.h>
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

const ap_api* api;

ap_str text(const std::string& s) {
  return {s.data(), static_cast<uint32_t>(s.size())};
}

ap_policy* open_policy(const std::string& json) {
  const std::string surroundings = R"({"task_root":"/var/task","tmp":"/tmp","provider":"aws","region":"eu-west-1"})";
  char diagnostics[2048] = "";
  ap_policy* policy = api->policy_open(text(json), text(surroundings), diagnostics, sizeof diagnostics);
  if (!policy) {
    std::fprintf(stderr, "check_bench: the policy is not valid: %s\n", diagnostics);
    std::exit(1);
  }
  return policy;
}

std::string policy_with(long entries) {
  std::string domains, rules, commands;
  for (long i = 0; i < entries; i++) {
    const std::string n = std::to_string(i);
    domains += (i ? ",\"=" : "\"=") + ("host" + n) + ".example.com\",\"*.zone" + n + ".example.net\"";
    rules += std::string(i ? "," : "") + R"({"path":"/srv/data)" + n + R"(/**","read":"grant","write":"grant"})";
  }
  return R"({"schema":1,"name":"bench","outbound":{"action":"deny","allowed_domains":[)" + domains +
         R"(,"10.0.0.0/16:5432"]},"files":{"tmp":{"read":"grant","write":"grant"},"application":{"read":"grant","write":"deny"},)" +
         R"("elsewhere":{"read":"deny","write":"deny"},"rules":[)" + rules +
         R"(]},"child_processes":{"action":"deny"}})";
}

ap_operation file(const char* path, uint8_t kind) {
  ap_operation op{};
  op.resource = AP_FILES;
  op.kind = kind;
  op.line = 2;
  op.text = {path, static_cast<uint32_t>(std::strlen(path))};
  return op;
}

ap_operation resolve(const char* host) {
  ap_operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_RESOLVE;
  op.protocol = AP_PROTO_DNS;
  op.line = 1;
  op.text = {host, static_cast<uint32_t>(std::strlen(host))};
  return op;
}

ap_operation connect_to(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
  ap_operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_CONNECT;
  op.protocol = AP_PROTO_TCP;
  op.line = 2;
  op.family = 4;
  op.address[0] = a, op.address[1] = b, op.address[2] = c, op.address[3] = d;
  op.port = port;
  return op;
}

void run(benchmark::State& state, const ap_operation& op) {
  ap_policy* policy = open_policy(policy_with(state.range(0)));
  ap_verdict verdict;
  if (api->policy_check(policy, &op, &verdict) != AP_GRANT)
    state.SkipWithError("the grant path is what is measured, and this was not granted");
  for (auto _ : state) benchmark::DoNotOptimize(api->policy_check(policy, &op, &verdict));
  api->policy_close(policy);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: check_bench LIBRARY [benchmark flags]\n"), 2;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) return std::fprintf(stderr, "check_bench: %s\n", dlerror()), 1;
  auto* entry = reinterpret_cast<const ap_api* (*)(uint32_t)>(dlsym(library, "app_protect_api"));
  api = entry ? entry(AP_API_VERSION) : nullptr;
  if (!api) return std::fprintf(stderr, "check_bench: no table of version %u in %s\n", AP_API_VERSION, argv[1]), 1;

  static const struct {
    const char* name;
    ap_operation op;
  } cases[] = {
      {"file_tmp_write", file("/tmp/report/2026/11/data.bin", AP_FILE_WRITE)},
      {"file_app_read", file("/var/task/node_modules/left-pad/index.js", AP_FILE_READ)},
      {"file_first_rule", file("/srv/data0/a/b.txt", AP_FILE_READ)},
      {"resolve_exact", resolve("host7.example.com")},
      {"resolve_ends_with", resolve("a.b.zone7.example.net")},
      {"connect_cidr", connect_to(10, 0, 3, 4, 5432)},
      {"connect_local", connect_to(127, 0, 0, 1, 8080)},
  };
  for (const auto& c : cases)
    benchmark::RegisterBenchmark(c.name, [op = c.op](benchmark::State& s) { run(s, op); })
        ->Arg(10)
        ->Arg(100)
        ->Arg(1000)
        ->Arg(10000);
  argv[1] = argv[0];
  int n = argc - 1;
  benchmark::Initialize(&n, argv + 1);
  benchmark::RunSpecifiedBenchmarks();
}
