// SPDX-License-Identifier: MIT
#include "base/log.hpp"

#include <unistd.h>

#include <algorithm>

namespace promplug {
namespace {

constexpr size_t kMaxLineBytes = 2048;

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

}  // namespace

Log::Log(Sink sink, LogLevel lowest) : sink_(std::move(sink)), lowest_(lowest) {}

void Log::Write(LogLevel level, std::string_view text) const {
  if (level < lowest_.load(std::memory_order_relaxed) || !sink_) return;
  std::string line(text.substr(0, kMaxLineBytes));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  sink_(level, line);
}

Log::Sink Log::StderrSink() {
  return [](LogLevel level, std::string_view text) {
    std::string line = "promplug: ";
    line.append(LevelName(level)).append(" ").append(text).append("\n");
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  };
}

}  // namespace promplug
