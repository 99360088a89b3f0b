// SPDX-License-Identifier: MIT
#pragma once

#include <prometheus/registry.h>

#include <chrono>
#include <memory>
#include <promplug/promplug.hpp>
#include <string_view>
#include <vector>

#include "photo_store.hpp"
#include "thumbnail_queue.hpp"

namespace sample {

// What the server tells the plugin of itself. Thread-safe. With a plugin that is not there all of
// it does nothing. The store, the queue and the plugin must outlive it.
class AppMetrics {
 public:
  // What `registry` has is served over the bridge.
  AppMetrics(promplug::host::Plugin& plugin, const PhotoStore& store, const ThumbnailQueue& queue,
             std::shared_ptr<const prometheus::Registry> registry);

  void RequestBegins() { in_flight_.Inc(); }
  // `route` is the template of the route, never the path of the request.
  void RequestEnds(std::string_view method, std::string_view route, int status,
                   std::chrono::duration<double> took);

 private:
  void Keep(promplug::host::Result<promplug::host::Registration> registration);

  promplug::host::CounterFamily requests_;
  promplug::host::HistogramFamily durations_;
  promplug::host::Gauge in_flight_;
  std::vector<promplug::host::Registration> registrations_;
};

}  // namespace sample
