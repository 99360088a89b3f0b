// SPDX-License-Identifier: MIT
#pragma once

#include <httplib.h>

#include <cstdint>

#include "app_metrics.hpp"
#include "host_config.hpp"
#include "photo_store.hpp"
#include "plugin_binding.hpp"
#include "routes.hpp"
#include "thumbnail_queue.hpp"

namespace sample {

// The photo API over HTTP. What it is given must outlive it.
class HttpServer {
 public:
  HttpServer(const HostConfig& config, PhotoStore& store, ThumbnailQueue& thumbnails,
             AppMetrics& metrics, PluginBinding& binding);

  // The port that was bound, or 0 where that failed.
  uint16_t Bind();
  // Serves until Stop(). False: it could not. REQUIRES: Bind() succeeded.
  bool Run();
  // From another thread: no new connections; what is being answered is answered. True once Run()
  // has been told, which it can be only when it has begun.
  bool Stop();

 private:
  void Dispatch(const httplib::Request& request, httplib::Response& response);
  // The value of the route label.
  std::string_view Answer(const httplib::Request& request, httplib::Response& response);
  void AddPhotoRoutes();
  void AddAlbumRoutes();
  void AddOtherRoutes();
  void Upload(const httplib::Request& request, httplib::Response& response);

  const HostConfig& config_;
  PhotoStore& store_;
  ThumbnailQueue& thumbnails_;
  AppMetrics& metrics_;
  PluginBinding& binding_;
  RouteTable routes_;
  httplib::Server server_;
};

}  // namespace sample
