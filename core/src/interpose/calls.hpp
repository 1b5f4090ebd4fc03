// SPDX-License-Identifier: Apache-2.0
//
// The calls of line 2. Each guarded operation is one handler with the shape of a system call: six words in, result or
// -errno out. A handler copies what its pointers show, decides, and issues the system call itself. The same handler
// serves the libc functions of that shape (the patched entries, through Entry<handler>) and syscall(2) by number, so
// that no spelling differs.
//
// Tables: file_calls, network_calls, ... each in the file of that name; install.cpp patches them, raw_syscall.cpp
// dispatches.
#pragma once
#include <errno.h>

#include <cstddef>
#include <cstdint>

namespace ap::interpose {

using Handler = long (*)(long, long, long, long, long, long);

// 1..8 as ap_need. kFileNames: calls that only ask (stat, readlink), where some read is not granted. kAlways: where
// anything is.
enum Need : std::uint8_t { kNetwork = 1, kFiles = 2, kProcesses = 4, kNative = 8, kFileNames = 16, kAlways = 32 };

// One libc function.
struct Call {
  const char* symbol;
  const void* replacement;    // what the patched entry jumps to
  std::uint8_t needs;         // installed when one of these is needed
  void** original = nullptr;  // receives the way to the unpatched function, for replacements that run it
};

// One system call as syscall(2) knows it.
struct Number {
  int number;
  Handler handler;
  std::uint8_t needs;
};

template <typename T>
struct Table {
  const T* begin_;
  std::size_t size_;
  const T* begin() const { return begin_; }
  const T* end() const { return begin_ + size_; }
};

template <typename T, std::size_t N>
constexpr Table<T> table(const T (&rows)[N]) {
  return {rows, N};
}

// libc's way to return: -errno becomes -1 and errno.
long finish(long result) noexcept;

// What a call gets that found no number for a descriptor of ours, where it may have needed none itself (exhausted.cpp).
long with_full_table(Handler handler, long result, const long (&arguments)[6]) noexcept;

template <Handler H>
long call(long a, long b, long c, long d, long e, long f) noexcept {
  const long result = H(a, b, c, d, e, f);
  if (__builtin_expect(result == -EMFILE || result == -ENFILE, 0))
    return with_full_table(H, result, {a, b, c, d, e, f});
  return result;
}

template <Handler H>
long entry(long a, long b, long c, long d, long e, long f) noexcept {
  return finish(call<H>(a, b, c, d, e, f));
}

// The entry of handler H as a table holds it.
template <Handler H>
const void* entry_of() noexcept {
  return reinterpret_cast<const void*>(&entry<H>);
}

// A hook of a shape of its own, and the place of its original, as a table holds them.
template <typename F>
const void* code(F* f) noexcept {
  return reinterpret_cast<const void*>(f);
}
template <typename F>
void** slot(F& f) noexcept {
  return reinterpret_cast<void**>(&f);
}

Table<Call> file_calls() noexcept;
Table<Number> file_numbers() noexcept;
Table<Call> metadata_calls() noexcept;
Table<Number> metadata_numbers() noexcept;
Table<Call> question_calls() noexcept;
Table<Number> question_numbers() noexcept;
Table<Call> network_calls() noexcept;
Table<Number> network_numbers() noexcept;
Table<Call> resolve_calls() noexcept;
Table<Call> exec_calls() noexcept;
Table<Number> exec_numbers() noexcept;
Table<Call> process_calls() noexcept;
Table<Number> process_numbers() noexcept;
Table<Call> native_calls() noexcept;
Table<Call> state_calls() noexcept;
Table<Number> state_numbers() noexcept;
Table<Call> memory_calls() noexcept;
Table<Number> memory_numbers() noexcept;
Table<Call> descriptor_calls() noexcept;
Table<Number> descriptor_numbers() noexcept;
Table<Call> raw_calls() noexcept;

}  // namespace ap::interpose
