// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "metrics/cpu_section.hpp"
#include "metrics/cpu_slot.hpp"
#include "metrics/point.hpp"
#include "metrics/stripes.hpp"

namespace promplug {

class Family;

// One labelled series of an instrument family: header, cell and rendered labels in one block of the
// family's arena, so that a walk reads memory in order.
//
// The cell is a few words, by type:
//   kCounter    whole part (integer), fraction (bits of a double)
//   kGauge      bits of a double; then, where the newest of several processes counts, when it was
//               set (nanoseconds since 1970)
//   kHistogram  sum (bits of a double), then one count for each bucket, +Inf last; where the family
//               has native buckets, a pointer to NativeBuckets. In stripes: for each bucket, the
//               sum and the count of what fell into it
//   kSummary    pointers to the Sketch and to its pages
//   kStateset   bit i: state i is on; then as for a gauge
//   kInfo       nothing
//
// `route_` says in one word where an update goes: 0, to the own cell; a route of Stripes, there;
// with kRemoved set, the series is not exposed and the next update brings it back; with kIdle, no
// update has come since a sweep set it, and the next one takes it away. So the hot path tests one
// word, and removal and expiry need nothing of it. The own cell always counts, and is changed by
// atomic operations only: there goes what cannot be added to exclusive stripes at the moment.
//
// The updates below are [hot] in the sense of promplug.h. An update that does not fit the type,
// NaN, and a negative addition to a counter are ignored and counted.
class Series {
 public:
  void CounterAdd(double v);
  void CounterInc() {
    if (type_ != MetricType::kCounter) [[unlikely]]
      return Ignore();
    const uintptr_t route = route_.load(std::memory_order_acquire);
    if (route == 0) [[likely]]
      return AddOne(cell());
    if (!AddSpread<0>(route, uint64_t{1})) AddOneAnywhere();
  }
  void GaugeSet(double v) {
    if (type_ != MetricType::kGauge) [[unlikely]]
      return SetStamped(v);
    if (route_.load(std::memory_order_acquire) != 0) [[unlikely]]
      return SetAnywhere(v);
    cell()->store(std::bit_cast<uint64_t>(v), std::memory_order_relaxed);
  }
  void GaugeAdd(double v) {
    if (type_ != MetricType::kGauge) [[unlikely]]
      return AddStamped(v);
    AddDouble(ActiveCell(), v);
  }
  // On a summary this takes a short lock.
  void Observe(double v);
  void StateSet(uint32_t state, bool on);

  MetricType type() const {
    return static_cast<MetricType>(static_cast<uint8_t>(type_) & ~kVariant);
  }
  bool IsSummary() const { return type_ == MetricType::kSummary; }
  Family* family() const { return family_; }
  std::string_view labels() const { return {label_text(), label_bytes_}; }
  int64_t created_ms() const { return created_ms_.load(std::memory_order_relaxed); }

 private:
  friend class Family;
  friend class FamilyReader;
  friend class SegmentSeries;
  friend class SeriesArena;
  friend class SeriesTable;

  static constexpr uintptr_t kRemoved = 1;  // not exposed; an update revives it
  static constexpr uintptr_t kDead = 2;     // being taken out of the table; only with kRemoved
  static constexpr uintptr_t kIdle = 4;
  static constexpr uintptr_t kMarks = kRemoved | kDead | kIdle;
  static constexpr uint8_t kHasHostCells = 1;  // the family knows cells that count here, too
  static constexpr uint8_t kEscaped = 2;       // the labels hold escapes
  static constexpr uint8_t kDiscard = 4;       // the family's sink: never exposed, never freed
  static constexpr uint8_t kHasExemplars = 8;  // the family keeps some of it
  static constexpr uint8_t kAge = 0xC0;        // so many further sweeps found it idle
  static constexpr uint8_t kOneSweep = 0x40;
  // What type_ is beyond the type for a gauge with a stamp and for a histogram with native buckets,
  // so that others pay nothing for it.
  static constexpr uint8_t kVariant = 0x80;
  static constexpr auto kStampedGauge =
      static_cast<MetricType>(kVariant | static_cast<uint8_t>(MetricType::kGauge));
  static constexpr auto kNativeHistogram =
      static_cast<MetricType>(kVariant | static_cast<uint8_t>(MetricType::kHistogram));
  // A cell reports itself about once in 2^kHotShift additions.
  static constexpr int kHotShift = 14;

  Series(Family* family, MetricType type, uint32_t entry_bytes)
      : family_(family), entry_bytes_(entry_bytes), type_(type) {}

  Word* cell() { return reinterpret_cast<Word*>(this + 1); }
  const Word* cell() const { return reinterpret_cast<const Word*>(this + 1); }
  const char* label_text() const;

  // Where an atomic operation may go, whatever the route is.
  Word* ActiveCell() {
    const uintptr_t route = route_.load(std::memory_order_acquire);
    if (route == 0) [[likely]]
      return cell();
    return RoutedCell(route);
  }
  Word* RoutedCell(uintptr_t route) {
    if ((route & (kRemoved | kIdle)) != 0) [[unlikely]]
      return Wake();
    return SpreadCell(route);
  }
  Word* SpreadCell(uintptr_t route) {
    return Stripes::IsExclusive(route) ? cell() : Stripes::CellFor(route, CpuSlot());
  }
  // The update counts as a use, and brings the series back where it was removed.
  Word* Wake();
  // False, and nothing was added: an atomic addition has to be made, to ActiveCell().
  template <size_t kWord, typename Number>
  [[gnu::always_inline]] bool AddSpread(uintptr_t route, Number n) {
    return Stripes::IsOpenExclusive(route) && CpuSection::Add<kWord>(route_, route, n);
  }
  void AddOneAnywhere();
  void SetAnywhere(double v);
  void AddOne(Word* word) {
    constexpr uint64_t kMask = (uint64_t{1} << kHotShift) - 1;
    const uint64_t before = word->fetch_add(1, std::memory_order_relaxed);
    if ((before & kMask) == kMask) [[unlikely]]
      ReportHot();
  }
  void AddMany(Word* word, uint64_t n) {
    ReportSometimes(word->fetch_add(n, std::memory_order_relaxed) + n);
  }
  void AddFraction(Word* word, double v) { ReportSometimes(AddDouble(word, v)); }
  // The bits behind it.
  static uint64_t AddDouble(Word* word, double v) {
    uint64_t before = word->load(std::memory_order_relaxed);
    uint64_t after = 0;
    do {
      after = std::bit_cast<uint64_t>(std::bit_cast<double>(before) + v);
    } while (!word->compare_exchange_weak(before, after, std::memory_order_relaxed));
    return after;
  }
  // The word says nothing about the number of additions here; its hash is as good as a dice.
  void ReportSometimes(uint64_t word) {
    if ((word * 0x9E3779B97F4A7C15u) >> (64 - kHotShift) == 0) [[unlikely]]
      ReportHot();
  }
  void ReportHot();
  void Ignore();
  // REQUIRES: a histogram
  void ObserveClassic(double v);
  void ObserveOther(double v);
  void ObserveAnywhere(size_t bucket, double v);
  void SetStamped(double v);
  void AddStamped(double v);
  void Stamp(Word* cell);

  std::atomic<uintptr_t> route_{0};
  Family* family_;
  std::atomic<int64_t> created_ms_{0};
  std::atomic<int32_t> pins_{0};
  uint32_t hash_ = 0;
  uint32_t entry_bytes_;
  uint16_t label_bytes_ = 0;
  MetricType type_;
  std::atomic<uint8_t> flags_{0};
};

static_assert(sizeof(Series) == 40, "the header is paid for by every series");

}  // namespace promplug
