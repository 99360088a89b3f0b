// SPDX-License-Identifier: MIT
#include "app_metrics.hpp"

#include <promplug/prometheus_cpp.hpp>
#include <string>
#include <utility>

#include "log.hpp"

namespace sample {
namespace {

constexpr size_t kLargestAlbums = 10;

void WriteLargestAlbums(const PhotoStore& store, promplug::host::Writer& writer) {
  const auto albums = store.LargestAlbums(kLargestAlbums);
  const auto label = [](const Album& album) { return std::to_string(album.id); };
  writer.Gauge("photo_album_photos", "Photos of the ten largest albums.");
  for (const auto& album : albums) {
    writer.Sample({{"album", label(album)}, {"name", album.name}},
                  static_cast<double>(album.photos));
  }
  writer.Gauge("photo_album_bytes", "Bytes of the ten largest albums.");
  for (const auto& album : albums) {
    writer.Sample({{"album", label(album)}, {"name", album.name}},
                  static_cast<double>(album.bytes));
  }
}

}  // namespace

AppMetrics::AppMetrics(promplug::host::Plugin& plugin, const PhotoStore& store,
                       const ThumbnailQueue& queue,
                       std::shared_ptr<const prometheus::Registry> registry)
    : requests_(plugin.Counter("http_requests_total", "Requests answered.",
                               {"method", "route", "status"})),
      durations_(plugin.Histogram("http_request_duration_seconds",
                                  "Time from the request to its answer.",
                                  {"method", "route", "status"})),
      in_flight_(plugin.Gauge("http_requests_in_flight", "Requests being answered.").Labels()) {
  Keep(plugin.Collector("largest_albums", [&store](promplug::host::Writer& writer) {
    WriteLargestAlbums(store, writer);
  }));
  Keep(plugin.GaugeValue("photo_thumbnail_queue_length", "Photos that wait for a thumbnail.",
                         queue.length()));
  Keep(promplug::host::Bridge(plugin, "prometheus_cpp", std::move(registry)));
}

void AppMetrics::RequestEnds(std::string_view method, std::string_view route, int status,
                             std::chrono::duration<double> took) {
  in_flight_.Dec();
  requests_.Inc(method, route, status);
  durations_.Observe(took.count(), method, route, status);
}

void AppMetrics::Keep(promplug::host::Result<promplug::host::Registration> registration) {
  if (registration) {
    registrations_.push_back(std::move(*registration));
  } else {
    LogLine(std::string("some metrics are missing: ") + registration.error().what());
  }
}

}  // namespace sample
