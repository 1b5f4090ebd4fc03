// SPDX-License-Identifier: Apache-2.0
//
// Line 2's own plan for this machine's libc, as JSON on standard output: which entries it patches where everything is
// denied (by object, as offsets), and which numbers syscall(2) decides. Nothing is patched here.
#include <stdio.h>

#include <array>

#include "interpose/plan.hpp"
#include "interpose/raw_syscall.hpp"

using namespace ap::interpose;

namespace {
Patcher patcher;
const char* comma = "";
}  // namespace

int main() {
  constexpr std::uint32_t kAll = kNetwork | kFiles | kProcesses | kNative | kFileNames | kAlways;
  Libraries libraries;
  if (!libraries.find()) return 1;
  const std::uint32_t missing = plan_calls(libraries.objects, libraries.count, kAll, patcher);
  printf("{\"missing\":%u,\"unknown_from\":%u,\"objects\":[", missing, kUnknownNumber);
  for (std::size_t i = 0; i < libraries.count; ++i) {
    const LoadedObject& object = libraries.objects[i];
    printf("%s\n{\"path\":\"%s\",\"entries\":[", i ? "," : "", object.name);
    comma = "";
    for (std::size_t k = 0; k < patcher.size(); ++k) {
      const auto at = reinterpret_cast<std::uintptr_t>(patcher[k].target);
      if (!object.whole.contains(at)) continue;
      printf("%s{\"symbol\":\"%s\",\"offset\":%lu}", comma, patcher[k].symbol, at - object.base);
      comma = ",";
    }
    printf("]}");
  }
  printf("],\n\"numbers\":[");
  comma = "";
  each_number(kAll, [](const Number& n) {
    printf("%s%d", comma, n.number);
    comma = ",";
  });
  printf("]}\n");
}
