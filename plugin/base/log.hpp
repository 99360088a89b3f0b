// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace promplug {

enum class LogLevel : int32_t { kDebug = 10, kInfo = 20, kWarn = 30, kError = 40 };

// Where log lines go. Thread-safe as far as the sink is. Lines are one line: control characters
// of the text are replaced by spaces before the sink sees them, and a line is cut at 2 KiB.
class Log {
 public:
  using Sink = std::function<void(LogLevel, std::string_view)>;

  // Lines below `lowest` are dropped. The sink must not throw.
  explicit Log(Sink sink, LogLevel lowest = LogLevel::kInfo);

  // Holds from the next line on. Thread-safe.
  void SetLowest(LogLevel lowest) { lowest_.store(lowest, std::memory_order_relaxed); }

  void Debug(std::string_view text) const { Write(LogLevel::kDebug, text); }
  void Info(std::string_view text) const { Write(LogLevel::kInfo, text); }
  void Warn(std::string_view text) const { Write(LogLevel::kWarn, text); }
  void Error(std::string_view text) const { Write(LogLevel::kError, text); }
  void Write(LogLevel level, std::string_view text) const;

  // Writes "promplug: LEVEL text\n" to stderr with one write(2).
  static Sink StderrSink();

 private:
  Sink sink_;
  std::atomic<LogLevel> lowest_;
};

}  // namespace promplug
