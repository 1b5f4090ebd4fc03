// SPDX-License-Identifier: Apache-2.0
//
// How a child comes under the same policy. The exec hook puts our library into LD_PRELOAD and passes three descriptors,
// named in one variable: the sealed image (a memfd, sealed) and the two log sinks. The child's constructor takes them,
// verifies the image, removes every trace from the environment and installs its hooks before main. Nothing else is read
// in such a process. Format and reasons: docs/adr/0007-hand-over.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ap::interpose {

// Descriptors on their way into a child: inheritable, opened just before the exec. Closes them when the exec failed.
struct Luggage {
  int image = -1, events = -1, log = -1;
  std::uint64_t inode = 0;  // of the image: another thread may put a file of its own at that number before the exec
  ~Luggage();
  long open() noexcept;  // 0, or -errno
};

// A child's environment, rebuilt in place: `entries` holds `count` pointers to copied strings and has room for two more
// and the final null; `room` receives the new strings (kEnvironmentRoom bytes plus the size of the old LD_PRELOAD
// values). Returns the new count, or -ENAMETOOLONG.
constexpr std::size_t kEnvironmentRoom = 1024;
long rebuild_environment(char** entries, std::size_t count, char* room, std::size_t room_size,
                         const Luggage& luggage) noexcept;

// Whether an entry is one of ours or would put something between us and the child.
bool is_ours(std::string_view entry) noexcept;

}  // namespace ap::interpose
