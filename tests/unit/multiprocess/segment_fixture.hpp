// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <string.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/registry.hpp"
#include "multiprocess/segment_memory.hpp"
#include "multiprocess/segment_view.hpp"
#include "support/manual_clock.hpp"
#include "unit/multiprocess/set_testing.hpp"

namespace promplug::test {

inline constexpr uint64_t kMaxBytes = uint64_t{64} << 20;

// A copy of what a reader is given for one series.
struct Seen {
  PartPoint point;
  std::vector<uint64_t> counts;
  std::vector<SketchBucket> window;
  std::vector<std::string> exemplars;
  std::vector<uint64_t> native;
};

// A process that counts in a segment, and what another one reads of it.
class SegmentFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::make_unique<SetDirectory>(OpenSet(scratch_.path()));
    memory_ = SegmentMemory::Create(*directory_, kMaxBytes, clock_).value();
    ASSERT_TRUE(directory_->PublishSegment(memory_->uuid()).ok());
    registry_ = std::make_unique<Registry>(clock_, nullptr, *memory_);
  }

  std::unique_ptr<SegmentView> View() {
    const auto open = [this, uuid = memory_->uuid()] { return directory_->OpenSegment(uuid); };
    return SegmentView::Map(open().value().get(), open).value();
  }

  std::map<std::string, Seen> Read() { return Read(View().get()); }
  std::map<std::string, Seen> Read(SegmentView* view) {
    std::map<std::string, Seen> all;
    const Status status =
        view->ForEach(clock_.Now(), [&](const PartHead& head, PartPoints* points) {
          PartPoint point;
          while (points->Next(&point)) {
            Seen& seen = all[std::string(head.head.name) + std::string(point.point.labels)];
            seen.point = point;
            if (head.head.type == MetricType::kHistogram) {
              seen.counts.assign(point.point.counts, point.point.counts + point.point.n_bounds + 1);
            }
            seen.window.assign(point.window, point.window + point.n_window);
            for (size_t i = 0; i < point.point.n_exemplars; ++i) {
              seen.exemplars.emplace_back(point.point.exemplars[i].labels);
            }
            const NativeHistogram* native = point.point.native;
            if (native == nullptr) continue;
            uint64_t positive = 0;
            for (size_t i = 0; i < native->n_positive_spans; ++i)
              positive += native->positive_lengths[i];
            seen.native.assign(native->positive_counts, native->positive_counts + positive);
          }
        });
    EXPECT_TRUE(status.ok()) << status.text();
    return all;
  }

  // Where these bytes stand in what the process has counted; nullptr: nowhere.
  char* Find(std::string_view bytes) {
    char* begin = reinterpret_cast<char*>(memory_->header());
    void* found = ::memmem(begin, memory_->used_bytes(), bytes.data(), bytes.size());
    return static_cast<char*>(found);
  }

  SetFolder scratch_;
  ManualClock clock_;
  std::unique_ptr<SetDirectory> directory_;
  std::unique_ptr<SegmentMemory> memory_;
  std::unique_ptr<Registry> registry_;
};

}  // namespace promplug::test
