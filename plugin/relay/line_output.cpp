// SPDX-License-Identifier: MIT
#include "relay/line_output.hpp"

#include <cstring>
#include <utility>

namespace promplug {
namespace {

constexpr size_t kBufferBytes = size_t{16} * 1024;
constexpr size_t kLargeBytes = size_t{4} * 1024;  // not worth copying

}  // namespace

LineOutput::LineOutput(Sink sink) : sink_(std::move(sink)), buffer_(kBufferBytes) {}

bool LineOutput::Settle() { return kept_.empty() || Append(std::exchange(kept_, {})); }

bool LineOutput::Flush() { return Settle() && Empty(); }

bool LineOutput::Empty() {
  const std::string_view text(buffer_.data(), std::exchange(buffered_, 0));
  return text.empty() || sink_(text);
}

bool LineOutput::Append(std::string_view text) {
  const bool large = text.size() >= kLargeBytes;
  if ((large || text.size() > buffer_.size() - buffered_) && !Empty()) return false;
  if (large) return sink_(text);
  std::memcpy(buffer_.data() + buffered_, text.data(), text.size());
  buffered_ += text.size();
  return true;
}

}  // namespace promplug
