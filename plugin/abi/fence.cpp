// SPDX-License-Identifier: MIT
#include "abi/fence.hpp"

#include <string_view>

namespace promplug::abi {

static_assert(static_cast<int32_t>(Code::kInvalid) == PROMPLUG_E_INVAL);
static_assert(static_cast<int32_t>(Code::kNoMemory) == PROMPLUG_E_NOMEM);
static_assert(static_cast<int32_t>(Code::kVersion) == PROMPLUG_E_VERSION);
static_assert(static_cast<int32_t>(Code::kTooNew) == PROMPLUG_E_TOO_NEW);
static_assert(static_cast<int32_t>(Code::kExists) == PROMPLUG_E_EXISTS);
static_assert(static_cast<int32_t>(Code::kNotFound) == PROMPLUG_E_NOT_FOUND);
static_assert(static_cast<int32_t>(Code::kState) == PROMPLUG_E_STATE);
static_assert(static_cast<int32_t>(Code::kReentrant) == PROMPLUG_E_REENTRANT);
static_assert(static_cast<int32_t>(Code::kBusy) == PROMPLUG_E_BUSY);
static_assert(static_cast<int32_t>(Code::kTimeout) == PROMPLUG_E_TIMEOUT);
static_assert(static_cast<int32_t>(Code::kIo) == PROMPLUG_E_IO);
static_assert(static_cast<int32_t>(Code::kConfig) == PROMPLUG_E_CONFIG);
static_assert(static_cast<int32_t>(Code::kLimit) == PROMPLUG_E_LIMIT);
static_assert(static_cast<int32_t>(Code::kForked) == PROMPLUG_E_FORKED);
static_assert(static_cast<int32_t>(Code::kUnsupported) == PROMPLUG_E_UNSUPPORTED);
static_assert(static_cast<int32_t>(Code::kCancelled) == PROMPLUG_E_CANCELLED);
static_assert(static_cast<int32_t>(Code::kInternal) == PROMPLUG_E_INTERNAL);

namespace {

// For failures that come without a text.
std::string_view DefaultText(Code code) {
  switch (code) {
    case Code::kOk:
      return {};
    case Code::kNoMemory:
      return "out of memory";
    case Code::kInternal:
      return "unexpected exception in the plugin";
    case Code::kForked:
      return "this process was forked; fork_child() was not called";
    case Code::kReentrant:
      return "called from inside a callback";
    default:
      return "failed";
  }
}

}  // namespace

int32_t Answer(const Status& status, promplug_error* err) {
  const auto code = static_cast<int32_t>(status.code());
  if (err == nullptr) return code;
  const std::string_view text = status.text().empty() ? DefaultText(status.code()) : status.text();
  const size_t length = text.copy(err->text, sizeof err->text - 1);
  err->code = code;
  err->text_len = static_cast<uint32_t>(length);
  err->text[length] = '\0';
  return code;
}

}  // namespace promplug::abi
