// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "../promplug.h"

namespace promplug::host {

// Why a call failed: a PROMPLUG_E_* code and a text for people, without credentials.
class Error : public std::runtime_error {
 public:
  Error(int32_t code, const std::string& text) : std::runtime_error(text), code_(code) {}
  int32_t code() const noexcept { return code_; }

 private:
  int32_t code_;
};

// What a call gives that can fail. The caller chooses the style, call by call:
//   value:      if (auto r = plugin.Reload(); !r) log(r.error().what());
//   exception:  plugin.Reload().OrThrow();
//   neither:    Plugin plugin = Plugin::Load(path).ValueOr(Plugin());
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return held_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // REQUIRES: ok().
  T& operator*() & noexcept { return *std::get_if<0>(&held_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&held_); }
  T* operator->() noexcept { return std::get_if<0>(&held_); }
  const T* operator->() const noexcept { return std::get_if<0>(&held_); }
  // REQUIRES: !ok().
  const Error& error() const noexcept { return *std::get_if<1>(&held_); }

  T OrThrow() && {
    if (!ok()) throw error();
    return std::move(**this);
  }
  T ValueOr(T other) && { return ok() ? std::move(**this) : std::move(other); }

 private:
  std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return ok(); }
  // REQUIRES: !ok().
  const Error& error() const noexcept { return *error_; }
  // The code of the failure, or PROMPLUG_OK.
  int32_t code() const noexcept { return error_ ? error_->code() : PROMPLUG_OK; }

  void OrThrow() const {
    if (error_) throw *error_;
  }

 private:
  std::optional<Error> error_;
};

namespace detail {

inline Error MakeError(int32_t code, const promplug_error& error, const char* call) {
  std::string text(error.text, error.code == code ? error.text_len : 0);
  if (text.empty()) text = std::string(call) + " failed with code " + std::to_string(code);
  return Error(code, text);
}

inline Result<void> ToResult(int32_t code, const promplug_error& error, const char* call) {
  if (code >= 0) return {};
  return MakeError(code, error, call);
}

}  // namespace detail
}  // namespace promplug::host
