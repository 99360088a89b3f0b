// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.hpp"
#include "gather/collector_writer.hpp"

namespace promplug {

// Parsers of proc(5) files; what cannot be found in the text is std::nullopt.

// Of /proc/PID/stat.
struct ProcessStat {
  uint64_t cpu_ticks = 0;  // user and system
  uint64_t threads = 0;
  uint64_t start_ticks = 0;  // since boot
  uint64_t virtual_bytes = 0;
  uint64_t resident_pages = 0;
};
std::optional<ProcessStat> ParseProcessStat(std::string_view text);

// The soft limit in the line of /proc/PID/limits that begins with `name`; "unlimited" is
// UINT64_MAX.
std::optional<uint64_t> ParseSoftLimit(std::string_view text, std::string_view name);

// The line btime of /proc/stat: when the machine was booted, in seconds since 1970.
std::optional<uint64_t> ParseBootTime(std::string_view text);

// Says the process_* families that the Prometheus guidelines for client libraries list, of the
// process it runs in. process_heap_bytes is not among them: no allocator tells it for little.
// One thread at a time.
class ProcessSource {
 public:
  // Reads /proc; what cannot be read is left out. kIo: nothing of it can be read; or what the
  // writer answers.
  Status Collect(CollectorWriter& writer);

 private:
  std::optional<double> StartSeconds(const ProcessStat& stat, double ticks_per_second);

  // Of the process that started at start_ticks_: it stays the same, and /proc/stat is long.
  uint64_t start_ticks_ = 0;
  std::optional<double> start_seconds_;
};

}  // namespace promplug
