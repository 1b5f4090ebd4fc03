// SPDX-License-Identifier: Apache-2.0
#include "event/marks.hpp"

#include <time.h>

#include <array>
#include <atomic>

#include "base/hash.hpp"
#include "base/large.hpp"
#include "base/syscall.hpp"
#include "event/thread_key.hpp"
#include "guard/guard.hpp"

namespace ap::marks {
namespace {

constexpr std::uint64_t kLifeMs = 5000;        // of a thread's mark and of a code token
constexpr std::uint64_t kTokenLifeMs = 30000;  // of a mark for any thread: a pool with a long queue takes its time

std::uint64_t now_ms() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1000 + static_cast<std::uint64_t>(t.tv_nsec) / 1000000;
}

std::uint64_t mix(std::uint64_t h, std::uint64_t v) noexcept {
  for (int i = 0; i < 8; ++i, v >>= 8) h = (h ^ (v & 0xff)) * 1099511628211ull;
  return h;
}

// FNV's low bits are weak on short input: spread them before they choose a bucket.
std::uint64_t finish(std::uint64_t h) noexcept {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdull;
  h ^= h >> 33;
  return h;
}

// --- marks
// ------------------------------------------------------------------------------------------------------------------
// One mark is one word, [hash 40 bits][birth 24 bits in 1/64 s]: put and take are one compare-and-swap each. The bucket
// is chosen by hash bits outside those 40. A false match would only fold two reports into one.
constexpr std::size_t kBuckets = 512, kWays = 8;
AP_LARGE std::atomic<std::uint64_t> g_marks[kBuckets][kWays];
std::atomic<std::uint64_t> g_overflowed{0};

// Marks that found no room are counted instead (ten thousand reads that wait for four threads): whoever looks for a
// mark and finds none takes one of these, so that the sum stays right.
struct Spill {
  std::atomic<std::uint32_t> count;
  std::atomic<std::uint64_t> last_ms;
};
Spill g_spill;

constexpr std::uint64_t kTimeMask = (1u << 24) - 1;
std::uint64_t birth_now() noexcept {
  return (now_ms() * 64 / 1000) & kTimeMask;
}
bool expired(std::uint64_t word, std::uint64_t now, std::uint64_t life_ms) noexcept {
  return ((now - (word & kTimeMask)) & kTimeMask) > life_ms * 64 / 1000;
}

void put_key(std::uint64_t raw) noexcept {
  const std::uint64_t h = finish(raw), tag = (h & ~kTimeMask) ? (h & ~kTimeMask) : ~kTimeMask, now = birth_now();
  auto& bucket = g_marks[h & (kBuckets - 1)];
  for (int attempt = 0; attempt < 2; ++attempt)
    for (auto& slot : bucket) {
      std::uint64_t word = slot.load(std::memory_order_relaxed);
      if (word != 0 && !expired(word, now, kTokenLifeMs)) continue;
      if (slot.compare_exchange_strong(word, tag | now, std::memory_order_acq_rel)) return;
    }
  g_overflowed.fetch_add(1, std::memory_order_relaxed);
  if (now_ms() - g_spill.last_ms.exchange(now_ms(), std::memory_order_relaxed) > kTokenLifeMs)
    g_spill.count.store(0, std::memory_order_relaxed);
  g_spill.count.fetch_add(1, std::memory_order_relaxed);
}

bool take_spilled() noexcept {
  std::uint32_t left = g_spill.count.load(std::memory_order_relaxed);
  if (left == 0 || now_ms() - g_spill.last_ms.load(std::memory_order_relaxed) > kTokenLifeMs) return false;
  while (left != 0)
    if (g_spill.count.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) return true;
  return false;
}

bool take_key(std::uint64_t raw, std::uint64_t life_ms) noexcept {
  const std::uint64_t h = finish(raw), tag = (h & ~kTimeMask) ? (h & ~kTimeMask) : ~kTimeMask, now = birth_now();
  for (auto& slot : g_marks[h & (kBuckets - 1)]) {
    std::uint64_t word = slot.load(std::memory_order_relaxed);
    if ((word & ~kTimeMask) != tag || word == 0) continue;
    if (!slot.compare_exchange_strong(word, 0, std::memory_order_acq_rel)) continue;
    if (!expired(word, now, life_ms)) return true;
  }
  return false;
}

enum class Subject : std::uint64_t { look_up = 1, connect_address, connect_port, unix_socket, file, process, native };

std::uint64_t key_of(Subject subject) noexcept {
  return mix(kHashSeed, static_cast<std::uint64_t>(subject));
}

std::uint64_t name_key(std::string_view name) noexcept {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  std::uint64_t h = key_of(Subject::look_up);
  for (char c : name) h = (h ^ static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c)) * 1099511628211ull;
  return h;
}

std::uint64_t address_key(const Operation& op) noexcept {
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const std::uint8_t* bytes = op.address;
  std::size_t size = op.family == 6 ? 16 : 4;
  if (op.family == 6 && __builtin_memcmp(bytes, kMapped, sizeof kMapped) == 0) bytes += 12, size = 4;
  const std::uint64_t h = hash_bytes({reinterpret_cast<const char*>(bytes), size}, key_of(Subject::connect_address));
  return mix(h, op.port);
}

// The key of an operation that leaves exactly one mark.
std::uint64_t single_key(const Operation& op) noexcept {
  if (op.resource == AP_FILES) {
    const auto d = guard::directions(op.kind);
    std::uint64_t h = mix(key_of(Subject::file), static_cast<std::uint64_t>(d.path));
    h = hash_bytes(view(op.text), h);
    if (op.kind == AP_FILE_RENAME || op.kind == AP_FILE_LINK) h = hash_bytes(view(op.text2), mix(h, op.kind));
    return h;
  }
  if (op.resource == AP_PROCESSES) return mix(key_of(Subject::process), op.kind);
  return hash_bytes(view(op.text), mix(key_of(Subject::native), op.kind));
}

std::uint64_t for_thread(std::uint64_t key) noexcept {
  return mix(key, thread_key());
}

void leave(const Operation& op, std::uint64_t key) noexcept {
  put_key(op.flags & AP_OP_ASYNC ? key : for_thread(key));
}

bool find(std::uint64_t key) noexcept {
  return take_key(for_thread(key), kLifeMs) || take_key(key, kTokenLifeMs);
}

// --- process depth
// ----------------------------------------------------------------------------------------------------------
struct Depth {
  std::atomic<std::uint64_t> thread;
  std::atomic<std::uint32_t> depth;
};
Depth g_depths[128];

Depth* depth_slot(bool claim) noexcept {
  const std::uint64_t self = thread_key();
  for (auto& d : g_depths)
    if (d.thread.load(std::memory_order_relaxed) == self) return &d;
  if (!claim) return nullptr;
  for (auto& d : g_depths) {
    std::uint64_t free = 0;
    if (d.thread.compare_exchange_strong(free, self, std::memory_order_acq_rel)) return &d;
  }
  return nullptr;  // more than 128 threads start children at once: their calls are counted at both lines
}

// --- code tokens
// ------------------------------------------------------------------------------------------------------------
// SipHash-2-4 (Aumasson, Bernstein): keyed, because this token lets a read pass; user code must not be able to build a
// second path with the same hash.
std::atomic<std::uint64_t> g_key[2];

std::uint64_t rotl(std::uint64_t v, int n) noexcept {
  return (v << n) | (v >> (64 - n));
}

std::uint64_t siphash(std::string_view s) noexcept {
  if (g_key[0].load(std::memory_order_acquire) == 0) {
    std::uint64_t random[2] = {0, 0};
    sys::call(SYS_getrandom, random, sizeof random, 1 /* GRND_NONBLOCK */);
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    random[0] ^= static_cast<std::uint64_t>(t.tv_nsec) << 20;  // a kernel without entropy yet still gives a key
    std::uint64_t none = 0;
    g_key[1].compare_exchange_strong(none, random[1] | 1);
    none = 0;
    g_key[0].compare_exchange_strong(none, random[0] | 1);
  }
  const std::uint64_t k0 = g_key[0].load(std::memory_order_acquire), k1 = g_key[1].load(std::memory_order_acquire);
  std::uint64_t v0 = k0 ^ 0x736f6d6570736575ull, v1 = k1 ^ 0x646f72616e646f6dull;
  std::uint64_t v2 = k0 ^ 0x6c7967656e657261ull, v3 = k1 ^ 0x7465646279746573ull;
  auto round = [&] {
    v0 += v1;
    v1 = rotl(v1, 13);
    v1 ^= v0;
    v0 = rotl(v0, 32);
    v2 += v3;
    v3 = rotl(v3, 16);
    v3 ^= v2;
    v0 += v3;
    v3 = rotl(v3, 21);
    v3 ^= v0;
    v2 += v1;
    v1 = rotl(v1, 17);
    v1 ^= v2;
    v2 = rotl(v2, 32);
  };
  auto block = [&](std::uint64_t m) {
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  };
  std::size_t i = 0;
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t m;
    __builtin_memcpy(&m, s.data() + i, 8);
    block(m);
  }
  std::uint64_t last = static_cast<std::uint64_t>(s.size()) << 56;
  for (std::size_t k = 0; i + k < s.size(); ++k)
    last |= static_cast<std::uint64_t>(static_cast<unsigned char>(s[i + k])) << (8 * k);
  block(last);
  v2 ^= 0xff;
  for (int k = 0; k < 4; ++k) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

struct Token {
  std::atomic<std::uint64_t> hash;  // 0 free, 1 being written
  std::atomic<std::uint64_t> birth_ms;
};
AP_LARGE Token g_tokens[256];

bool ends_with(std::string_view s, std::string_view suffix) noexcept {
  return s.size() > suffix.size() && s.substr(s.size() - suffix.size()) == suffix;
}

// What each loader takes for code. JSON is data, but for the manifest that Node's resolver reads.
constexpr std::string_view kPythonCode[] = {".py", ".pyc", ".pyw", ".so", ".zip", ".whl", ".egg", ".pyz"};
constexpr std::string_view kNodeCode[] = {".js",  ".cjs",  ".mjs",  ".ts",          ".cts",
                                          ".mts", ".node", ".wasm", "/package.json"};

}  // namespace

void put(const Operation& op) noexcept {
  if (op.resource != AP_OUTBOUND) {
    if (op.resource == AP_PROCESSES && in_process_call()) return;
    return leave(op, single_key(op));
  }
  if (op.kind == AP_RESOLVE) return leave(op, name_key(view(op.text)));
  if (op.protocol == AP_PROTO_UNIX) return leave(op, hash_bytes(view(op.text), key_of(Subject::unix_socket)));
  if (op.family != 0) return leave(op, address_key(op));
  leave(op, name_key(view(op.text)));
  put_key(
      for_thread(mix(key_of(Subject::connect_port), op.port)));  // INVARIANT: never a token, any thread would fit it
}

bool take(const Operation& op) noexcept {
  if (op.resource == AP_PROCESSES) return in_process_call() || find(single_key(op));
  bool found;
  if (op.resource != AP_OUTBOUND)
    found = find(single_key(op));
  else if (op.kind == AP_RESOLVE)
    found = find(name_key(view(op.text)));
  else if (op.protocol == AP_PROTO_UNIX)
    found = find(hash_bytes(view(op.text), key_of(Subject::unix_socket)));
  else
    found = op.family != 0 &&
            (find(address_key(op)) || take_key(for_thread(mix(key_of(Subject::connect_port), op.port)), kLifeMs));
  return found || take_spilled();
}

void process_begin() noexcept {
  if (Depth* d = depth_slot(true)) {
    if (d->depth.fetch_add(1, std::memory_order_acq_rel) == 0) {
      // The call's report may have come first: its mark is not needed any more and must not meet a later call.
      take_key(for_thread(mix(key_of(Subject::process), AP_SPAWN)), kLifeMs);
      take_key(for_thread(mix(key_of(Subject::process), AP_FORK)), kLifeMs);
    }
  }
}

void process_end() noexcept {
  Depth* d = depth_slot(false);
  if (d == nullptr || d->depth.load(std::memory_order_relaxed) == 0) return;
  if (d->depth.fetch_sub(1, std::memory_order_acq_rel) == 1) d->thread.store(0, std::memory_order_release);
}

bool in_process_call() noexcept {
  const Depth* d = depth_slot(false);
  return d != nullptr && d->depth.load(std::memory_order_relaxed) != 0;
}

bool allow_code(std::string_view path, std::string_view language) noexcept {
  bool code = false;
  if (language != "node")
    for (auto suffix : kPythonCode) code = code || ends_with(path, suffix);
  if (language != "python")
    for (auto suffix : kNodeCode) code = code || ends_with(path, suffix);
  if (!code) return false;
  const std::uint64_t hash = siphash(path) | 2, now = now_ms();  // never one of the two reserved values
  for (int attempt = 0; attempt < 2; ++attempt)
    for (auto& t : g_tokens) {
      std::uint64_t word = t.hash.load(std::memory_order_relaxed);
      if (word == 1 || (word != 0 && now - t.birth_ms.load(std::memory_order_relaxed) <= kLifeMs)) continue;
      if (!t.hash.compare_exchange_strong(word, 1, std::memory_order_acq_rel)) continue;
      t.birth_ms.store(now, std::memory_order_relaxed);
      t.hash.store(hash, std::memory_order_release);
      return true;
    }
  g_overflowed.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool take_code(std::string_view path) noexcept {
  const std::uint64_t hash = siphash(path) | 2, now = now_ms();
  for (auto& t : g_tokens) {
    std::uint64_t word = t.hash.load(std::memory_order_acquire);
    if (word != hash) continue;
    const std::uint64_t born = t.birth_ms.load(std::memory_order_relaxed);
    if (!t.hash.compare_exchange_strong(word, 0, std::memory_order_acq_rel)) continue;
    if (now - born <= kLifeMs) return true;
  }
  return false;
}

std::uint64_t overflowed() noexcept {
  return g_overflowed.load(std::memory_order_relaxed);
}

}  // namespace ap::marks
