// SPDX-License-Identifier: Apache-2.0
//
// The log writer: one line, one write. Two channels, events and log, each a descriptor of our own: a high,
// close-on-exec one, so that a program which closes or replaces 0, 1 and 2 neither silences us nor gets our lines into
// a file of its own. Before each write the descriptor's device and inode are compared with what was opened; when they
// differ the line goes to the program's own standard output if that still is what our duplicate was, else to standard
// error as it was at start, and where that is gone too it is counted as dropped.
//
// A full pipe or a slow reader never hangs the function: a line waits for at most kPatienceMs, and after one that
// waited in vain the next do not wait at all until a line gets through again.
//
// Raw system calls only, no allocation, no lock; SIGPIPE is held back. Usable in a signal handler and in a vfork child.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "guard/settings.hpp"

namespace ap::event {

enum class Channel : std::uint8_t { events, log };

constexpr int kPatienceMs = 50;

// Our own descriptor for what `fd` (1 or 2) is now. A closed one gives a Sink with fd -1: nowhere to write.
Sink open_standard(int fd) noexcept;
// The program's own descriptor, for the lines of a start that does not know yet where they belong; never closed by us.
Sink borrow_standard(int fd) noexcept;
// Opens for appending, 0600 when new; must be a regular file, a pipe or a character device. A pipe without a reader is
// an error, not a wait. The message is for people: "cannot open `/x/y.log`: permission denied".
Result<Sink> open_file(const char* path);

// The sinks of this process from now on. `fall_back`: standard error may be used when a sink is gone (the owner of the
// log); a handed-over child passes false.
void use_sinks(const Sink& events, const Sink& log, bool fall_back) noexcept;

// Closes the sinks in use, those of open_standard and open_file.
void close_sinks() noexcept;

// True when the line (with its newline, at most 4,096 bytes) was written somewhere.
bool write_line(Channel channel, std::string_view line) noexcept;
// For the last words of a process: waits up to `patience_ms`, whatever happened before.
bool write_line(Channel channel, std::string_view line, int patience_ms) noexcept;

// Around a posix_spawn: its child runs in this thread's memory, but its file actions may have closed our descriptors
// before the program is judged. The event line that it cannot write is kept here and written when the parent goes on.
class WriteForChild {
 public:
  WriteForChild() noexcept;
  ~WriteForChild();
  WriteForChild(const WriteForChild&) = delete;
  WriteForChild& operator=(const WriteForChild&) = delete;

 private:
  friend bool write_line(Channel channel, std::string_view line, int patience_ms) noexcept;
  bool in_child() const noexcept;
  bool keep(std::string_view line) noexcept;

  WriteForChild* outer_;
  long parent_;  // process id
  std::size_t size_ = 0;
  char line_[4096];
};

Sink sink(Channel channel) noexcept;

// The descriptor of a sink has another number now.
void renumber_sink(Channel channel, int fd) noexcept;

}  // namespace ap::event
