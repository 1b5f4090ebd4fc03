// SPDX-License-Identifier: Apache-2.0
#include "agent/start.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <thread>

#include "event/lines.hpp"
#include "event/report.hpp"
#include "event/writer.hpp"
#include "guard/guard.hpp"
#include "guard/image.hpp"

namespace {

using namespace ap;
using test::in_child;
using test::TempFile;

constexpr const char* kPolicy =
    R"({"schema":1,"name":"Orders","version":3,"outbound":{"action":"deny"},"files":{"tmp":{"read":"grant","write":"observe"}}})";

// One start in a child process with this environment alone; what it wrote to 1 and 2.
struct Ran {
  int status = 0;
  std::string out, err;

  std::size_t info_lines() const { return count("[INFO]"); }
  std::size_t count(const std::string& text) const {
    std::size_t n = 0;
    for (const std::string* s : {&out, &err})
      for (std::size_t at = 0; (at = s->find(text, at)) != std::string::npos; at += text.size()) ++n;
    return n;
  }
};

ap_start_options plain_options() {
  ap_start_options o{};
  o.size = sizeof o;
  o.language = str("python");
  o.runtime = str("python3.12");
  return o;
}

int start_once(std::string* message = nullptr) {
  std::string text;
  const int result = agent::start(plain_options(), text);
  if (message != nullptr) *message = text;
  return result;
}

Ran run(std::vector<std::string> variables, const std::function<int()>& body) {
  TempFile out, err;
  Ran r;
  r.status = in_child([&] {
    dup2(open(out.path().c_str(), O_WRONLY | O_APPEND), 1);
    dup2(open(err.path().c_str(), O_WRONLY | O_APPEND), 2);
    static std::vector<std::string> kept;
    static std::vector<char*> block;
    kept = variables;
    for (std::string& v : kept) block.push_back(v.data());
    block.push_back(nullptr);
    environ = block.data();
    if (chdir("/") != 0) return 98;
    return body();
  });
  r.out = out.text();
  r.err = err.text();
  return r;
}

const std::string kPolicyVariable = std::string("TREND_AP_POLICY=") + kPolicy;

TEST(Start, SealsChecksAndReports) {
  const Ran r = run({kPolicyVariable, "ES_APP_NAME=shop"}, [] {
    if (start_once() != AP_STARTED || !sealed()) return 1;
    Operation op = test::connect_op("pastebin.com", 1, 443);
    op.family = 0;
    Verdict v{};
    if (guard::check(op, v) != AP_DENY) return 2;
    event::report(op, v, nullptr);
    if (guard::check(test::file_op(AP_FILE_READ, "/tmp/x"), v) != AP_GRANT) return 3;
    if (guard::check(test::file_op(AP_FILE_WRITE, "/tmp/x"), v) != AP_OBSERVE) return 4;
    return agent::needs() == (AP_NEED_NETWORK | AP_NEED_FILES | AP_NEED_PROCESSES | AP_NEED_NATIVE) ? 0 : 5;
  });
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.info_lines(), 1u) << r.err;
  EXPECT_EQ(r.err.find("[INFO] [app_protect] " APP_PROTECT_TEST_VERSION
                       " enforcing \"orders\" v3 from TREND_AP_POLICY: outbound deny, tmp rw grant/observe"),
            0u)
      << r.err;
  EXPECT_NE(r.err.find(" ms)\n"), std::string::npos);
  const auto events = test::events_in(r.err);
  ASSERT_EQ(events.size(), 1u) << "elsewhere than on a function host events go to standard error";
  EXPECT_EQ(events[0].s("policy_group"), "orders");
  EXPECT_EQ(events[0].n("policy_version"), 3u);
  EXPECT_EQ(events[0].s("rule"), "outbound.action");
  EXPECT_EQ(events[0].s("function"), "shop");
  EXPECT_EQ(events[0].s("runtime"), "python3.12");
  EXPECT_EQ(r.out, "");
}

TEST(Start, OnLambdaEventsGoToStandardOutput) {
  const Ran r = run({kPolicyVariable, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001", "AWS_LAMBDA_FUNCTION_NAME=f",
                     "LAMBDA_TASK_ROOT=/var/task"},
                    [] {
                      if (start_once() != AP_STARTED) return 1;
                      Verdict v{};
                      const Operation op = test::file_op(AP_FILE_WRITE, "/tmp/x");
                      guard::check(op, v);
                      event::report(op, v, nullptr);
                      return 0;
                    });
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(test::events_in(r.out).size(), 1u);
  EXPECT_EQ(r.info_lines(), 1u);
  EXPECT_EQ(r.err.find("[INFO]"), 0u);
}

TEST(Start, TwiceIsAlready) {
  const Ran r = run({kPolicyVariable}, [] {
    if (start_once() != AP_STARTED) return 1;
    setenv("TREND_AP_POLICY", R"({"schema":1,"name":"other"})", 1);
    if (start_once() != AP_ALREADY) return 2;
    return std::string_view(settings().policy_group) == "orders" ? 0 : 3;
  });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.info_lines(), 1u);
}

TEST(Start, SwitchedOffIsOneLoudLine) {
  const Ran r =
      run({"TREND_AP_AGENT_ENABLED=false", "TREND_AP_POLICY={ broken", "TREND_AP_CONFIG_FILE=/nonexistent"}, [] {
        if (start_once() != AP_DISABLED || sealed() || agent::needs() != 0) return 1;
        if (start_once() != AP_DISABLED) return 2;
        return agent::status().find("\"state\":\"disabled\"") != std::string::npos ? 0 : 3;
      });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.err, "[WARN] [app_protect] switched off by TREND_AP_AGENT_ENABLED: nothing is guarded in this process\n");
  EXPECT_EQ(r.out, "");
}

TEST(Start, AnUnusablePolicyFailsLoudly) {
  const Ran r = run({"TREND_AP_POLICY_FILE=/nonexistent/p.json"}, [] {
    std::string message, again;
    if (start_once(&message) != AP_FAILED || sealed()) return 1;
    if (message.find("/nonexistent/p.json") == std::string::npos) return 2;
    if (start_once(&again) != AP_FAILED || again != message) return 3;
    return agent::status().find("\"state\":\"failed\"") != std::string::npos ? 0 : 4;
  });
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err.find("[ERROR] [app_protect] "), 0u);
  EXPECT_EQ(r.info_lines(), 0u);
}

TEST(Start, TheSecretIsWiped) {
  const Ran r = run({kPolicyVariable, "TREND_AP_SECRET=hunter2", "IMMUNIO_SECRET=hunter2", "TREND_AP_KEY=k"}, [] {
    char* const secret = environ[1] + strlen("TREND_AP_SECRET=");
    if (std::string(secret) != "hunter2" || start_once() != AP_STARTED) return 1;
    if (*secret != '\0' || getenv("TREND_AP_SECRET") != nullptr || getenv("IMMUNIO_SECRET") != nullptr) return 2;
    return std::string(getenv("TREND_AP_KEY")) == "k" ? 0 : 3;
  });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.count("hunter2"), 0u);
  EXPECT_EQ(r.count("TREND_AP_KEY is set, but no console is known"), 1u) << "one warning, also beside a local policy";
}

TEST(Start, ALogFileThatCannotBeOpenedIsOneWarning) {
  const Ran r =
      run({kPolicyVariable, "TREND_AP_LOG_FILE=/nonexistent/a.log", "TREND_AP_EVENT_LOG_FILE=/nonexistent/b.log"}, [] {
        if (start_once() != AP_STARTED) return 1;
        Verdict v{};
        const Operation op = test::file_op(AP_FILE_WRITE, "/tmp/x");
        guard::check(op, v);
        event::report(op, v, nullptr);
        return 0;
      });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.count("TREND_AP_LOG_FILE: cannot open `/nonexistent/a.log`"), 1u);
  EXPECT_EQ(r.count("TREND_AP_EVENT_LOG_FILE: cannot open `/nonexistent/b.log`"), 1u);
  EXPECT_EQ(test::events_in(r.err).size(), 1u);
  EXPECT_EQ(r.info_lines(), 1u);
}

TEST(Start, LogAndEventFiles) {
  TempFile log, events;
  const Ran r =
      run({kPolicyVariable, "TREND_AP_LOG_FILE=" + log.path(), "TREND_AP_EVENT_LOG_FILE=" + events.path()}, [&] {
        if (start_once() != AP_STARTED) return 1;
        Verdict v{};
        const Operation op = test::file_op(AP_FILE_WRITE, "/tmp/x");
        guard::check(op, v);
        event::report(op, v, nullptr);
        const Operation own = test::file_op(AP_FILE_READ, events.path());
        return guard::check(own, v) == AP_DENY ? 0 : 2;
      });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.out + r.err, "");
  EXPECT_EQ(log.text().find("[INFO]"), 0u);
  EXPECT_EQ(test::events_in(events.text()).size(), 1u);
}

TEST(Start, SwitchedOffPluginsAreLoud) {
  const Ran r = run({kPolicyVariable, "TREND_AP_PLUGINS_DISABLED=network"}, [] {
    if (start_once() != AP_STARTED) return 1;
    return (agent::needs() & AP_NEED_NETWORK) == 0 && (agent::needs() & AP_NEED_FILES) != 0 ? 0 : 2;
  });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.count("[WARN] [app_protect] switched off by TREND_AP_PLUGINS_ENABLED / TREND_AP_PLUGINS_DISABLED: "
                    "network (not guarded)"),
            1u);
  EXPECT_EQ(r.count("plugins_disabled"), 1u);
  const Ran refused = run({kPolicyVariable, "TREND_AP_PLUGINS_DISABLED=network", "TREND_AP_FAIL_CLOSED=true"},
                          [] { return start_once() == AP_FAILED ? 0 : 1; });
  EXPECT_EQ(refused.status, 0);
}

TEST(Start, AGroupThatIsNotToBeHadIsAWarningAndAnEvent) {
  const Ran r = run({"ES_POLICY_GROUP_NAME=orders"}, [] { return start_once() == AP_STARTED ? 0 : 1; });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.count("[WARN]"), 1u);
  const auto events = test::events_in(r.err);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].info("code"), "policy_unavailable");
  EXPECT_NE(r.err.find("enforcing \"observeall.ability\""), std::string::npos);
  const Ran refused =
      run({"ES_POLICY_GROUP_NAME=orders", "TREND_AP_FAIL_CLOSED=1"}, [] { return start_once() == AP_FAILED ? 0 : 1; });
  EXPECT_EQ(refused.status, 0);
}

TEST(Start, QuietLogLevelsSilenceTheStartUpLine) {
  const Ran r = run({kPolicyVariable, "TREND_AP_LOG_LEVEL=ERROR"}, [] { return start_once() == AP_STARTED ? 0 : 1; });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.err, "");
}

TEST(Start, WithEveryDescriptorClosedItStillEnforces) {
  const Ran r = run({kPolicyVariable}, [] {
    for (int fd = 0; fd < 1024; ++fd) close(fd);
    if (start_once() != AP_STARTED) return 1;
    Verdict v{};
    const Operation op = test::file_op(AP_FILE_WRITE, "/tmp/x");
    guard::check(op, v);
    event::report(op, v, nullptr);
    event::flush();
    return event::counters().observed == 1 ? 0 : 2;
  });
  EXPECT_EQ(r.status, 0);
}

TEST(Start, TerminateInAChildEndsTheOwnerToo) {
  TempFile events;
  const Ran r = run({R"(TREND_AP_POLICY={"schema":1,"name":"t","files":{"tmp":"deny"},"on_deny":"terminate"})",
                     "TREND_AP_EVENT_LOG_FILE=" + events.path()},
                    [] {
                      if (start_once() != AP_STARTED) return 1;
                      const pid_t pid = static_cast<pid_t>(syscall(SYS_fork));
                      if (pid == 0) {
                        Verdict v{};
                        const Operation op = test::file_op(AP_FILE_READ, "/tmp/x");
                        guard::check(op, v);
                        event::report(op, v, nullptr);
                        _exit(1);
                      }
                      sleep(20);
                      return 2;
                    });
  EXPECT_EQ(r.status, -SIGKILL);
  EXPECT_EQ(test::sum_of_counts(test::events_in(events.text()), "deny"), 1u);
}

TEST(Start, ConcurrentStartsAgree) {
  const Ran r = run({kPolicyVariable}, [] {
    int results[8];
    std::vector<std::thread> threads;
    for (int& result : results) threads.emplace_back([&result] { result = start_once(); });
    for (auto& t : threads) t.join();
    return std::count(results, results + 8, int{AP_STARTED}) == 1 &&
                   std::count(results, results + 8, int{AP_ALREADY}) == 7
               ? 0
               : 1;
  });
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.info_lines(), 1u);
}

}  // namespace
