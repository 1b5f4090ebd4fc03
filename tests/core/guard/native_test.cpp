// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "guard/guard.hpp"
#include "support/question.hpp"

namespace ap {
namespace {

using test::Question;

TEST(Native, LibrariesFromWritablePlaces) {
  Surroundings here = test::lambda();
  here.app_dirs = {"/var/task", "/opt", "/tmp/project"};
  here.runtime_read = {"/tmp/venv/lib/python3.12"};
  Question q(R"({"native_code": "deny"})", here);
  auto load = [&](std::string_view path) { return q.ask(Question::operation(AP_NATIVE, AP_LOAD, path)).substr(0, 4); };
  for (const char* path : {"/tmp/x.so", "/tmp/../tmp/x.so", "/dev/shm/x.so", "/proc/self/fd/7", "/var/tmp/x.so",
                           "/run/x.so", "/memfd:x", "memfd:x (deleted)"})
    EXPECT_EQ(load(path), "deny") << path;
  for (const char* path : {"/var/task/lib/x.so", "/opt/python/numpy/x.so", "/usr/lib/x86_64-linux-gnu/libz.so.1",
                           "/tmp/project/build/x.node", "/tmp/venv/lib/python3.12/x.so", "libz.so.1"})
    EXPECT_EQ(load(path), "gran") << path;
  EXPECT_EQ(load("/tmp/" + std::string(5000, 'x')), "deny") << "not to be judged";
}

TEST(Native, EverythingElseIsTheAction) {
  for (const char* action : {"observe", "deny"}) {
    Question q(std::string(R"({"native_code": ")") + action + "\"}");
    for (std::uint8_t kind : {AP_EXEC_MEMORY, AP_CALL_ADDRESS, AP_MEMFD})
      EXPECT_EQ(q.ask(Question::operation(AP_NATIVE, kind)), std::string(action) + " native_code");
  }
  EXPECT_EQ(Question("grantAll").ask(Question::operation(AP_NATIVE, AP_MEMFD)), "grant");
}

}  // namespace
}  // namespace ap
