// SPDX-License-Identifier: Apache-2.0
#include "guard/image.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <new>

#include "base/hash128.hpp"
#include "base/syscall.hpp"
#include "policy/blob.hpp"

namespace ap {
namespace {

constexpr std::uint64_t kImageMagic = 0x0a31544f52505041ull;  // "APPROT1\n"
constexpr std::uint32_t kImageVersion = 1;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kMaxImage = 65u << 20;

// What the root leads to: the view that policy() hands out, and its image.
struct Frame {
  alignas(16) unsigned char view[sizeof(BlobView)];
  const ImageHeader* image;
};

// A page of its own: read-only from the seal on.
struct alignas(kPage) Root {
  std::atomic<const Frame*> frame{nullptr};
  Frame first = {};  // of the seal; one that replaces it stands in front of its image
  unsigned char rest[kPage - 16 - sizeof(Frame)] = {};
};
static_assert(sizeof(Root) == kPage);
constinit Root root;
constinit Settings no_settings{};

const Frame* frame() noexcept {
  return root.frame.load(std::memory_order_acquire);
}

std::size_t rounded(std::size_t size) {
  return (size + kPage - 1) & ~(kPage - 1);
}

Error failed(const char* what, long result) {
  return {ErrorCode::system, std::string(what) + " failed: errno " + std::to_string(-result)};
}
Error refuse(const char* what) {
  return {ErrorCode::blob_invalid, std::string("sealed image: ") + what};
}

struct Mapping {
  char* pages = nullptr;
  std::size_t size = 0;
  bool writable = true;
  ~Mapping() {
    if (pages) sys::call(SYS_munmap, pages, size);
  }
};

Result<bool> map(std::size_t size, Mapping& out) {
  out.size = rounded(size);
  long pages = sys::call(SYS_mmap, nullptr, out.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages < 0 && pages > -4096) return failed("mmap", pages);
  out.pages = reinterpret_cast<char*>(pages);
  return true;
}

std::string_view body(const ImageHeader& image) {
  const char* bytes = reinterpret_cast<const char*>(&image);
  return {bytes + sizeof(ImageHeader), image.size - sizeof(ImageHeader)};
}

// Proves an image: after this nothing of it is looked at with doubt.
Result<bool> verify(const ImageHeader& image, std::size_t size) {
  if (size < sizeof(ImageHeader) + sizeof(Settings)) return refuse("too short");
  if (image.magic != kImageMagic) return refuse("not one at all (magic)");
  if (image.version != kImageVersion) return refuse("of another version of this library");
  if (image.size != size) return refuse("of another size than it says");
  if (image.settings_offset != sizeof(ImageHeader) || image.blob_offset % 8 != 0 ||
      image.blob_offset < sizeof(ImageHeader) + sizeof(Settings) || image.blob_offset > size)
    return refuse("damaged (offsets)");
  Hash128 hash = hash128(body(image));
  if (hash.low != image.hash[0] || hash.high != image.hash[1]) return refuse("damaged (hash)");
  Settings settings;
  std::memcpy(&settings, reinterpret_cast<const char*>(&image) + image.settings_offset, sizeof settings);
  if (settings.size != sizeof(Settings)) return refuse("of another version of this library (settings)");
  for (std::string_view field : {std::string_view(settings.function, sizeof settings.function),
                                 std::string_view(settings.runtime, sizeof settings.runtime),
                                 std::string_view(settings.language, sizeof settings.language),
                                 std::string_view(settings.library, sizeof settings.library),
                                 std::string_view(settings.policy_group, sizeof settings.policy_group),
                                 std::string_view(settings.policy_source, sizeof settings.policy_source),
                                 std::string_view(settings.version, sizeof settings.version)})
    if (field.find('\0') == field.npos) return refuse("damaged (settings)");
  return true;
}

// Checks the blob, makes the pages read-only, publishes. `replacing`: the frame, in the same mapping as its image.
Result<bool> finish(Mapping& mapping, const ImageHeader& image, Frame* replacing) {
  const char* bytes = reinterpret_cast<const char*>(&image);
  Result<BlobView> view = BlobView::open({bytes + image.blob_offset, image.size - image.blob_offset});
  if (!view) return view.error();
  if (!replacing && sealed()) return Error{ErrorCode::unsupported, "a policy is sealed already"};
  if (replacing)
    if (long r = sys::call(SYS_mprotect, &root, sizeof root, PROT_READ | PROT_WRITE); r != 0)
      return failed("mprotect", r);
  Frame& frame = replacing ? *replacing : root.first;
  new (frame.view) BlobView(*view);
  frame.image = &image;
  if (mapping.writable)
    if (long r = sys::call(SYS_mprotect, mapping.pages, mapping.size, PROT_READ); r != 0) return failed("mprotect", r);
  root.frame.store(&frame, std::memory_order_release);  // an old image stays mapped: a check may still be reading it
  mapping.pages = nullptr;
  if (long r = sys::call(SYS_mprotect, &root, sizeof root, PROT_READ); r != 0) return failed("mprotect", r);
  return true;
}

Result<bool> build(const Settings& settings, std::string_view blob, bool replace) {
  const std::size_t blob_offset = (sizeof(ImageHeader) + sizeof(Settings) + 7) & ~std::size_t{7};
  const std::size_t size = blob_offset + blob.size();
  if (size > kMaxImage)
    return Error{ErrorCode::limit, "the sealed image would have " + std::to_string(size) + " bytes"};
  constexpr std::size_t kFrame = (sizeof(Frame) + 15) & ~std::size_t{15};
  Mapping mapping;
  Result<bool> mapped = map(kFrame + size, mapping);
  if (!mapped) return mapped;
  ImageHeader& image = *reinterpret_cast<ImageHeader*>(mapping.pages + kFrame);
  image = {kImageMagic, kImageVersion,       static_cast<std::uint32_t>(size),
           {},          sizeof(ImageHeader), static_cast<std::uint32_t>(blob_offset)};
  char* bytes = reinterpret_cast<char*>(&image);
  Settings stored = settings;
  stored.size = sizeof(Settings);
  std::memcpy(bytes + image.settings_offset, &stored, sizeof stored);
  std::memcpy(bytes + blob_offset, blob.data(), blob.size());
  Hash128 hash = hash128(body(image));
  image.hash[0] = hash.low;
  image.hash[1] = hash.high;
  return finish(mapping, image, replace ? reinterpret_cast<Frame*>(mapping.pages) : nullptr);
}

// Whether nobody can change any more what `fd` holds, nor its size.
bool is_constant(int fd) {
  constexpr long kSeals = F_SEAL_WRITE | F_SEAL_SHRINK;
  const long seals = sys::call(SYS_fcntl, fd, F_GET_SEALS);
  return seals >= 0 && (seals & kSeals) == kSeals;
}

}  // namespace

Result<bool> seal(const Settings& settings, std::string_view blob) {
  if (sealed()) return Error{ErrorCode::unsupported, "a policy is sealed already"};
  return build(settings, blob, false);
}

Result<bool> seal_from_descriptor(int fd) {
  if (sealed()) return Error{ErrorCode::unsupported, "a policy is sealed already"};
  struct stat status;
  if (long r = sys::call(SYS_fstat, fd, &status); r != 0) return failed("fstat", r);
  if (!S_ISREG(status.st_mode)) return refuse("not a regular file");
  ImageHeader header;
  if (sys::call(SYS_pread64, fd, &header, sizeof header, 0) != static_cast<long>(sizeof header) ||
      header.size < sizeof header || header.size > kMaxImage)
    return refuse("of an impossible size");
  const std::size_t size = header.size, all = static_cast<std::size_t>(status.st_size);
  // What stands behind it, from the next page on, is not the image's.
  if (all < size || (all > size && all <= rounded(size))) return refuse("of another size than it says");
  Mapping mapping;
  if (is_constant(fd)) {
    mapping.size = rounded(size);
    const long pages = sys::call(SYS_mmap, nullptr, mapping.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (pages < 0 && pages > -4096) return failed("mmap", pages);
    mapping.pages = reinterpret_cast<char*>(pages);
    mapping.writable = false;
  } else {
    Result<bool> mapped = map(size, mapping);
    if (!mapped) return mapped;
    // Copied first and judged then: whoever still holds the descriptor cannot change what was judged.
    for (std::size_t at = 0; at < size;) {
      long n = sys::call(SYS_pread64, fd, mapping.pages + at, size - at, at);
      if (n == -EINTR) continue;
      if (n < 0) return failed("pread", n);
      if (n == 0) return refuse("shorter than it was");
      at += static_cast<std::size_t>(n);
    }
  }
  const auto& image = *reinterpret_cast<const ImageHeader*>(mapping.pages);
  Result<bool> valid = verify(image, size);
  if (!valid) return valid;
  return finish(mapping, image, nullptr);
}

Result<bool> replace_policy(ReplacePolicyToken, std::string_view blob) {
  if (!sealed()) return Error{ErrorCode::unsupported, "no policy is sealed yet"};
  return build(settings(), blob, true);
}

bool sealed() noexcept {
  return frame() != nullptr;
}

const Settings& settings() noexcept {
  const Frame* f = frame();
  if (!f) return no_settings;
  return *reinterpret_cast<const Settings*>(reinterpret_cast<const char*>(f->image) + f->image->settings_offset);
}

const BlobView* policy() noexcept {
  const Frame* f = frame();
  return f ? reinterpret_cast<const BlobView*>(f->view) : nullptr;
}

std::string_view image_bytes() noexcept {
  const Frame* f = frame();
  return f ? std::string_view(reinterpret_cast<const char*>(f->image), f->image->size) : std::string_view();
}

}  // namespace ap
