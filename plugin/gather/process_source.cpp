// SPDX-License-Identifier: MIT
#include "gather/process_source.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>

namespace promplug {
namespace {

// Takes the next word of `text`; empty at the end.
std::string_view TakeWord(std::string_view* text) {
  const size_t begin = text->find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  const size_t end = std::min(text->find_first_of(" \t\n", begin), text->size());
  const std::string_view word = text->substr(begin, end - begin);
  text->remove_prefix(end);
  return word;
}

std::optional<uint64_t> ToNumber(std::string_view word) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

// What follows `key` at the begin of a line.
std::optional<std::string_view> FindLine(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (text.starts_with(key)) return text.substr(key.size(), end - key.size());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

// The file as far as it can be read.
std::string ReadFile(const char* path) {
  std::string text;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  std::array<char, 4096> buffer;
  ssize_t n = 0;
  while ((n = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  ::close(fd);
  return text;
}

// Of this process; 0: not known.
uint64_t CountOpenFiles() {
  constexpr const char* kPath = "/proc/self/fd";
  struct stat info = {};
  // Since Linux 6.2 the size says it.
  if (::stat(kPath, &info) == 0 && info.st_size > 0) return static_cast<uint64_t>(info.st_size);
  DIR* const directory = ::opendir(kPath);
  if (directory == nullptr) return 0;
  uint64_t n = 0;
  // This DIR is no other thread's.
  while (const dirent* entry = ::readdir(directory)) {  // NOLINT(concurrency-mt-unsafe)
    if (entry->d_name[0] != '.') ++n;
  }
  ::closedir(directory);
  return n - 1;  // without the directory itself
}

// Writes families of one point.
class SingleWriter {
 public:
  explicit SingleWriter(CollectorWriter& writer) : writer_(writer) {}

  void Say(MetricType type, std::string_view name, std::string_view help, const Point& point) {
    if (!status_.ok()) return;
    status_ = writer_.BeginFamily({type, name, help, {}});
    if (status_.ok()) status_ = writer_.Add(nullptr, 0, point);
    ++said_;
  }
  void Gauge(std::string_view name, std::string_view help, std::optional<uint64_t> value) {
    if (!value) return;
    Point point;
    point.is_integer = true;
    point.integer = *value;
    Say(MetricType::kGauge, name, help, point);
  }
  void Seconds(MetricType type, std::string_view name, std::string_view help,
               std::optional<double> value) {
    if (!value) return;
    Point point;
    point.value = *value;
    Say(type, name, help, point);
  }
  Status status() const {
    if (said_ == 0) return Status(Code::kIo, "/proc/self cannot be read");
    return status_;
  }

 private:
  CollectorWriter& writer_;
  Status status_;
  size_t said_ = 0;
};

}  // namespace

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  // The second field is the program's name in parentheses, which may hold anything.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  constexpr size_t kUserTicks = 14, kSystemTicks = 15, kThreads = 20, kStartTicks = 22,
                   kVirtualBytes = 23, kResidentPages = 24;
  std::array<uint64_t, kResidentPages + 1> fields{};
  for (size_t i = 3; i <= kResidentPages; ++i) {
    const std::string_view word = TakeWord(&text);
    const std::optional<uint64_t> number = ToNumber(word);
    const bool needed = i == kUserTicks || i == kSystemTicks || i == kThreads || i >= kStartTicks;
    if (needed && !number) return std::nullopt;
    fields[i] = number.value_or(0);
  }
  return ProcessStat{fields[kUserTicks] + fields[kSystemTicks], fields[kThreads],
                     fields[kStartTicks], fields[kVirtualBytes], fields[kResidentPages]};
}

std::optional<uint64_t> ParseSoftLimit(std::string_view text, std::string_view name) {
  std::optional<std::string_view> line = FindLine(text, name);
  if (!line) return std::nullopt;
  const std::string_view word = TakeWord(&*line);
  if (word == "unlimited") return UINT64_MAX;
  return ToNumber(word);
}

std::optional<uint64_t> ParseBootTime(std::string_view text) {
  std::optional<std::string_view> line = FindLine(text, "btime ");
  if (!line) return std::nullopt;
  return ToNumber(TakeWord(&*line));
}

std::optional<double> ProcessSource::StartSeconds(const ProcessStat& stat,
                                                  double ticks_per_second) {
  if (!start_seconds_ || start_ticks_ != stat.start_ticks) {
    const std::optional<uint64_t> boot = ParseBootTime(ReadFile("/proc/stat"));
    if (!boot) return std::nullopt;
    start_ticks_ = stat.start_ticks;
    start_seconds_ =
        static_cast<double>(*boot) + static_cast<double>(stat.start_ticks) / ticks_per_second;
  }
  return start_seconds_;
}

Status ProcessSource::Collect(CollectorWriter& writer) {
  SingleWriter out(writer);
  const std::optional<ProcessStat> stat = ParseProcessStat(ReadFile("/proc/self/stat"));
  if (stat) {
    const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    out.Seconds(MetricType::kCounter, "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                static_cast<double>(stat->cpu_ticks) / ticks_per_second);
    out.Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat->virtual_bytes);
    out.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
              stat->resident_pages * page_bytes);
    out.Gauge("process_threads", "Number of OS threads in the process.", stat->threads);
    out.Seconds(MetricType::kGauge, "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                StartSeconds(*stat, ticks_per_second));
  }
  const std::string limits = ReadFile("/proc/self/limits");
  out.Gauge("process_max_fds", "Maximum number of open file descriptors.",
            ParseSoftLimit(limits, "Max open files"));
  out.Gauge("process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
            ParseSoftLimit(limits, "Max address space"));
  const uint64_t open_files = CountOpenFiles();
  if (open_files != 0) {
    out.Gauge("process_open_fds", "Number of open file descriptors.", open_files);
  }
  return out.status();
}

}  // namespace promplug
