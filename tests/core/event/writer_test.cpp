// SPDX-License-Identifier: Apache-2.0
#include "event/writer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <string>
#include <thread>

#include "event/lines.hpp"

namespace {

using namespace ap::event;
using ap::Sink;
using test::in_child;
using test::TempFile;

constexpr Sink kNone = {-1, 0, 0, 0};

double seconds_of(const std::function<void()>& body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::string read_available(int fd) {
  std::string out;
  char block[65536];
  fcntl(fd, F_SETFL, O_NONBLOCK);
  for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;) out.append(block, static_cast<std::size_t>(n));
  return out;
}

TEST(Writer, WritesToAFileOfItsOwn) {
  TempFile file;
  EXPECT_EQ(in_child([&] {
              auto sink = open_file(file.path().c_str());
              if (!sink || sink->fd < 40) return 1;
              if ((fcntl(sink->fd, F_GETFD) & FD_CLOEXEC) == 0) return 2;
              use_sinks(*sink, kNone, false);
              return write_line(Channel::events, "one\n") && write_line(Channel::events, "two\n") ? 0 : 3;
            }),
            0);
  EXPECT_EQ(file.text(), "one\ntwo\n");
}

TEST(Writer, ClosedStandardDescriptorsDoNotSilenceIt) {
  TempFile out;
  EXPECT_EQ(in_child([&] {
              dup2(open(out.path().c_str(), O_WRONLY), 1);
              use_sinks(open_standard(1), kNone, false);
              close(0), close(1), close(2);
              return write_line(Channel::events, "still\n") ? 0 : 1;
            }),
            0);
  EXPECT_EQ(out.text(), "still\n");
}

TEST(Writer, EveryDescriptorClosedIsDroppedAndNeverWrittenElsewhere) {
  TempFile out, other;
  EXPECT_EQ(in_child([&] {
              dup2(open(out.path().c_str(), O_WRONLY), 1);
              const Sink sink = open_standard(1);
              use_sinks(sink, sink, true);
              for (int fd = 0; fd < 4096; ++fd) close(fd);
              if (write_line(Channel::events, "nowhere\n")) return 1;
              // The program's own file gets our numbers: it must stay clean.
              const int mine = open(other.path().c_str(), O_WRONLY);
              dup2(mine, sink.fd), dup2(mine, 2), dup2(mine, 1);
              return write_line(Channel::events, "nowhere\n") ? 2 : 0;
            }),
            0);
  EXPECT_EQ(out.text(), "");
  EXPECT_EQ(other.text(), "");
}

TEST(Writer, AReplacedDescriptorFallsBackToStandardError) {
  TempFile out, mine, error;
  EXPECT_EQ(in_child([&] {
              dup2(open(error.path().c_str(), O_WRONLY), 2);
              auto sink = open_file(out.path().c_str());
              use_sinks(*sink, kNone, true);
              dup2(open(mine.path().c_str(), O_WRONLY), sink->fd);  // another inode under our number
              return write_line(Channel::events, "moved\n") ? 0 : 1;
            }),
            0);
  EXPECT_EQ(out.text(), "");
  EXPECT_EQ(mine.text(), "");
  EXPECT_EQ(error.text(), "moved\n");
}

TEST(Writer, WhenOursIsClosedTheProgramsStandardOutputStillServes) {
  TempFile out, error;
  EXPECT_EQ(in_child([&] {
              dup2(open(out.path().c_str(), O_WRONLY), 1);
              dup2(open(error.path().c_str(), O_WRONLY), 2);
              const Sink sink = open_standard(1);
              use_sinks(sink, kNone, true);
              for (int fd = 3; fd < 4096; ++fd) close(fd);  // as daemons do
              if (!write_line(Channel::events, "one\n")) return 1;
              dup2(2, 1);
              return write_line(Channel::events, "two\n") ? 0 : 2;
            }),
            0);
  EXPECT_EQ(out.text(), "one\n");
  EXPECT_EQ(error.text(), "two\n");
}

TEST(Writer, AHandedOverChildNeverFallsBack) {
  TempFile error;
  EXPECT_EQ(in_child([&] {
              dup2(open(error.path().c_str(), O_WRONLY), 2);
              use_sinks(kNone, kNone, false);
              return write_line(Channel::events, "x\n") ? 1 : 0;
            }),
            0);
  EXPECT_EQ(error.text(), "");
}

TEST(Writer, AFullPipeCostsABoundedTimeOnce) {
  EXPECT_EQ(in_child([] {
              int pipe_fds[2];
              if (pipe(pipe_fds) != 0) return 9;
              dup2(pipe_fds[1], 1);
              use_sinks(open_standard(1), kNone, false);
              const std::string line(4095, 'x');
              int written = 0;
              while (written < 1000 && write_line(Channel::events, line + "\n")) ++written;
              if (written != 16) return 1;  // 64 KB
              const double many = seconds_of([&] {
                for (int i = 0; i < 1000; ++i) write_line(Channel::events, line + "\n");
              });
              if (many > 1.0) return 2;                             // the first one waited, these do not
              if ((fcntl(1, F_GETFL) & O_NONBLOCK) != 0) return 3;  // the program's own descriptor still blocks
              if (read_available(pipe_fds[0]).size() != 16 * 4096) return 4;
              return write_line(Channel::events, "again\n") ? 0 : 5;
            }),
            0);
}

TEST(Writer, ABlockingDuplicateIsNotBlockedOn) {
  // As where the pipe cannot be opened anew (another owner): the duplicate shares the blocking file.
  EXPECT_EQ(in_child(
                [] {
                  int pipe_fds[2];
                  if (pipe(pipe_fds) != 0) return 9;
                  struct stat st{};
                  fstat(pipe_fds[1], &st);
                  use_sinks({pipe_fds[1], 1, st.st_dev, st.st_ino}, kNone, false);
                  const std::string line = std::string(4095, 'x') + "\n";
                  int written = 0;
                  while (written < 1000 && write_line(Channel::events, line)) ++written;
                  return written == 16 ? 0 : 1;
                },
                10),
            0);
}

TEST(Writer, ASlowReaderIsWaitedFor) {
  EXPECT_EQ(in_child([] {
              int pipe_fds[2];
              if (pipe(pipe_fds) != 0) return 9;
              dup2(pipe_fds[1], 1);
              use_sinks(open_standard(1), kNone, false);
              const std::string line = std::string(4095, 'x') + "\n";
              for (int i = 0; i < 16; ++i) write_line(Channel::events, line);
              std::thread reader([&] {
                usleep(10000);
                char block[65536];
                if (read(pipe_fds[0], block, sizeof block) < 0) _exit(8);
              });
              const bool written = write_line(Channel::events, line);
              reader.join();
              return written ? 0 : 1;
            }),
            0);
}

TEST(Writer, APipeWithoutAReaderIsNoSignal) {
  TempFile error;
  EXPECT_EQ(in_child([&] {
              signal(SIGPIPE, SIG_DFL);
              dup2(open(error.path().c_str(), O_WRONLY), 2);
              int pipe_fds[2];
              if (pipe(pipe_fds) != 0) return 9;
              dup2(pipe_fds[1], 1);
              close(pipe_fds[1]);
              use_sinks(open_standard(1), kNone, true);
              close(pipe_fds[0]);
              return write_line(Channel::events, "gone\n") ? 0 : 1;
            }),
            0);
  EXPECT_EQ(error.text(), "gone\n");
}

TEST(Writer, ASocketIsWrittenTo) {
  EXPECT_EQ(in_child(
                [] {
                  int pair[2];
                  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 9;
                  dup2(pair[1], 1);
                  use_sinks(open_standard(1), kNone, false);
                  if (!write_line(Channel::events, "socket\n")) return 1;
                  if (read_available(pair[0]) != "socket\n") return 2;
                  const std::string line = std::string(4095, 'x') + "\n";
                  int written = 0;
                  while (written < 10000 && write_line(Channel::events, line)) ++written;
                  return written < 10000 ? 0 : 3;
                },
                10),
            0);
}

TEST(Writer, FilesThatCannotBeOpenedSayWhy) {
  auto error_of = [](const char* path) {
    auto sink = open_file(path);
    return sink ? std::string("opened") : sink.error().message;
  };
  EXPECT_EQ(error_of("/nonexistent/x.log"), "cannot open `/nonexistent/x.log`: No such file or directory");
  EXPECT_NE(error_of("/tmp").find("cannot open `/tmp`"), std::string::npos);
  TempFile file;
  unlink(file.path().c_str());
  ASSERT_EQ(mkfifo(file.path().c_str(), 0600), 0);
  EXPECT_EQ(error_of(file.path().c_str()), "cannot open `" + file.path() + "`: it is a pipe that nobody reads");
}

TEST(Writer, ALowDescriptorLimitIsNoProblem) {
  TempFile file;
  EXPECT_EQ(in_child([&] {
              const rlimit limit = {32, 32};
              setrlimit(RLIMIT_NOFILE, &limit);
              auto sink = open_file(file.path().c_str());
              if (!sink) return 1;
              use_sinks(*sink, kNone, false);
              return write_line(Channel::events, "low\n") ? 0 : 2;
            }),
            0);
  EXPECT_EQ(file.text(), "low\n");
}

}  // namespace
