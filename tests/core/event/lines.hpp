// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the event tests: run something in a child process (the event layer is one per process) and read back its
// lines.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <rapidjson/document.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "event/report.hpp"
#include "event/writer.hpp"
#include "guard/operation.hpp"

namespace test {

// A temporary file that goes away again.
class TempFile {
 public:
  TempFile() {
    char name[] = "/tmp/app_protect_test_XXXXXX";
    const int fd = mkstemp(name);
    close(fd);
    path_ = name;
  }
  ~TempFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }
  std::string text() const {
    std::ifstream in(path_, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

 private:
  std::string path_;
};

// Exit status of `body` in a forked child; -signal when it was killed. A body that hangs is killed after `seconds`.
inline int in_child(const std::function<int()>& body, int seconds = 60) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(static_cast<unsigned>(seconds));
    _exit(body());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct Event {
  rapidjson::Document json;
  std::string text;

  std::string s(const char* key) const { return json[key].IsNull() ? "(null)" : json[key].GetString(); }
  std::uint64_t n(const char* key) const { return json[key].GetUint64(); }
  std::string info(const char* key) const {
    const auto& v = json["info"][key];
    return v.IsNull()     ? "(null)"
           : v.IsString() ? v.GetString()
           : v.IsInt()    ? std::to_string(v.GetInt())
           : v.GetBool()  ? "true"
                          : "false";
  }
};

inline std::vector<Event> events_in(const std::string& text) {
  std::vector<Event> out;
  std::stringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] != '{') continue;
    Event e;
    e.text = line;
    e.json.Parse<rapidjson::kParseValidateEncodingFlag>(line.c_str(), line.size());
    EXPECT_FALSE(e.json.HasParseError()) << line;
    EXPECT_LT(line.size(), 4096u) << line.substr(0, 200);
    out.push_back(std::move(e));
  }
  return out;
}

inline std::uint64_t sum_of_counts(const std::vector<Event>& events, const char* action) {
  std::uint64_t sum = 0;
  for (const Event& e : events)
    if (e.s("action") == action && e.s("policy") != "agent_health") sum += e.n("count");
  return sum;
}

// Runs `body` in a child whose events go to a file, flushes, and returns the events. The child's status must be 0.
inline std::vector<Event> events_of(const std::function<void()>& body) {
  TempFile file;
  const int status = in_child([&] {
    auto sink = ap::event::open_file(file.path().c_str());
    if (!sink) return 99;
    ap::event::begin(*sink, *sink, ap::LogLevel::trace);
    body();
    ap::event::flush();
    return 0;
  });
  EXPECT_EQ(status, 0);
  return events_in(file.text());
}

inline ap::Operation file_op(std::uint8_t kind, std::string_view path) {
  ap::Operation op{};
  op.resource = AP_FILES;
  op.kind = kind;
  op.line = 1;
  op.text = ap::str(path);
  return op;
}

inline ap::Operation connect_op(std::string_view host, std::uint8_t last_byte, std::uint16_t port) {
  ap::Operation op{};
  op.resource = AP_OUTBOUND;
  op.kind = AP_CONNECT;
  op.protocol = AP_PROTO_TCP;
  op.line = 1;
  if (!host.empty()) op.text = ap::str(host);
  op.family = 4;
  op.address[0] = 192, op.address[1] = 0, op.address[2] = 2, op.address[3] = last_byte;
  op.port = port;
  return op;
}

inline ap::Verdict verdict(std::uint8_t action, std::uint8_t policy = AP_POLICY_READ_WRITE_TMP,
                           std::uint8_t on_deny = AP_ON_DENY_RAISE) {
  ap::Verdict v{};
  v.action = action;
  v.policy = policy;
  v.on_deny = on_deny;
  return v;
}

}  // namespace test
