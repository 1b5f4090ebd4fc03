// SPDX-License-Identifier: Apache-2.0
#include "guard/link_hints.hpp"

#include <atomic>
#include <cstring>

#include "base/hash.hpp"

namespace ap::canonical {
namespace {

constexpr std::size_t kHints = 8, kLongest = 112;

struct Hint {
  std::uint8_t path_size, real_size;
  char path[kLongest], real[kLongest];
};
constinit Hint hints[kHints]{};
constinit std::atomic<bool> busy{false};

class Turn {
 public:
  Turn() noexcept : mine_(!busy.exchange(true, std::memory_order_acquire)) {}
  ~Turn() {
    if (mine_) busy.store(false, std::memory_order_release);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const noexcept { return mine_; }

 private:
  bool mine_;
};

Hint& place(std::string_view path) noexcept {
  return hints[hash_bytes(path) % kHints];
}

}  // namespace

bool recall_link(std::string_view path, PathBuffer& real) noexcept {
  const Turn turn;
  if (!turn) return false;
  const Hint& hint = place(path);
  return std::string_view(hint.path, hint.path_size) == path && real.assign({hint.real, hint.real_size});
}

void remember_link(std::string_view path, std::string_view real) noexcept {
  if (path.empty() || path.size() > kLongest || real.size() > kLongest) return;
  const Turn turn;
  if (!turn) return;
  Hint& hint = place(path);
  std::memcpy(hint.path, path.data(), path.size());
  std::memcpy(hint.real, real.data(), real.size());
  hint.path_size = static_cast<std::uint8_t>(path.size());
  hint.real_size = static_cast<std::uint8_t>(real.size());
}

}  // namespace ap::canonical
