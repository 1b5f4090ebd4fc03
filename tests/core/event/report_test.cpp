// SPDX-License-Identifier: Apache-2.0
#include "event/report.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "event/fold.hpp"
#include "event/lines.hpp"
#include "event/marks.hpp"

namespace {

using namespace ap;
using test::connect_op;
using test::Event;
using test::events_in;
using test::events_of;
using test::file_op;
using test::in_child;
using test::sum_of_counts;
using test::TempFile;
using test::verdict;

void report(const Operation& op, const Verdict& v) {
  event::report(op, v, nullptr);
}

TEST(Report, TheFirstIsWrittenAtOnceTheRestIsCounted) {
  TempFile file;
  EXPECT_EQ(in_child([&] {
              auto sink = event::open_file(file.path().c_str());
              event::begin(*sink, *sink, LogLevel::info);
              for (int i = 0; i < 100; ++i) report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
              if (events_in(file.text()).size() != 1) return 1;
              event::flush();
              event::flush();
              return 0;
            }),
            0);
  const auto events = events_in(file.text());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].n("count"), 1u);
  EXPECT_EQ(events[1].n("count"), 99u);
  EXPECT_EQ(events[0].info("path"), events[1].info("path"));
  EXPECT_LE(events[1].s("first_utc"), events[1].s("time_utc"));
  EXPECT_EQ(events[0].n("seq") + 1, events[1].n("seq"));
  EXPECT_EQ(events[0].s("instance"), events[1].s("instance"));
  EXPECT_EQ(events[0].s("instance").size(), 32u);
}

TEST(Report, AMillionDenialsAreCountedAndCostFewLines) {
  const auto begin = std::chrono::steady_clock::now();
  const auto events = events_of([] {
    for (int i = 0; i < 1000000; ++i) report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_DENY));
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_EQ(sum_of_counts(events, "deny"), 1000000u);
  EXPECT_LE(events.size(), 4 + static_cast<std::size_t>(seconds));
  RecordProperty("ns_per_denial", std::to_string(seconds * 1000));
}

TEST(Report, AMillionDifferentDenialsAreCountedToo) {
  const auto events = events_of([] {
    std::string path = "/tmp/";
    for (int i = 0; i < 1000000; ++i) report(file_op(AP_FILE_READ, path + std::to_string(i)), verdict(AP_DENY));
  });
  EXPECT_EQ(sum_of_counts(events, "deny"), 1000000u);
  EXPECT_LE(events.size(), 5000u);
  EXPECT_GE(events.size(), 500u);
  bool summary = false;
  for (const Event& e : events) summary = summary || (e.json["info"]["path"].IsNull() && e.n("count") > 1000);
  EXPECT_TRUE(summary) << "what was not listed is counted under its rule";
}

TEST(Report, AnObservingProgramMayListManyFiles) {
  const auto events = events_of([] {
    for (int i = 0; i < 1500; ++i) report(file_op(AP_FILE_READ, "/var/task/" + std::to_string(i)), verdict(AP_OBSERVE));
  });
  std::set<std::string> paths;
  for (const Event& e : events) paths.insert(e.info("path"));
  EXPECT_EQ(paths.size(), 1500u);
  EXPECT_EQ(sum_of_counts(events, "observe"), 1500u);
}

TEST(Report, DifferentOperationsAreDifferentLines) {
  const auto events = events_of([] {
    report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
    report(file_op(AP_FILE_WRITE, "/tmp/x"), verdict(AP_OBSERVE));
    report(file_op(AP_FILE_READ, "/tmp/y"), verdict(AP_OBSERVE));
    report(connect_op("a.example", 1, 443), verdict(AP_OBSERVE, AP_POLICY_OUTBOUND_DATA));
    report(connect_op("a.example", 2, 443),
           verdict(AP_OBSERVE, AP_POLICY_OUTBOUND_DATA));  // the name's next address: the same
    report(connect_op("a.example", 1, 80), verdict(AP_OBSERVE, AP_POLICY_OUTBOUND_DATA));
    report(connect_op("", 1, 443), verdict(AP_OBSERVE, AP_POLICY_OUTBOUND_DATA));
    report(connect_op("", 2, 443), verdict(AP_OBSERVE, AP_POLICY_OUTBOUND_DATA));
  });
  EXPECT_EQ(sum_of_counts(events, "observe"), 8u);
  std::size_t first = 0;
  for (const Event& e : events) first += e.n("seq") <= 7 ? 1 : 0;
  EXPECT_EQ(first, 7u);
}

TEST(Report, GrantIsSilent) {
  EXPECT_TRUE(events_of([] { report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_GRANT)); }).empty());
}

TEST(Report, RequestIdOfTheInvocationAndEachInvocationStartsAnew) {
  const auto events = events_of([] {
    event::invocation_begin("first");
    report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
    report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
    event::invocation_end();
    event::invocation_begin("second");
    report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
    ap_attribution who{};
    who.request_id = str("third");
    const Operation op = file_op(AP_FILE_READ, "/tmp/x");
    event::report(op, verdict(AP_OBSERVE), &who);
    event::invocation_end();
  });
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].s("request_id"), "first");
  EXPECT_EQ(events[1].s("request_id"), "first");
  EXPECT_EQ(events[2].s("request_id"), "second");
  EXPECT_EQ(events[3].s("request_id"), "third");
}

TEST(Report, ObservedAtLineOneLeavesAMark) {
  EXPECT_EQ(in_child([] {
              event::begin({-1, 0, 0, 0}, {-1, 0, 0, 0}, LogLevel::info);
              Operation op = file_op(AP_FILE_READ, "/tmp/x");
              report(op, verdict(AP_OBSERVE));
              if (!marks::take(op)) return 1;
              report(op, verdict(AP_DENY));
              if (marks::take(op)) return 2;
              op.line = 2;
              report(op, verdict(AP_OBSERVE));
              return marks::take(op) ? 3 : 0;
            }),
            0);
}

Operation open_op(std::uint8_t kind, const char* path) {
  Operation op = file_op(kind, path);
  op.flags |= AP_OP_OPEN;
  return op;
}

TEST(Report, ARetryInAnotherFormIsOneOperation) {
  // SQLite: refused read-write, tries read-only at once.
  auto events = events_of([] {
    for (int i = 0; i < 10; ++i) {
      report(open_op(AP_FILE_CREATE, "/tmp/db"), verdict(AP_DENY));
      report(open_op(AP_FILE_READ, "/tmp/db"), verdict(AP_DENY));
    }
  });
  EXPECT_EQ(sum_of_counts(events, "deny"), 10u);
  // Asking for more is no retry, nor is another kind of call (truncate, mkdir).
  events = events_of([] {
    report(open_op(AP_FILE_READ, "/tmp/db"), verdict(AP_DENY));
    report(open_op(AP_FILE_CREATE, "/tmp/db"), verdict(AP_DENY));
    report(file_op(AP_FILE_WRITE, "/tmp/db"), verdict(AP_DENY));
    report(open_op(AP_FILE_READ, "/tmp/db"), verdict(AP_DENY));
  });
  EXPECT_EQ(sum_of_counts(events, "deny"), 4u);
  // A client that goes through a name's addresses.
  events = events_of([] {
    for (int round = 0; round < 3; ++round)
      for (std::uint8_t address = 1; address <= 4; ++address)
        report(connect_op("a.example", address, 443), verdict(AP_DENY, AP_POLICY_OUTBOUND_DATA));
  });
  EXPECT_EQ(sum_of_counts(events, "deny"), 3u);
}

TEST(Report, ARetryIsNotFoldedAcrossAnotherOperationOrALongTime) {
  const auto events = events_of([] {
    report(open_op(AP_FILE_CREATE, "/tmp/db"), verdict(AP_DENY));
    report(open_op(AP_FILE_READ, "/tmp/other"), verdict(AP_OBSERVE));
    report(open_op(AP_FILE_READ, "/tmp/db"), verdict(AP_DENY));
    usleep(5000);
    report(open_op(AP_FILE_WRITE, "/tmp/db"), verdict(AP_DENY));
    std::thread([] { report(file_op(AP_FILE_DELETE, "/tmp/db"), verdict(AP_DENY)); }).join();
  });
  EXPECT_EQ(sum_of_counts(events, "deny"), 4u);
}

TEST(Report, ThreadsLoseNothing) {
  const auto events = events_of([] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([t] {
        for (int i = 0; i < 50000; ++i)
          report(file_op(AP_FILE_READ, "/tmp/" + std::to_string((i + t) % 20)), verdict(AP_DENY));
      });
    for (auto& t : threads) t.join();
  });
  EXPECT_EQ(sum_of_counts(events, "deny"), 400000u);
  std::set<std::uint64_t> seqs;
  for (const Event& e : events) EXPECT_TRUE(seqs.insert(e.n("seq")).second);
  EXPECT_EQ(*seqs.rbegin(), seqs.size()) << "gapless";
}

TEST(Report, AForkedChildIsAnInstanceOfItsOwn) {
  const auto events = events_of([] {
    for (int i = 0; i < 5; ++i) report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
    for (int child = 0; child < 2; ++child) {
      if (child == 1) event::flush();
      const pid_t pid = fork();
      if (pid == 0) {
        if (child == 1) event::after_fork();  // as line 2 tells; the other one finds out for itself
        for (int i = 0; i < 3; ++i) report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
        event::flush();
        _exit(0);
      }
      waitpid(pid, nullptr, 0);
    }
  });
  EXPECT_EQ(sum_of_counts(events, "observe"), 5u + 3u + 3u);
  std::map<std::string, std::uint64_t> last_seq;
  for (const Event& e : events) EXPECT_EQ(e.n("seq"), ++last_seq[e.s("instance")]);
  EXPECT_EQ(last_seq.size(), 3u);
}

TEST(Report, AFlushInAnIdleForkedChildWritesNothingTwice) {
  const auto events = events_of([] {
    for (int i = 0; i < 5; ++i) report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
    const pid_t pid = fork();
    if (pid == 0) {
      event::flush();
      _exit(0);
    }
    waitpid(pid, nullptr, 0);
  });
  EXPECT_EQ(sum_of_counts(events, "observe"), 5u);
}

TEST(Report, AVforkChildReportsInItsParentsName) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer turns vfork into fork";
#endif
  const auto events = events_of([] {
    report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_OBSERVE));
    static const Operation op = file_op(AP_FILE_READ, "/tmp/x"), other = file_op(AP_FILE_READ, "/tmp/y");
    static const Verdict v = verdict(AP_OBSERVE);
    const pid_t pid = vfork();
    if (pid == 0) {
      event::report(op, v, nullptr);
      event::report(other, v, nullptr);
      _exit(0);
    }
    waitpid(pid, nullptr, 0);
  });
  EXPECT_EQ(sum_of_counts(events, "observe"), 3u);
  std::set<std::string> instances, pids;
  for (const Event& e : events) {
    instances.insert(e.s("instance"));
    pids.insert(std::to_string(e.n("pid")));
  }
  EXPECT_EQ(instances.size(), 1u);
  EXPECT_EQ(pids.size(), 2u);
}

// A signal handler that reports while the interrupted thread is reporting must neither wait for itself nor lose its
// event.
std::atomic<int> g_in_handler{0};
void handler(int) {
  ++g_in_handler;
  event::report(file_op(AP_FILE_READ, "/tmp/signal"), verdict(AP_DENY), nullptr);
}

TEST(Report, SignalHandlersMayReport) {
  TempFile file;
  int handled = 0;
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  EXPECT_EQ(in_child([&] {
              auto sink = event::open_file(file.path().c_str());
              event::begin(*sink, *sink, LogLevel::info);
              signal(SIGALRM, handler);
              signal(SIGVTALRM, handler);
              const itimerval every = {{0, 200}, {0, 200}};
              setitimer(ITIMER_VIRTUAL, &every, nullptr);
              for (int i = 0; i < 200000; ++i) report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_DENY));
              const itimerval never{};
              setitimer(ITIMER_VIRTUAL, &never, nullptr);
              event::flush();
              const int n = g_in_handler;
              return write(fds[1], &n, sizeof n) == sizeof n ? 0 : 1;
            }),
            0);
  ASSERT_EQ(read(fds[0], &handled, sizeof handled), static_cast<ssize_t>(sizeof handled));
  EXPECT_GT(handled, 0);
  EXPECT_EQ(sum_of_counts(events_in(file.text()), "deny"), 200000u + static_cast<unsigned>(handled));
}

TEST(Report, BlockSetsTheFlagAlsoFromAForkedChild) {
  EXPECT_EQ(in_child([] {
              event::begin({-1, 0, 0, 0}, {-1, 0, 0, 0}, LogLevel::info);
              event::invocation_begin("a");
              report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_DENY));
              if (event::invocation_end()) return 1;
              event::invocation_begin("b");
              report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_DENY, AP_POLICY_READ_WRITE_TMP, AP_ON_DENY_BLOCK));
              if (!event::invocation_end()) return 2;
              event::invocation_begin("c");
              if (event::blocked()) return 3;
              const pid_t pid = fork();
              if (pid == 0) {
                report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_DENY, AP_POLICY_READ_WRITE_TMP, AP_ON_DENY_BLOCK));
                _exit(0);
              }
              waitpid(pid, nullptr, 0);
              return event::invocation_end() ? 0 : 4;
            }),
            0);
}

TEST(Report, TerminateWritesTheEventAndExits77) {
  TempFile file;
  EXPECT_EQ(in_child([&] {
              auto sink = event::open_file(file.path().c_str());
              event::begin(*sink, *sink, LogLevel::info);
              for (int i = 0; i < 7; ++i) report(file_op(AP_FILE_READ, "/tmp/seen"), verdict(AP_OBSERVE));
              report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_DENY, AP_POLICY_READ_WRITE_TMP, AP_ON_DENY_TERMINATE));
              return 1;
            }),
            77);
  const auto events = events_in(file.text());
  EXPECT_EQ(sum_of_counts(events, "deny"), 1u);
  EXPECT_EQ(sum_of_counts(events, "observe"), 7u) << "what was pending is written before the end";
}

TEST(Report, TerminateIsNotHeldUpByAFullPipe) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(in_child([] {
              int fds[2];
              if (pipe(fds) != 0) return 9;
              dup2(fds[1], 1);
              event::begin(event::open_standard(1), {-1, 0, 0, 0}, LogLevel::info);
              const std::string line = std::string(4095, 'x') + "\n";
              while (event::write_line(event::Channel::events, line)) {
              }
              report(file_op(AP_FILE_READ, "/tmp/x"), verdict(AP_DENY, AP_POLICY_READ_WRITE_TMP, AP_ON_DENY_TERMINATE));
              return 1;
            }),
            77);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 2.0);
}

TEST(Report, WhatCannotBeWrittenIsCountedAndTold) {
  EXPECT_EQ(in_child([] {
              int fds[2];
              if (pipe(fds) != 0) return 9;
              dup2(fds[1], 1);
              event::begin(event::open_standard(1), {-1, 0, 0, 0}, LogLevel::info);
              for (int i = 0; i < 400; ++i)
                report(file_op(AP_FILE_READ, "/tmp/" + std::to_string(i) + std::string(300, 'x')), verdict(AP_OBSERVE));
              const auto before = event::counters();
              if (before.observed != 400 || before.dropped == 0 || before.lines + before.dropped != 400) return 1;
              std::string text(1 << 20, '\0');
              text.resize(static_cast<std::size_t>(read(fds[0], text.data(), text.size())));
              event::flush();
              std::string after(1 << 20, '\0');
              after.resize(static_cast<std::size_t>(read(fds[0], after.data(), after.size())));
              const auto events = events_in(after);
              if (events.size() != 1 || events[0].info("code") != "events_dropped") return 2;
              return events[0].info("text").find(": " + std::to_string(before.dropped)) != std::string::npos ? 0 : 3;
            }),
            0);
}

TEST(Report, HealthIsSaidOnceAMinute) {
  const auto events = events_of([] {
    for (int i = 0; i < 50; ++i) event::health("hook_missing", "open64: unknown prologue");
    event::health("other", "x");
  });
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].s("policy"), "agent_health");
  EXPECT_EQ(events[0].s("action"), "observe");
  EXPECT_EQ(events[0].info("code"), "hook_missing");
  EXPECT_EQ(events[2].n("count"), 49u);
}

TEST(Report, HugeAndHostileValues) {
  const std::string huge(1 << 20, 'x'), hostile("a\nb\0c\xED\xA0\x80", 8);
  const auto events = events_of([&] {
    report(file_op(AP_FILE_READ, huge), verdict(AP_OBSERVE));
    report(file_op(AP_FILE_READ, hostile), verdict(AP_OBSERVE));
    ap_attribution who{};
    who.api = who.package = who.request_id = str(huge);
    const ap_str frames[] = {str(huge), str(hostile)};
    who.stack = frames;
    who.stack_size = 2;
    const Operation op = file_op(AP_FILE_READ, hostile);
    event::report(op, verdict(AP_DENY), &who);
    const std::vector<ap_str> argv(100000, str(huge));
    Operation spawn{};
    spawn.resource = AP_PROCESSES;
    spawn.kind = AP_SPAWN;
    spawn.text = str(huge);
    spawn.argv = argv.data();
    spawn.argc = 100000;
    event::report(spawn, verdict(AP_DENY, AP_POLICY_CREATE_CHILD_PROCESS), &who);
  });
  EXPECT_EQ(events.size(), 4u);
  EXPECT_TRUE(events[0].json.HasMember("truncated"));
}

TEST(Report, LogLinesAreOneLineAndLevelled) {
  TempFile file;
  EXPECT_EQ(in_child([&] {
              auto sink = event::open_file(file.path().c_str());
              event::begin(*sink, *sink, LogLevel::info);
              event::log(LogLevel::info, "two\nlines");
              event::log(LogLevel::debug, "not said");
              event::log(LogLevel::error, std::string(10000, 'x'));
              return 0;
            }),
            0);
  const std::string text = file.text();
  EXPECT_EQ(text.substr(0, text.find('\n')), "[INFO] [app_protect] two lines");
  EXPECT_EQ(text.find("not said"), std::string::npos);
  EXPECT_LE(text.size(), 31u + 4096u);
  EXPECT_EQ(text.substr(text.size() - 4), "...\n");
}

TEST(Report, MemoryStaysInItsArena) {
  EXPECT_LE(sizeof(event::Fold), 300u * 1024);
}

}  // namespace
