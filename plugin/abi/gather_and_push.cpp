// SPDX-License-Identifier: MIT
#include <vector>

#include "abi/instance.hpp"
#include "abi/points.hpp"
#include "abi/sized.hpp"
#include "abi/tables.hpp"
#include "metrics/names.hpp"

namespace promplug::abi {
namespace {

static_assert(kGatherInstruments == PROMPLUG_GATHER_INSTRUMENTS);
static_assert(kGatherCollectors == PROMPLUG_GATHER_COLLECTORS);
static_assert(kGatherProcess == PROMPLUG_GATHER_PROCESS);
static_assert(kGatherSelf == PROMPLUG_GATHER_SELF);

constexpr size_t kBatch = 64;

// False: the visitor asked to stop.
bool VisitPoint(const Point& point, const FamilyHead& head, const promplug_visitor& visitor,
                PointToHost* converter) {
  if (point.n_states == 0) {
    const promplug_point whole = converter->Convert(point, head.type);
    return visitor.point(visitor.user, &whole) == 0;
  }
  const std::string label = StateLabelName(head.name);
  for (size_t i = 0; i < point.n_states; ++i) {
    const promplug_point state = converter->ConvertState(point, label, i);
    if (visitor.point(visitor.user, &state) != 0) return false;
  }
  return true;
}

Status VisitFamily(const GatheredFamily& family, const promplug_visitor& visitor) {
  Status stopped(Code::kCancelled, "the visitor asked to stop");
  const promplug_family_head head = ToHead(family.head);
  if (visitor.family(visitor.user, &head) != 0) return stopped;
  Point points[kBatch];
  PointToHost converter;
  for (const auto& part : family.parts) {
    while (const size_t n = part->Next(points, kBatch)) {
      for (size_t i = 0; i < n; ++i) {
        if (!VisitPoint(points[i], family.head, visitor, &converter)) return stopped;
      }
    }
  }
  return Status();
}

}  // namespace

int32_t Gather(promplug_instance* p, const promplug_visitor* visitor, uint32_t timeout_ms,
               promplug_error* err) {
  return CallOutside(p, err, [&](Runtime& runtime) -> Status {
    const User user(runtime);
    promplug_visitor v;
    Status status = CopyOptions(visitor, PROMPLUG_UP_TO(promplug_visitor, point), "visitor", &v);
    if (!status.ok()) return status;
    if (v.family == nullptr || v.point == nullptr || (v.sources & ~kGatherAll) != 0) {
      return Status(Code::kInvalid, "visitor.family or .point is NULL, or .sources is unknown");
    }
    if (!runtime.running()) return Status(Code::kState, "the plugin is not running");
    GatherRequest request;
    if (v.sources != 0) request.sources = v.sources;
    request.deadline = runtime.clock().Now() + std::chrono::milliseconds(timeout_ms);
    const std::unique_ptr<GatherRun> run = runtime.sources().Start(std::move(request), nullptr);
    run->Wait();
    const Gathering gathering = run->Take();
    if (!gathering.status.ok()) return gathering.status;
    for (const GatheredFamily& family : gathering.families) {
      status = VisitFamily(family, v);
      if (!status.ok()) return status;
    }
    return status;
  });
}

int32_t PushNow(promplug_instance* p, uint32_t targets, uint32_t timeout_ms, promplug_error* err) {
  return CallOutside(p, err, [&](Runtime& runtime) -> Status {
    const User user(runtime);
    constexpr uint32_t kKnown = PROMPLUG_PUSH_APPLICATION | PROMPLUG_PUSH_FORWARDS;
    if (targets == 0 || (targets & ~kKnown) != 0) {
      return Status(Code::kInvalid, "targets is 0 or has an unknown flag");
    }
    return runtime.PushNow(targets, std::chrono::milliseconds(timeout_ms));
  });
}

}  // namespace promplug::abi
