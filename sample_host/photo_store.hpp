// SPDX-License-Identifier: MIT
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sample {

struct Photo {
  uint64_t id = 0;
  uint64_t album = 0;
  std::string name;
  std::shared_ptr<const std::string> bytes;
};

struct Album {
  uint64_t id = 0;
  std::string name;
  uint64_t photos = 0;
  uint64_t bytes = 0;
};

// Photos and albums, in memory. Thread-safe. It was instrumented with prometheus-cpp before the
// server knew of the plugin; `registry` must outlive it.
class PhotoStore {
 public:
  enum class Refusal { kNoSuchAlbum, kFull };
  static constexpr uint64_t kMaxBytes = 256u << 20;

  // Begins with the albums "holidays" (1), "family" (2) and "garden" (3).
  explicit PhotoStore(prometheus::Registry& registry);

  Album AddAlbum(const std::string& name);
  std::optional<Album> FindAlbum(uint64_t id) const;
  std::vector<Album> Albums() const;
  // At most `count`, the ones with the most photos first.
  std::vector<Album> LargestAlbums(size_t count) const;

  std::variant<Photo, Refusal> AddPhoto(uint64_t album, const std::string& name, std::string bytes);
  std::optional<Photo> FindPhoto(uint64_t id) const;
  bool RemovePhoto(uint64_t id);
  // Of one album, or all.
  std::vector<Photo> Photos(std::optional<uint64_t> album) const;

 private:
  prometheus::Counter& uploads_;
  prometheus::Counter& deletes_;
  prometheus::Histogram& upload_bytes_;
  prometheus::Gauge& photo_count_;
  prometheus::Gauge& album_count_;
  prometheus::Gauge& stored_bytes_;

  mutable std::mutex mutex_;
  std::map<uint64_t, Album> albums_;  // guarded by mutex_, as all that follows
  std::map<uint64_t, Photo> photos_;
  uint64_t total_bytes_ = 0;
  uint64_t last_album_ = 0;
  uint64_t last_photo_ = 0;
};

}  // namespace sample
