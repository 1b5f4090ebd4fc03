// SPDX-License-Identifier: Apache-2.0
#include "interpose/image_descriptor.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <string_view>

#include "base/high_descriptor.hpp"
#include "base/syscall.hpp"
#include "guard/canonical.hpp"
#include "guard/guard.hpp"
#include "guard/image.hpp"
#include "interpose/plan.hpp"
#include "interpose/prepared_libc.hpp"

namespace ap::interpose {
namespace {

constexpr std::size_t kPage = 4096;
constexpr unsigned kUnprepared = 4;  // children that patch on their own, before it is worth while
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

struct Kept {
  std::atomic<const char*> image{nullptr};  // whose descriptor this is, or is being made
  std::atomic<int> fd{-1};
  std::atomic<std::uint64_t> inode{0};
  std::atomic<unsigned> starts{0};  // children begun with this image
};
constinit Kept kept;

using Piece = PreparedLibc::Piece;

bool inode_of(long fd, std::uint64_t& inode) noexcept {
  struct stat st;
  if (sys::call(SYS_fstat, fd, &st) != 0) return false;
  inode = st.st_ino;
  return true;
}

long write_at(int fd, const Piece& piece, std::uint64_t offset) noexcept {
  const auto* bytes = static_cast<const char*>(piece.at);
  for (std::size_t done = 0; done < piece.size;) {
    const long n = sys::call(SYS_pwrite64, fd, bytes + done, piece.size - done, offset + done);
    if (n == -EINTR) continue;
    if (n <= 0) return n ? n : -EIO;
    done += static_cast<std::size_t>(n);
  }
  return 0;
}

char* put_number(char* at, long value) noexcept {
  char digits[20];
  std::size_t n = sizeof digits;
  do digits[--n] = static_cast<char>('0' + value % 10);
  while (value /= 10);
  std::memcpy(at, digits + n, sizeof digits - n);
  return at + (sizeof digits - n);
}

// Until it was sealed, another thread that guesses its number could write to it.
bool holds(int fd, const Piece& piece, std::uint64_t offset) noexcept {
  const std::size_t size = piece.size;
  const long at = sys::call(SYS_mmap, nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, offset);
  if (at < 0 && at > -4096) return false;
  const bool same = std::memcmp(reinterpret_cast<const void*>(at), piece.at, size) == 0;
  sys::call(SYS_munmap, at, size);
  return same;
}

// A sealed memfd with the image and, at the next page's beginning, `more`.
long make_sealed(const Piece* more, std::size_t count, std::uint64_t& inode) noexcept {
  canonical::Descriptor memory;
  const long fd = memory.open([] { return sys::call(SYS_memfd_create, "app_protect", MFD_ALLOW_SEALING); });
  if (fd < 0) return fd;
  const int file = memory.get();
  const Piece image{image_bytes().data(), image_bytes().size()};
  long result = write_at(file, image, 0);
  std::uint64_t end = behind_image();
  for (std::size_t i = 0; i < count && result == 0; end += more[i++].size) result = write_at(file, more[i], end);
  if (result == 0) result = sys::call(SYS_fcntl, file, F_ADD_SEALS, kSeals);
  if (result < 0) return result;
  bool same = inode_of(file, inode) && holds(file, image, 0);
  end = behind_image();
  for (std::size_t i = 0; i < count && same; end += more[i++].size) same = holds(file, more[i], end);
  return same ? memory.release() : -EBUSY;
}

long make(std::uint64_t& inode) noexcept {
  const long fd = make_sealed(nullptr, 0, inode);
  if (fd >= 0 || fd == -EBUSY) return fd;
  const long file = sys::call(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0400);
  if (file < 0) return fd;
  long r = sys::write_all(static_cast<int>(file), image_bytes());
  if (r == 0 && !inode_of(file, inode)) r = -EBADF;
  if (r == 0) r = sys::call(SYS_openat, AT_FDCWD, canonical::DescriptorPath(static_cast<int>(file)).text, O_RDONLY);
  sys::call(SYS_close, file);
  return r;
}

// The kernel ends a process that writes beyond RLIMIT_FSIZE, into a memfd too.
bool may_write(std::uint64_t size) noexcept {
  struct rlimit limit{};
  return sys::call(SYS_prlimit64, 0, RLIMIT_FSIZE, nullptr, &limit) == 0 && size <= limit.rlim_cur;
}

long make_with_libc(std::uint64_t& inode) noexcept {
  PreparedLibc libc;
  if (!libc.make(wanted_calls(guard::needs(*policy()) & ~std::uint32_t{settings().hooks_disabled}, false))) return -1;
  std::uint64_t size = behind_image();
  for (std::size_t i = 0; i < PreparedLibc::kPieces; ++i) size += libc.pieces()[i].size;
  return may_write(size) ? make_sealed(libc.pieces(), PreparedLibc::kPieces, inode) : -EFBIG;
}

// Whether `fd` is open on the kept image, or else closes it: something else may have that number now.
bool is_kept(long fd, std::uint64_t& inode) noexcept {
  if (fd < 0) return false;
  if (inode_of(fd, inode) && inode == kept.inode.load(std::memory_order_relaxed)) return true;
  sys::call(SYS_close, fd);
  return false;
}

// For a child that shares this memory and closed every descriptor before it executes, as posix_spawn does inside libc
// when it is told to (Python 3.13's subprocess): the one that its parent keeps, opened anew.
long reopen_from_parent(int number) noexcept {
  char path[48] = "/proc/";
  char* at = put_number(path + 6, sys::call(SYS_getppid));
  std::memcpy(at, "/fd/", 4);
  *put_number(at + 4, number) = 0;
  return sys::call(SYS_openat, AT_FDCWD, path, O_RDONLY);
}

using Make = long (*)(std::uint64_t& inode);

void keep(Make make) noexcept {
  std::uint64_t inode;
  const long fd = make(inode);
  if (fd < 0) return;
  const int high = move_high(static_cast<int>(fd));
  const int old = kept.fd.load(std::memory_order_acquire);
  kept.inode.store(inode, std::memory_order_relaxed);
  kept.fd.store(high, std::memory_order_release);
  if (old >= 0) sys::call(SYS_close, old);
}

}  // namespace

void keep_image() noexcept {
  const char* const now = image_bytes().data();
  const char* before = kept.image.load(std::memory_order_acquire);
  if (before == now) {
    // The preparation takes as long as it saves some seven children: who has started four is likely to start as many
    // more.
    if (kept.starts.load(std::memory_order_relaxed) <= kUnprepared && kept.starts.fetch_add(1) == kUnprepared)
      keep(make_with_libc);
    return;
  }
  if (!kept.image.compare_exchange_strong(before, now, std::memory_order_acq_rel)) return;
  if (const int old = kept.fd.exchange(-1, std::memory_order_acq_rel); old >= 0) sys::call(SYS_close, old);
  keep(make);
  kept.starts.store(1, std::memory_order_relaxed);
}

int kept_image() noexcept {
  return kept.fd.load(std::memory_order_acquire);
}

void renumber_image(int fd) noexcept {
  kept.fd.store(fd, std::memory_order_release);
}

void adopt_image(int fd, std::uint64_t inode) noexcept {
  struct stat st;
  const bool has_libc = sys::call(SYS_fstat, fd, &st) == 0 && st.st_size > static_cast<off_t>(behind_image());
  kept.starts.store(has_libc ? kUnprepared + 1 : 0, std::memory_order_relaxed);
  kept.image.store(image_bytes().data(), std::memory_order_relaxed);
  kept.inode.store(inode, std::memory_order_relaxed);
  kept.fd.store(move_high(fd, kWithinTable), std::memory_order_release);
}

long image_descriptor(std::uint64_t& inode) noexcept {
  if (const int own = kept_image(); own >= 0) {
    if (const long fd = sys::call(SYS_fcntl, own, F_DUPFD, 3); is_kept(fd, inode)) return fd;
    if (const long fd = reopen_from_parent(own); is_kept(fd, inode)) {
      if (is_sealed(static_cast<int>(fd))) return fd;  // so that it is no file of somebody else's with that number
      sys::call(SYS_close, fd);
    }
  }
  return make(inode);
}

bool is_sealed(int fd) noexcept {
  const long seals = sys::call(SYS_fcntl, fd, F_GET_SEALS);
  return seals >= 0 && (seals & kSeals) == kSeals;
}

std::uint64_t behind_image() noexcept {
  return (image_bytes().size() + kPage - 1) & ~std::uint64_t{kPage - 1};
}

}  // namespace ap::interpose
