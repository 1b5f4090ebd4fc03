// SPDX-License-Identifier: Apache-2.0
#include "package.hpp"

#include <stdint.h>
#include <string.h>

#include <atomic>

#include "core.hpp"
#include "raw_syscall.hpp"

namespace ap::python::package {
namespace {

struct Buffer {
  char* data;
  size_t capacity, size = 0;
  void add(std::string_view text) {
    const size_t n = text.size() < capacity - 1 - size ? text.size() : capacity - 1 - size;
    memcpy(data + size, text.data(), n);
    size += n;
    data[size] = 0;
  }
};

char normal(char c) {
  return c == '-' || c == '.' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (normal(a[i]) != normal(b[i])) return false;
  return true;
}

// "requests-2.31.0.dist-info" -> name, version
bool split(std::string_view entry, std::string_view& name, std::string_view& version) {
  for (std::string_view suffix : {".dist-info", ".egg-info"}) {
    if (entry.size() <= suffix.size() || !entry.ends_with(suffix)) continue;
    entry.remove_suffix(suffix.size());
    const size_t dash = entry.find('-');
    if (dash == std::string_view::npos) return false;
    name = head(entry, dash);
    version = from(entry, dash + 1);
    const size_t tag = version.find("-py");
    if (tag != std::string_view::npos) version = head(version, tag);
    return true;
  }
  return false;
}

// Calls each(entry name) for a directory until it returns true.
template <typename F>
bool each_entry(const char* directory, F each) {
  const long fd = raw::open(directory, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return false;
  struct Entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[1];
  };
  alignas(8) char block[8192];
  bool found = false;
  for (long n; !found && (n = raw::getdents(fd, block, sizeof block)) > 0;)
    for (long at = 0; at < n && !found;) {
      auto* entry = reinterpret_cast<Entry*>(block + at);
      found = each(std::string_view(entry->name));
      at += entry->length;
    }
  raw::close(fd);
  return found;
}

// True when the file has a line that begins with `text` and goes on with one of `ends`, or is `text`.
bool has_line(const char* path, std::string_view text, char end) {
  const long fd = raw::open(path, O_RDONLY);
  if (fd < 0) return false;
  constexpr long kHalf = 8192;
  char block[2 * kHalf];
  size_t kept = 0;
  bool found = false;
  for (int blocks = 0; blocks < 64 && !found; ++blocks) {  // half a megabyte of RECORD is enough
    const long n = raw::read(fd, block + kept, kHalf);
    if (n <= 0 && kept == 0) break;
    std::string_view all(block, kept + static_cast<size_t>(n > 0 ? n : 0));
    size_t at = 0;
    while (at < all.size()) {
      const size_t stop = all.find('\n', at);
      if (stop == std::string_view::npos && n > 0) break;
      std::string_view line = head(from(all, at), stop == std::string_view::npos ? stop : stop - at);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.starts_with(text) && (line.size() == text.size() || line[text.size()] == end)) found = true;
      at = stop == std::string_view::npos ? all.size() : stop + 1;
      if (found) break;
    }
    if (n <= 0) break;
    kept = all.size() - at;
    if (kept > static_cast<size_t>(kHalf)) kept = 0;  // a line longer than the block: not one of ours
    memmove(block, block + at, kept);
  }
  raw::close(fd);
  return found;
}

bool look_up(std::string_view root, std::string_view top, std::string_view rest, char* out, size_t size) {
  char directory[4096];
  Buffer path{directory, sizeof directory};
  path.add(root);
  auto answer = [&](std::string_view name, std::string_view version) {
    Buffer text{out, size};
    text.add(name);
    text.add("@");
    text.add(version);
    return true;
  };
  auto match = [&](auto belongs) {
    return each_entry(directory, [&](std::string_view entry) {
      std::string_view name, version;
      return split(entry, name, version) && belongs(entry, name) && answer(name, version);
    });
  };
  auto inside = [&](std::string_view entry, const char* file, std::string_view text, char end) {
    char full[4096];
    Buffer b{full, sizeof full};
    b.add(root);
    b.add("/");
    b.add(entry);
    b.add(file);
    return has_line(full, text, end);
  };
  return match([&](std::string_view, std::string_view name) { return same_name(name, top); }) ||
         match([&](std::string_view entry, std::string_view) { return inside(entry, "/RECORD", rest, ','); }) ||
         match([&](std::string_view entry, std::string_view) { return inside(entry, "/top_level.txt", top, '\0'); });
}

uint64_t hash(std::string_view text, uint64_t h = 1469598103934665603ull) {
  for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

struct Answer {
  uint64_t key;
  char package[96];  // empty: belongs to none
};
Answer g_answers[64];
unsigned g_next;
std::atomic_flag g_busy =
    ATOMIC_FLAG_INIT;  // interpreters with a GIL of their own may ask at once: the second does without

constexpr std::string_view kMarkers[] = {"/site-packages/", "/dist-packages/"};

}  // namespace

std::string_view root_of(std::string_view file, std::string_view application, std::string_view& rest) {
  for (std::string_view marker : kMarkers) {
    const size_t at = file.rfind(marker);
    if (at == std::string_view::npos) continue;
    rest = from(file, at + marker.size());
    return head(file, at + marker.size() - 1);
  }
  for (std::string_view root : {application, std::string_view("/opt/python")})
    if (!root.empty() && file.size() > root.size() + 1 && file.starts_with(root) && file[root.size()] == '/') {
      rest = from(file, root.size() + 1);
      return root;
    }
  return {};
}

bool of(std::string_view file, std::string_view application, char* out, size_t size) {
  std::string_view rest;
  const std::string_view root = root_of(file, application, rest);
  if (root.empty() || rest.empty()) return false;
  std::string_view top = head(rest, rest.find('/'));
  if (top.size() > 3 && top.ends_with(".py")) top.remove_suffix(3);
  out[0] = 0;
  Buffer text{out, size};
  if (g_busy.test_and_set(std::memory_order_acquire)) return look_up(root, top, rest, out, size);
  const uint64_t key = hash(rest, hash(root)) | 1;
  const Answer* answer = nullptr;
  for (const Answer& known : g_answers)
    if (known.key == key) answer = &known;
  if (answer == nullptr) {
    Answer& slot = g_answers[g_next++ % 64];
    slot.key = key;
    slot.package[0] = 0;
    if (!look_up(root, top, rest, slot.package, sizeof slot.package)) slot.package[0] = 0;
    answer = &slot;
  }
  text.add(answer->package);
  g_busy.clear(std::memory_order_release);
  return out[0] != 0;
}

}  // namespace ap::python::package
