// SPDX-License-Identifier: Apache-2.0
//
// Calls that change mappings. Two questions: is the range one of the guarded ones, and does the call make new
// executable memory for something else than the runtime's own JIT (native_code). What is refused here is EPERM, as any
// denial of line 2, but for mmap. Not covered: madvise through io_uring, writes from another process that the kernel
// lets trace this one.
#include "interpose/memory_guard.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/syscall.hpp"
#include "guard/held.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/program.hpp"
#include "interpose/user_memory.hpp"

namespace ap::interpose {
namespace {

constexpr std::size_t kRanges = 16;
AddressRange guarded[kRanges];
AddressRange jit[4];

std::uintptr_t word(long v) {
  return static_cast<std::uintptr_t>(v);
}

Operation executable_memory(std::string_view what) {
  return native(AP_EXEC_MEMORY, what);
}

long refuse(std::string_view what) {
  return refuse_native(AP_EXEC_MEMORY, what);
}

bool touches_guarded(long begin, long size) {
  return enforcing && memory_guard::covers(word(begin), word(size));
}

// A runtime that is a library may be loaded late: the JVM by its launcher, after us.
bool is_runtime_code(const void* caller) {
  LoadedObject object;
  if (!object_at(caller, object) || !memory_guard::is_runtime(object)) return false;
  memory_guard::allow_code_from(object.text);
  if (object.file() == "libjvm.so") remember_spawn_helper(object.name);
  return true;
}

long decide_executable(std::string_view what, const void* caller) {
  const auto from = reinterpret_cast<std::uintptr_t>(caller);
  for (const AddressRange& range : jit)
    if (range.contains(from)) return 0;
  if (caller && is_runtime_code(caller)) return 0;
  Operation op = executable_memory(what);
  return decide(op, what);
}

bool may_be_loaded(std::string_view path) {
  Operation op = native(AP_LOAD, path);
  Verdict verdict;
  return judge(op, verdict) != AP_DENY;
}

// libffi, as a library or as a part of the two extensions of Python that use it, loaded from where libraries may be.
bool is_libffi(const void* caller, LoadedObject& library) {
  if (caller == nullptr || !object_at(caller, library)) return false;
  FunctionSymbol found;
  for (const char* name : {"ffi_closure_alloc", "PyInit__ctypes", "PyInit__cffi_backend"})
    if (find_functions(library, name, &found, 1) != 0) return may_be_loaded(library.name);
  return false;
}

// What libffi maps so that C can call back (ctypes, cffi): a little memory of nobody's, which stays writable as it
// needs it; or, where it has trampolines in its own file, that file.
bool is_for_callbacks(long size, long protection, long flags, long fd, const void* caller) {
  constexpr long kMost = 1 << 20;
  LoadedObject library;
  if (size > kMost || (flags & MAP_TYPE) != MAP_PRIVATE || !is_libffi(caller, library)) return false;
  if (flags & MAP_ANONYMOUS) return !(flags & MAP_FIXED);
  struct stat mapped, own;
  const held::Lock lock(static_cast<int>(fd));
  return lock && !(protection & PROT_WRITE) && sys::call(SYS_fstat, static_cast<int>(fd), &mapped) == 0 &&
         sys::call(SYS_newfstatat, AT_FDCWD, library.name, &own, 0) == 0 && mapped.st_dev == own.st_dev &&
         mapped.st_ino == own.st_ino;
}

long map(long at, long size, long protection, long flags, long fd, long offset, const void* caller) {
  if ((flags & MAP_FIXED) && (flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE && touches_guarded(at, size))
    return refuse("mmap");
  // ENOMEM, the one error of mmap that libffi and others take for final: for EPERM they would try files in /tmp and
  // elsewhere.
  if ((protection & PROT_EXEC) && !is_for_callbacks(size, protection, flags, fd, caller) &&
      decide_executable("mmap", caller) < 0)
    return -ENOMEM;
  return sys::call(SYS_mmap, at, size, static_cast<int>(protection), static_cast<int>(flags), static_cast<int>(fd),
                   offset);
}

long change_protection(int number, long at, long size, long protection, long key, const void* caller) {
  forget_pages();
  if (touches_guarded(at, size)) return refuse("mprotect");
  if ((protection & PROT_EXEC) && decide_executable("mprotect", caller) < 0) return -EPERM;
  return sys::call(number, at, size, static_cast<int>(protection), static_cast<int>(key));
}

long do_munmap(long at, long size, long, long, long, long) {
  if (touches_guarded(at, size)) return refuse("munmap");
  forget_pages();
  return sys::call(SYS_munmap, at, size);
}

long do_mremap(long at, long old_size, long size, long flags, long to, long) {
  if (touches_guarded(at, old_size ? old_size : 1) || ((flags & MREMAP_FIXED) && touches_guarded(to, size)))
    return refuse("mremap");
  forget_pages();
  return sys::call(SYS_mremap, at, old_size, size, static_cast<int>(flags), to);
}

// Advice that neither drops nor changes what is mapped.
bool harmless(long advice) {
  switch (static_cast<int>(advice)) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case 20 /* COLD */:
    case 21 /* PAGEOUT */:
    case 22 /* POPULATE_READ */:
    case 25 /* COLLAPSE */:
      return true;
    default:
      return false;
  }
}

long do_madvise(long at, long size, long advice, long, long, long) {
  if (!harmless(advice) && touches_guarded(at, size)) return refuse("madvise");
  return sys::call(SYS_madvise, at, size, static_cast<int>(advice));
}

// libc's form: it returns the error, and hands on advice that it has no name for.
long hook_posix_madvise(long at, long size, long advice) {
  const int word = static_cast<int>(advice);
  return word == POSIX_MADV_DONTNEED ? 0 : -do_madvise(at, size, word, 0, 0, 0);
}

long do_process_madvise(long pidfd, long vector, long count, long advice, long flags, long) {
  if (enforcing && !harmless(advice)) return refuse("process_madvise");
  return sys::call(SYS_process_madvise, static_cast<int>(pidfd), vector, count, static_cast<int>(advice), flags);
}

long do_remap_file_pages(long at, long size, long protection, long offset, long flags, long) {
  if (touches_guarded(at, size)) return refuse("remap_file_pages");
  return sys::call(SYS_remap_file_pages, at, size, protection, offset, flags);
}

long do_shmat(long id, long at, long flags, long, long, long) {
  constexpr long kRemap = 040000, kExecutable = 0100000;
  if ((flags & kRemap) && enforcing) return refuse("shmat");  // its size is not known here
  if ((flags & kExecutable) && decide_executable("shmat", nullptr) < 0) return -EPERM;
  return sys::call(SYS_shmat, static_cast<int>(id), at, static_cast<int>(flags));
}

// Writing into a process, this one or another, and making every readable page executable.
long do_process_vm_writev(long pid, long local, long local_count, long remote, long remote_count, long flags) {
  Operation op = executable_memory("process_vm_writev");
  if (const long refused = decide(op, view(op.text))) return refused;
  return sys::call(SYS_process_vm_writev, static_cast<int>(pid), local, local_count, remote, remote_count, flags);
}

long do_personality(long persona, long, long, long, long, long) {
  constexpr unsigned long kReadImpliesExec = 0x0400000;
  const auto wanted = static_cast<unsigned>(persona);
  if (wanted != 0xffffffffu && (wanted & kReadImpliesExec)) {
    Operation op = executable_memory("personality");
    if (const long refused = decide(op, view(op.text))) return refused;
  }
  return sys::call(SYS_personality, persona);
}

long do_ptrace(long request, long pid, long address, long data, long, long) {
  Operation op = executable_memory("ptrace");
  if (const long refused = decide(op, view(op.text))) return refused;
  return sys::call(SYS_ptrace, request, pid, address, data);
}

// libc's ptrace returns what the PEEK requests read.
long hook_ptrace(long request, long pid, long address, long data) {
  long read = 0;
  const bool peeks = request > 0 && request < 4;
  const long result = do_ptrace(request, pid, address, peeks ? reinterpret_cast<long>(&read) : data, 0, 0);
  if (result < 0) return finish(result);
  if (!peeks) return result;
  errno = 0;
  return read;
}

void* hook_mmap(long at, long size, long protection, long flags, long fd, long offset) {
  return reinterpret_cast<void*>(finish(map(at, size, protection, flags, fd, offset, __builtin_return_address(0))));
}
long hook_mprotect(long at, long size, long protection) {
  return finish(change_protection(SYS_mprotect, at, size, protection, 0, __builtin_return_address(0)));
}
long hook_pkey_mprotect(long at, long size, long protection, long key) {
  return finish(static_cast<int>(key) == -1
                    ? change_protection(SYS_mprotect, at, size, protection, 0, __builtin_return_address(0))
                    : change_protection(SYS_pkey_mprotect, at, size, protection, key, __builtin_return_address(0)));
}

// Through syscall(2) the caller is not looked at: no runtime maps its code that way.
long do_mmap(long at, long size, long protection, long flags, long fd, long offset) {
  return map(at, size, protection, flags, fd, offset, nullptr);
}
long do_mprotect(long at, long size, long protection, long, long, long) {
  return change_protection(SYS_mprotect, at, size, protection, 0, nullptr);
}
long do_pkey_mprotect(long at, long size, long protection, long key, long, long) {
  return change_protection(SYS_pkey_mprotect, at, size, protection, key, nullptr);
}

}  // namespace

namespace memory_guard {

void protect(AddressRange range) noexcept {
  constexpr std::uintptr_t kPage = 4096;
  range.begin &= ~(kPage - 1);
  range.end = (range.end + kPage - 1) & ~(kPage - 1);
  for (AddressRange& slot : guarded) {
    if (slot.begin == range.begin && slot.end == range.end) return;
    if (slot.end) continue;
    slot = range;
    return;
  }
}

bool covers(std::uintptr_t begin, std::uintptr_t size) noexcept {
  const std::uintptr_t end = begin + size < begin ? ~std::uintptr_t{0} : begin + size;
  for (const AddressRange& range : guarded)
    if (range.end && range.overlaps(begin, end)) return true;
  return false;
}

bool is_runtime(const LoadedObject& object) noexcept {
  // By what only the runtime itself exports: Node (as a program or a library), the JVM, Ruby, .NET.
  for (const char* mark : {"napi_module_register", "JNI_CreateJavaVM", "ruby_run_node", "coreclr_initialize"}) {
    FunctionSymbol found;
    if (find_functions(object, mark, &found, 1)) return true;
  }
  return false;
}

void allow_code_from(AddressRange range) noexcept {
  for (AddressRange& slot : jit) {
    if (slot.end) continue;
    slot = range;
    return;
  }
}

}  // namespace memory_guard

Table<Call> memory_calls() noexcept {
  static const Call rows[] = {
      {"mmap", code(hook_mmap), kAlways},
      {"mmap64", code(hook_mmap), kAlways},
      {"mprotect", code(hook_mprotect), kAlways},
      {"pkey_mprotect", code(hook_pkey_mprotect), kAlways},
      {"munmap", entry_of<do_munmap>(), kAlways},
      {"mremap", entry_of<do_mremap>(), kAlways},
      {"madvise", entry_of<do_madvise>(), kAlways},
      {"posix_madvise", code(hook_posix_madvise), kAlways},
      {"remap_file_pages", entry_of<do_remap_file_pages>(), kAlways},
      {"process_madvise", entry_of<do_process_madvise>(), kAlways},
      {"shmat", entry_of<do_shmat>(), kAlways},
      {"process_vm_writev", entry_of<do_process_vm_writev>(), kNative},
      {"personality", entry_of<do_personality>(), kNative},
      {"ptrace", code(hook_ptrace), kNative},
  };
  return table(rows);
}

Table<Number> memory_numbers() noexcept {
  static const Number rows[] = {
      {SYS_mmap, do_mmap, kAlways},
      {SYS_mprotect, do_mprotect, kAlways},
      {SYS_pkey_mprotect, do_pkey_mprotect, kAlways},
      {SYS_munmap, do_munmap, kAlways},
      {SYS_mremap, do_mremap, kAlways},
      {SYS_madvise, do_madvise, kAlways},
      {SYS_process_madvise, do_process_madvise, kAlways},
      {SYS_remap_file_pages, do_remap_file_pages, kAlways},
      {SYS_shmat, do_shmat, kAlways},
      {SYS_process_vm_writev, do_process_vm_writev, kNative},
      {SYS_personality, do_personality, kNative},
      {SYS_ptrace, do_ptrace, kNative},
  };
  return table(rows);
}

}  // namespace ap::interpose
