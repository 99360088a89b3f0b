// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace promplug {

// Hands lines to a sink in large pieces. Lines that follow each other in the input and are to come
// out as they stand are handed over in one go. Used by one thread.
//
// All functions return false if the sink gave up; nothing is to be written then.
class LineOutput {
 public:
  using Sink = std::function<bool(std::string_view)>;

  explicit LineOutput(Sink sink);

  // Copies `text`.
  bool Write(std::string_view text) { return Settle() && Append(text); }
  // `text` is not copied yet: it must stay until Settle() or Flush().
  bool Keep(std::string_view text) {
    if (kept_.data() + kept_.size() != text.data()) {
      if (!Settle()) return false;
      kept_ = text;
      return true;
    }
    kept_ = {kept_.data(), kept_.size() + text.size()};
    return true;
  }
  // Refers to no text afterwards.
  bool Settle();
  // The sink has everything afterwards.
  bool Flush();

 private:
  bool Append(std::string_view text);
  bool Empty();

  const Sink sink_;
  std::vector<char> buffer_;
  size_t buffered_ = 0;
  std::string_view kept_;  // comes behind what is in the buffer
};

}  // namespace promplug
