// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "metrics/gathering.hpp"

namespace promplug {

// Which sources are asked; the numbers are those of PROMPLUG_GATHER_*.
inline constexpr uint32_t kGatherInstruments = 1;
inline constexpr uint32_t kGatherCollectors = 2;  // collectors and values of the host
inline constexpr uint32_t kGatherProcess = 4;
inline constexpr uint32_t kGatherSelf = 8;
inline constexpr uint32_t kGatherAll = 15;

// Where several processes are one instance: what this process alone says, for the others.
enum class GatherScope {
  kInstance,     // everything that there is to say
  kThisProcess,  // without the collectors that one process of a set runs for all
  kOneForAll,    // these collectors
};

class KeptOutputs;

struct GatherRequest {
  uint32_t sources = kGatherAll;
  GatherScope scope = GatherScope::kInstance;
  // Empty: all families. Else those whose name, or whose sample name, is in the list.
  std::vector<std::string> names;
  // What has not answered by then is left out and counted as late.
  TimePoint deadline = TimePoint::max();
  // What callbacks said in earlier gathers with it; of those that are left out now, what is
  // cumulative is taken from there. Must outlive the run; used by Take() alone.
  KeptOutputs* kept = nullptr;
};

// One gather under way. Used by one thread at a time. Destroying it cancels: the ready callback
// does not run after the destructor has returned.
class GatherRun {
 public:
  virtual ~GatherRun() = default;
  // Whether Take() gives the result now.
  virtual bool Ready() const = 0;
  // Blocks until Ready(); that is never much later than the request's deadline.
  virtual void Wait() = 0;
  // REQUIRES: Ready(), and not taken before.
  virtual Gathering Take() = 0;
};

// Everything that the plugin can say at one moment. Thread-safe.
class Gatherer {
 public:
  virtual ~Gatherer() = default;
  // Asks the sources; collectors run on the plugin's own thread. Never blocks. `ready` may be
  // empty; it is called once if the run was not Ready() when Start returned, from any thread
  // and possibly before Start returns, and must not block.
  virtual std::unique_ptr<GatherRun> Start(GatherRequest request, std::function<void()> ready) = 0;
};

}  // namespace promplug
