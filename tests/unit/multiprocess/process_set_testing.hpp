// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "metrics/registry.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/process_set.hpp"
#include "support/manual_clock.hpp"
#include "unit/multiprocess/segment_testing.hpp"
#include "unit/multiprocess/set_testing.hpp"

namespace promplug::test {

// Several processes of a set, here as several objects: a flock is that of an open file.
class ProcessSetWorld : public ::testing::Test {
 protected:
  // One process with its instruments. Its end is like a kill: nothing is tidied up.
  struct Member {
    Member(const ProcessSetOptions& options, const Clock& clock, const Log& log)
        : set(std::move(ProcessSet::Join(options, clock, log)).value()),
          registry(std::make_unique<Registry>(clock, nullptr, set->memory())) {}
    std::unique_ptr<ProcessSet> set;
    std::unique_ptr<Registry> registry;

    std::map<std::string, double> Values() {
      return ValuesOf(*set->Read([this](std::string_view reason, std::string_view, std::string) {
                            refused.emplace_back(reason);
                          })
                           .value());
    }
    std::vector<std::string> refused;
  };

  std::unique_ptr<Member> Join(bool runs = true) {
    ProcessSetOptions options;
    options.directory = folder_.path();
    options.keep_totals = keep_;
    auto member = std::make_unique<Member>(options, clock_, log_);
    if (runs) member->set->Run();
    return member;
  }
  static void Count(Member& member, std::string_view id, double n) {
    Get(MakeFamily(*member.registry, MetricType::kCounter, "c_total"), id)->CounterAdd(n);
  }
  // What a collector says, published.
  void Publish(Member& member, MetricType type, double value, bool one_process = false) {
    std::string bytes;
    PartEncoder encoder(&bytes);
    PartHead head;
    head.head = {type, "said", "Help.", {}};
    head.kind = PartKind::kCollectors;
    head.one_process = one_process;
    encoder.Family(head);
    PartPoint point;
    point.point.value = value;
    encoder.Add(point);
    encoder.End();
    ASSERT_TRUE(member.set->Publish(bytes).ok());
  }
  size_t FilesWith(const std::string& ending) const {
    const std::vector<std::string> names = folder_.Names();
    return static_cast<size_t>(std::count_if(
        names.begin(), names.end(), [&](const auto& name) { return name.ends_with(ending); }));
  }

  SetFolder folder_;
  ManualClock clock_;
  std::vector<std::string> lines_;
  Log log_{[this](LogLevel, std::string_view text) { lines_.emplace_back(text); }, LogLevel::kInfo};
  const SetMerge::Refuse ignore_ = [](std::string_view, std::string_view, std::string) {};
  bool keep_ = true;
};

}  // namespace promplug::test
