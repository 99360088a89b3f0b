// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace promplug::bench {

enum class Work { kCounters, kHistograms, kGauges };
// The name in benchmarks and on command lines. Fails on another one.
const char* NameOf(Work work);
Work WorkOf(const std::string& name);
size_t SeriesOf(Work work, size_t lines);

// One family of `lines` lines (fewer by a part of a histogram), ready to be scraped.
class Exposition {
 public:
  virtual ~Exposition() = default;
  // One scrape into a sink that drops what it gets; how many bytes that were.
  virtual size_t Scrape(bool gzip) = 0;
  virtual std::string Text() = 0;

  // Of the series in the middle, for counters only: by a handle that was kept, and by its labels.
  // Thread-safe, also beside a scrape.
  virtual void Increment() = 0;
  virtual void LookUpAndIncrement() = 0;
};

// Of "promplug" or "prometheus_cpp"; fails on another one. prometheus-cpp compresses as its Exposer
// does: the whole text in memory, zlib at its default level.
std::unique_ptr<Exposition> NewExposition(const std::string& who, Work work, size_t lines);
std::unique_ptr<Exposition> NewPluginExposition(Work work, size_t lines);
std::unique_ptr<Exposition> NewPeerExposition(Work work, size_t lines);

// Lines that are not comments.
size_t CountLines(const std::string& text);

inline constexpr const char* kFamilyName = "http_requests_total";
inline constexpr const char* kHelp = "What is counted here.";
// Of each histogram.
inline constexpr size_t kObservations = 20;

}  // namespace promplug::bench
