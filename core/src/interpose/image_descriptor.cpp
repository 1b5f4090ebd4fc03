// SPDX-License-Identifier: Apache-2.0
#include "interpose/image_descriptor.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/stat.h>

#include <atomic>
#include <string_view>

#include "base/high_descriptor.hpp"
#include "base/syscall.hpp"
#include "guard/canonical.hpp"
#include "guard/image.hpp"

namespace ap::interpose {
namespace {

struct Kept {
  std::atomic<const char*> image{nullptr};  // whose descriptor this is, or is being made
  std::atomic<int> fd{-1};
  std::atomic<std::uint64_t> inode{0};
};
constinit Kept kept;

long make() noexcept {
  const std::string_view image = image_bytes();
  long fd = sys::call(SYS_memfd_create, "app_protect", MFD_ALLOW_SEALING);
  if (fd >= 0) {
    if (const long r = sys::write_all(static_cast<int>(fd), image); r < 0) {
      sys::call(SYS_close, fd);
      return r;
    }
    sys::call(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    return fd;
  }
  const long file = sys::call(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0400);
  if (file < 0) return fd;
  long r = sys::write_all(static_cast<int>(file), image);
  if (r == 0) r = sys::call(SYS_openat, AT_FDCWD, canonical::DescriptorPath(static_cast<int>(file)).text, O_RDONLY);
  sys::call(SYS_close, file);
  return r;
}

bool inode_of(long fd, std::uint64_t& inode) noexcept {
  struct stat st;
  if (sys::call(SYS_fstat, fd, &st) != 0) return false;
  inode = st.st_ino;
  return true;
}

}  // namespace

void keep_image() noexcept {
  const char* const now = image_bytes().data();
  const char* before = kept.image.load(std::memory_order_acquire);
  if (before == now || !kept.image.compare_exchange_strong(before, now, std::memory_order_acq_rel)) return;
  if (const int old = kept.fd.exchange(-1, std::memory_order_acq_rel); old >= 0) sys::call(SYS_close, old);
  const long fd = make();
  std::uint64_t inode;
  if (fd < 0 || !inode_of(fd, inode)) return;
  kept.inode.store(inode, std::memory_order_relaxed);
  kept.fd.store(move_high(static_cast<int>(fd)), std::memory_order_release);
}

int kept_image() noexcept {
  return kept.fd.load(std::memory_order_acquire);
}

long image_descriptor(std::uint64_t& inode) noexcept {
  if (const int own = kept_image(); own >= 0) {
    const long fd = sys::call(SYS_fcntl, own, F_DUPFD, 3);
    if (fd >= 0 && inode_of(fd, inode) && inode == kept.inode.load(std::memory_order_relaxed)) return fd;
    if (fd >= 0) sys::call(SYS_close, fd);  // something else has that number now
  }
  const long fd = make();
  if (fd < 0 || inode_of(fd, inode)) return fd;
  sys::call(SYS_close, fd);
  return -EBADF;
}

}  // namespace ap::interpose
