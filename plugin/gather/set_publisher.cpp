// SPDX-License-Identifier: MIT
#include "gather/set_publisher.hpp"

#include <algorithm>
#include <utility>

#include "multiprocess/part_codec.hpp"

namespace promplug {
namespace {

constexpr size_t kBatch = 64;

void Encode(PartKind kind, bool one_process, const GatheredFamily& family, PartEncoder* encoder) {
  PartHead head;
  head.head = family.head;
  head.kind = kind;
  head.one_process = one_process;
  encoder->Family(head);
  Point points[kBatch];
  for (const std::unique_ptr<PointSource>& part : family.parts) {
    while (const size_t n = part->Next(points, kBatch)) {
      for (size_t i = 0; i < n; ++i) {
        PartPoint point;
        point.point = points[i];
        encoder->Add(point);
      }
    }
  }
}

}  // namespace

void SetPublisher::Begin(bool with_one_process, std::function<void()> ready) {
  parts_.clear();
  if (!with_one_process) kept_one_.Forget();
  const auto add = [&](uint32_t sources, GatherScope scope, PartKind kind) {
    GatherRequest request;
    request.sources = sources;
    request.scope = scope;
    request.deadline = clock_.Now() + timeout_.load(std::memory_order_relaxed);
    const bool one_process = scope == GatherScope::kOneForAll;
    if (kind == PartKind::kCollectors) request.kept = one_process ? &kept_one_ : &kept_;
    parts_.push_back({kind, one_process, gatherer_.Start(std::move(request), ready)});
  };
  add(kGatherCollectors, GatherScope::kThisProcess, PartKind::kCollectors);
  if (with_one_process) add(kGatherCollectors, GatherScope::kOneForAll, PartKind::kCollectors);
  add(kGatherProcess, GatherScope::kThisProcess, PartKind::kProcess);
  add(kGatherSelf, GatherScope::kThisProcess, PartKind::kSelf);
}

bool SetPublisher::Ready() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.run->Ready(); });
}

std::string SetPublisher::Take() {
  std::string bytes;
  PartEncoder encoder(&bytes);
  for (Part& part : parts_) {
    const Gathering gathering = part.run->Take();
    for (const GatheredFamily& family : gathering.families) {
      Encode(part.kind, part.one_process, family, &encoder);
    }
  }
  encoder.End();
  parts_.clear();
  return bytes;
}

}  // namespace promplug
