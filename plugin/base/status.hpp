// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace promplug {

// The failures that promplug.h names, with the same numbers (abi/ asserts that).
enum class Code : int32_t {
  kOk = 0,
  kInvalid = -1,
  kNoMemory = -2,
  kVersion = -3,
  kTooNew = -4,
  kExists = -5,
  kNotFound = -6,
  kState = -7,
  kReentrant = -8,
  kBusy = -9,
  kTimeout = -10,
  kIo = -11,
  kConfig = -12,
  kLimit = -13,
  kForked = -14,
  kUnsupported = -15,
  kCancelled = -16,
  kInternal = -17,
};

// The outcome of an operation: OK, or a code with a text for a person. The text quotes the
// value that was not acceptable and never a credential.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string text) : code_(code), text_(std::move(text)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& text() const { return text_; }

 private:
  Code code_ = Code::kOk;
  std::string text_;
};

// A value, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : value_(std::move(status)) {}

  bool ok() const { return std::holds_alternative<T>(value_); }
  // REQUIRES: ok()
  T& value() & { return std::get<T>(value_); }
  const T& value() const& { return std::get<T>(value_); }
  T&& value() && { return std::get<T>(std::move(value_)); }
  // An OK status where ok().
  Status status() const { return ok() ? Status() : std::get<Status>(value_); }

 private:
  std::variant<T, Status> value_;
};

}  // namespace promplug
