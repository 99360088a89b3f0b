// SPDX-License-Identifier: MIT
// However updates are spread over processes, and in whatever order those die, are folded and are
// merged: the sum of all is what one process with all updates says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "metrics/native_scale.hpp"
#include "metrics/sketch_scale.hpp"
#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/set_merge.hpp"
#include "support/part_text.hpp"
#include "support/part_values.hpp"

namespace promplug {
namespace {

using testing::PartFamily;
using testing::PartNative;
using testing::PartValue;
using testing::PartValues;
using testing::SeriesOf;

constexpr size_t kCounter = 0, kClassic = 1, kNative = 2, kSummary = 3, kFamilies = 4;
constexpr uint32_t kNativeLimit = 25;

struct Update {
  size_t family = 0;
  std::string labels;
  double value = 0;
  int64_t at_ms = 0;
};

// What a process has counted.
class Process {
 public:
  // Its native buckets have this level.
  explicit Process(uint32_t level = 0) : level_(level) {}

  void Count(const Update& update) {
    PartValue& value = series_[update.family][update.labels];
    value.labels = update.labels;
    Point& point = value.fields.point;
    if (point.created_ms == 0 || update.at_ms < point.created_ms) point.created_ms = update.at_ms;
    if (update.family == kCounter) {
      point.is_integer = true;
      point.integer += static_cast<uint64_t>(std::fabs(update.value));
      return KeepExemplar(update, 1, 0, &value);
    }
    point.sum += std::floor(update.value);
    if (update.family == kSummary) {
      ++point.integer;
      value.quantiles = {0.01, 0.5, 0.99};
      return CountWindow(update.value, &value.window);
    }
    if (update.family == kClassic) value.bounds = {-1, 0.5, 20};
    value.counts.resize(value.bounds.size() + 1);
    const auto bucket = std::lower_bound(value.bounds.begin(), value.bounds.end(), update.value);
    const auto place = static_cast<size_t>(bucket - value.bounds.begin());
    ++value.counts[place];
    KeepExemplar(update, value.counts.size(), place, &value);
    if (update.family == kNative) CountNative(update.value, &value);
  }

  void DropWindows() {
    for (auto& [labels, value] : series_[kSummary]) value.window.clear();
  }

  // In an order of its own.
  std::vector<PartFamily> Families(std::mt19937_64* random) const {
    constexpr MetricType kTypes[] = {MetricType::kCounter, MetricType::kHistogram,
                                     MetricType::kHistogram, MetricType::kSummary};
    std::vector<PartFamily> families;
    for (size_t i = 0; i < kFamilies; ++i) {
      PartFamily family{"f" + std::to_string(i), kTypes[i]};
      if (i == kNative) family.native_max_buckets = kNativeLimit;
      for (const auto& [labels, value] : series_[i]) family.points.push_back(value);
      std::shuffle(family.points.begin(), family.points.end(), *random);
      families.push_back(std::move(family));
    }
    std::shuffle(families.begin(), families.end(), *random);
    return families;
  }

 private:
  static void KeepExemplar(const Update& update, size_t places, size_t place, PartValue* value) {
    value->exemplars.resize(places);
    testing::PartExemplar& kept = value->exemplars[place];
    if (kept.labels.empty() || kept.unix_ms < update.at_ms) {
      kept = {"{at=\"" + std::to_string(update.at_ms) + "\"}", update.value, update.at_ms};
    }
  }
  static void CountWindow(double observed, std::vector<SketchBucket>* window) {
    const int64_t bucket = SketchBucketOf(observed);
    auto at = window->begin();
    while (at != window->end() && at->bucket < bucket) ++at;
    if (at == window->end() || at->bucket != bucket) at = window->insert(at, {bucket, 0});
    ++at->count;
  }
  void CountNative(double observed, PartValue* value) const {
    if (!value->native) value->native = PartNative{SchemaOfLevel(level_), 0.001, 0};
    if (std::fabs(observed) <= value->native->zero_threshold) {
      ++value->native->zero_count;
    } else {
      auto& side = observed < 0 ? value->native->negative : value->native->positive;
      ++side[CoarserIndex(FinestIndex(std::fabs(observed)), level_)];
    }
  }

  uint32_t level_;
  std::map<std::string, PartValue> series_[kFamilies];
};

class MergePropertyTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  size_t Below(size_t n) { return random_() % n; }

  std::vector<Update> Updates(size_t n) {
    std::vector<Update> updates(n);
    int64_t at_ms = 1'000'000;
    for (Update& update : updates) {
      update.family = Below(kFamilies);
      update.labels = Below(4) == 0 ? "" : "{a=\"" + std::to_string(Below(5)) + "\",b=\"c\"}";
      update.value =
          std::ldexp(static_cast<double>(Below(1000)), static_cast<int>(Below(12)) - 12) *
          (Below(5) == 0 ? -1 : 1);
      update.at_ms = ++at_ms;
    }
    return updates;
  }

  void Add(SetMerge* merge, const PartOwner& owner, const std::vector<PartFamily>& families) {
    for (const PartFamily& family : families) {
      PartValues points(family.points);
      merge->Add(family.Head(), owner, &points);
    }
  }
  void Add(SetMerge* merge, const PartOwner& owner, const Process& process) {
    Add(merge, owner, process.Families(&random_));
  }
  void AddRetained(SetMerge* merge, const std::string& bytes) {
    const Status status = DecodeParts(bytes, [&](const PartHead& head, PartPoints* points) {
      merge->Add(head, {PartOwner::State::kRetained, 0}, points);
    });
    ASSERT_TRUE(status.ok()) << status.text();
  }
  static SetMerge NewMerge() {
    return SetMerge(
        [](std::string_view, std::string_view, std::string text) { ADD_FAILURE() << text; });
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(MergePropertyTest, SpreadUpdatesAddUpToAllOfThem) {
  const std::vector<Update> updates = Updates(50 + Below(1000));
  std::vector<Process> processes;
  uint32_t coarsest = 0;
  for (size_t n = 1 + Below(8); processes.size() < n;) {
    const auto level = static_cast<uint32_t>(Below(7));
    processes.emplace_back(level);
    coarsest = std::max(coarsest, level);
  }
  // Its buckets are as coarse as those of the coarsest process, which therefore has every series,
  // as all others do.
  Process whole(coarsest);
  std::set<std::string> seen;
  for (const Update& update : updates) {
    if (!seen.insert(std::to_string(update.family) + update.labels).second) continue;
    for (Process& process : processes) {
      process.Count(update);
      whole.Count(update);
    }
  }
  for (const Update& update : updates) {
    processes[Below(processes.size())].Count(update);
    whole.Count(update);
  }
  SetMerge expected = NewMerge();
  Add(&expected, {PartOwner::State::kLive, 0}, whole);
  SetMerge merge = NewMerge();
  uint32_t worker = 0;
  for (const Process& process : processes) {
    Add(&merge, {PartOwner::State::kLive, worker++}, process);
  }
  EXPECT_EQ(SeriesOf(merge), SeriesOf(expected));
}

// The processes die in some order and are folded, some at a time; others are dead or live at the
// end.
TEST_P(MergePropertyTest, FoldingChangesNothing) {
  std::vector<Process> processes;
  for (size_t n = 2 + Below(8); processes.size() < n;) {
    processes.emplace_back(static_cast<uint32_t>(Below(7)));
  }
  for (const Update& update : Updates(50 + Below(1000))) {
    processes[Below(processes.size())].Count(update);
  }
  const size_t n_gone = Below(processes.size() + 1);
  const size_t n_folded = Below(n_gone + 1);
  for (size_t i = 0; i < n_folded; ++i) processes[i].DropWindows();
  const auto state_of = [&](size_t i) {
    return i < n_gone ? PartOwner::State::kDead : PartOwner::State::kLive;
  };

  SetMerge expected = NewMerge();
  for (size_t i = processes.size(); i-- > 0;) {
    Add(&expected, {state_of(i), static_cast<uint32_t>(i)}, processes[i]);
  }

  std::string retained;
  int64_t now_ms = 1;
  for (size_t i = 0; i < n_folded; ++now_ms) {
    SetMerge gone = NewMerge();
    for (size_t n = 1 + Below(3); n > 0 && i < n_folded; --n, ++i) {
      Add(&gone, {PartOwner::State::kDead, static_cast<uint32_t>(i)}, processes[i]);
    }
    AddRetained(&gone, retained);
    retained = FoldFamilies(
        gone, {now_ms, 0, nullptr},
        [](std::string_view, std::string_view, std::string text) { ADD_FAILURE() << text; });
  }
  SetMerge merge = NewMerge();
  for (size_t i = processes.size(); i-- > n_folded;) {
    Add(&merge, {state_of(i), static_cast<uint32_t>(i)}, processes[i]);
  }
  AddRetained(&merge, retained);
  EXPECT_EQ(SeriesOf(merge), SeriesOf(expected));
}

INSTANTIATE_TEST_SUITE_P(Seeds, MergePropertyTest, ::testing::Range<uint64_t>(0, 100));

}  // namespace
}  // namespace promplug
