// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or an Error. What every function of the core that can fail returns; no exception leaves the core.
//
//   Result<Policy> p = parse(text);
//   if (!p) return p.error().with("app_protect.json");
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ap {

// Numbered once, never reused.
enum class ErrorCode : int {
  invalid_policy = 1,     // the policy text is not valid; the message lists the places
  policy_missing = 2,     // a policy was named and is not there
  policy_unreadable = 3,  // not a regular file, no permission, too large
  invalid_config = 4,     // a variable or a file key has a bad value
  blob_invalid = 5,       // magic, version, size or hash of a sealed policy is wrong
  system = 6,             // a system call failed; the message names it and errno
  limit = 7,              // a fixed bound was exceeded
  unsupported = 8,        // this platform, runtime or version is not supported
};

struct Error {
  ErrorCode code;
  std::string message;  // lower case, one line, user input in backticks

  // Adds context on the way up: `context: message`.
  [[nodiscard]] Error with(std::string_view context) const { return {code, std::string(context) + ": " + message}; }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<T> value_;
  std::optional<Error> error_;
};

}  // namespace ap
