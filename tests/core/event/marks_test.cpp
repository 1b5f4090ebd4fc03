// SPDX-License-Identifier: Apache-2.0
#include "event/marks.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "event/lines.hpp"

namespace {

using namespace ap;
using test::connect_op;
using test::file_op;

TEST(Marks, AreTakenOnce) {
  const Operation op = file_op(AP_FILE_READ, "/tmp/x");
  EXPECT_FALSE(marks::take(op));
  marks::put(op);
  EXPECT_TRUE(marks::take(op));
  EXPECT_FALSE(marks::take(op));
}

TEST(Marks, AreKeyedByDirectionAndBytes) {
  marks::put(file_op(AP_FILE_WRITE, "x"));
  EXPECT_FALSE(marks::take(file_op(AP_FILE_READ, "x"))) << "another direction";
  EXPECT_FALSE(marks::take(file_op(AP_FILE_WRITE, "./x"))) << "another spelling";
  EXPECT_TRUE(marks::take(file_op(AP_FILE_CREATE, "x"))) << "line 2 knows better whether it creates";
}

TEST(Marks, CountEachPut) {
  const Operation op = file_op(AP_FILE_READ, "/tmp/twice");
  marks::put(op);
  marks::put(op);
  EXPECT_TRUE(marks::take(op));
  EXPECT_TRUE(marks::take(op));
  EXPECT_FALSE(marks::take(op));
}

TEST(Marks, OfAThreadAreItsOwnAndTokensAreAnybodys) {
  Operation op = file_op(AP_FILE_READ, "/tmp/thread");
  marks::put(op);
  bool taken = true;
  std::thread([&] { taken = marks::take(op); }).join();
  EXPECT_FALSE(taken);
  EXPECT_TRUE(marks::take(op));
  op.flags = AP_OP_ASYNC;
  marks::put(op);
  op.flags = 0;
  std::thread([&] { taken = marks::take(op); }).join();
  EXPECT_TRUE(taken);
}

TEST(Marks, ConnectByNameCoversTheLookUpAndTheConnect) {
  Operation by_name = connect_op("Example.com", 1, 443);
  by_name.family = 0;
  marks::put(by_name);
  Operation look_up{};
  look_up.resource = AP_OUTBOUND;
  look_up.kind = AP_RESOLVE;
  look_up.text = str("example.com.");
  EXPECT_TRUE(marks::take(look_up));
  EXPECT_TRUE(marks::take(connect_op("", 7, 443)));
  EXPECT_FALSE(marks::take(connect_op("", 7, 443)));
}

TEST(Marks, MappedAndPlainAddressesAreOne) {
  Operation mapped{};
  mapped.resource = AP_OUTBOUND;
  mapped.kind = AP_CONNECT;
  mapped.family = 6;
  mapped.address[10] = mapped.address[11] = 0xff;
  mapped.address[12] = 192, mapped.address[14] = 2, mapped.address[15] = 9;
  mapped.port = 80;
  marks::put(mapped);
  EXPECT_TRUE(marks::take(connect_op("", 9, 80)));
}

TEST(Marks, RenameIsKeyedByBothPaths) {
  Operation op = file_op(AP_FILE_RENAME, "a");
  op.text2 = str("b");
  marks::put(op);
  op.text2 = str("c");
  EXPECT_FALSE(marks::take(op));
  op.text2 = str("b");
  EXPECT_TRUE(marks::take(op));
}

TEST(Marks, ProcessDepthNestsAndSurvivesFork) {
  Operation spawn{};
  spawn.resource = AP_PROCESSES;
  spawn.kind = AP_SPAWN;
  marks::put(spawn);  // the report may come before the begin
  marks::process_begin();
  marks::process_begin();
  EXPECT_TRUE(marks::take(spawn));
  EXPECT_TRUE(marks::take(spawn)) << "every exec below the call is a part of it";
  EXPECT_EQ(test::in_child([&] { return marks::take(spawn) ? 0 : 1; }), 0);
  std::atomic<bool> elsewhere{true};
  std::thread([&] { elsewhere = marks::take(spawn); }).join();
  EXPECT_FALSE(elsewhere);
  marks::process_end();
  EXPECT_TRUE(marks::in_process_call());
  marks::process_end();
  EXPECT_FALSE(marks::in_process_call());
  EXPECT_FALSE(marks::take(spawn)) << "the mark of the report is gone with the call";
  marks::process_end();
  EXPECT_FALSE(marks::in_process_call());
}

TEST(Marks, SurviveVfork) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer turns vfork into fork";
#endif
  marks::process_begin();
  volatile bool inside = false;
  const pid_t pid = vfork();
  if (pid == 0) {
    inside = marks::in_process_call();
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
  EXPECT_TRUE(inside);
  marks::process_end();
}

TEST(Marks, AForkWithoutBeginLeavesAMark) {
  Operation op{};
  op.resource = AP_PROCESSES;
  op.kind = AP_FORK;
  marks::put(op);
  EXPECT_TRUE(marks::take(op));
  EXPECT_FALSE(marks::take(op));
}

TEST(Marks, CodeTokensAreOneShotAndExact) {
  EXPECT_TRUE(marks::allow_code("/var/task/app.py", "python"));
  EXPECT_FALSE(marks::take_code("/var/task/app.pyc"));
  EXPECT_FALSE(marks::take_code("/var/task//app.py"));
  EXPECT_TRUE(marks::take_code("/var/task/app.py"));
  EXPECT_FALSE(marks::take_code("/var/task/app.py"));
}

TEST(Marks, CodeTokensNeedACodeSuffix) {
  for (const char* path : {"/var/task/secret.json", "/var/task/data.txt", "/var/task/py", "", ".py", "/x/package.json"})
    EXPECT_FALSE(marks::allow_code(path, "python")) << path;
  for (const char* path : {"/var/task/config.json", "/var/task/app.py", "/x/mypackage.json"})
    EXPECT_FALSE(marks::allow_code(path, "node")) << path;
  for (const char* path : {"/x/a.js", "/x/a.mjs", "/x/a.node", "/x/package.json"})
    EXPECT_TRUE(marks::allow_code(path, "node")) << path;
}

TEST(Marks, ManyThreadsLoseNothing) {
  std::atomic<int> missed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20000; ++i) {
        const std::string path = "/tmp/" + std::to_string(t) + "/" + std::to_string(i % 50);
        const Operation op = file_op(AP_FILE_READ, path);
        marks::put(op);
        if (!marks::take(op)) ++missed;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(missed, 0);
}

TEST(Marks, TenThousandWaitingReadsAreStillCountedOnce) {
  EXPECT_EQ(test::in_child([] {
              const std::string path = "/tmp/overflow/";
              const auto op_of = [&](int i, const std::string& name) {
                Operation op = file_op(AP_FILE_READ, name);
                op.flags = i % 2 == 0 ? std::uint32_t{AP_OP_ASYNC} : 0;
                return op;
              };
              for (int i = 0; i < 10000; ++i) marks::put(op_of(i, path + std::to_string(i)));
              if (marks::overflowed() == 0) return 1;
              int taken = 0;
              for (int i = 0; i < 10000; ++i) taken += marks::take(op_of(i, path + std::to_string(i))) ? 1 : 0;
              if (taken != 10000) return 2;
              return marks::take(op_of(0, path + "one more")) ? 3 : 0;
            }),
            0);
}

}  // namespace
