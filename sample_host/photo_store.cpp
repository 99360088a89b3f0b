// SPDX-License-Identifier: MIT
#include "photo_store.hpp"

#include <algorithm>
#include <utility>

namespace sample {
namespace {

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const char* name,
                                 const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Histogram& MakeSizes(prometheus::Registry& registry) {
  return prometheus::BuildHistogram()
      .Name("photo_upload_bytes")
      .Help("Size of the photos that were uploaded.")
      .Register(registry)
      .Add({}, prometheus::Histogram::BucketBoundaries{1e3, 1e4, 1e5, 1e6, 1e7});
}

}  // namespace

PhotoStore::PhotoStore(prometheus::Registry& registry)
    : uploads_(MakeCounter(registry, "photo_uploads_total", "Photos that were stored.")),
      deletes_(MakeCounter(registry, "photo_deletes_total", "Photos that were removed.")),
      upload_bytes_(MakeSizes(registry)),
      photo_count_(MakeGauge(registry, "photo_photos", "Photos in the store.")),
      album_count_(MakeGauge(registry, "photo_albums", "Albums in the store.")),
      stored_bytes_(MakeGauge(registry, "photo_storage_bytes", "Bytes of all photos.")) {
  for (const char* name : {"holidays", "family", "garden"}) AddAlbum(name);
}

Album PhotoStore::AddAlbum(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Album album{++last_album_, name, 0, 0};
  albums_.emplace(album.id, album);
  album_count_.Set(static_cast<double>(albums_.size()));
  return album;
}

std::optional<Album> PhotoStore::FindAlbum(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = albums_.find(id);
  if (found == albums_.end()) return std::nullopt;
  return found->second;
}

std::vector<Album> PhotoStore::Albums() const {
  const std::lock_guard lock(mutex_);
  std::vector<Album> all;
  all.reserve(albums_.size());
  for (const auto& [id, album] : albums_) all.push_back(album);
  return all;
}

std::vector<Album> PhotoStore::LargestAlbums(size_t count) const {
  auto all = Albums();
  const auto end = all.begin() + static_cast<ptrdiff_t>(std::min(count, all.size()));
  std::partial_sort(all.begin(), end, all.end(), [](const Album& a, const Album& b) {
    return std::pair(b.photos, a.id) < std::pair(a.photos, b.id);
  });
  all.erase(end, all.end());
  return all;
}

std::variant<Photo, PhotoStore::Refusal> PhotoStore::AddPhoto(uint64_t album,
                                                              const std::string& name,
                                                              std::string bytes) {
  const uint64_t size = bytes.size();
  auto shared = std::make_shared<const std::string>(std::move(bytes));
  const std::lock_guard lock(mutex_);
  const auto found = albums_.find(album);
  if (found == albums_.end()) return Refusal::kNoSuchAlbum;
  if (total_bytes_ + size > kMaxBytes) return Refusal::kFull;
  Photo photo{++last_photo_, album, name, std::move(shared)};
  photos_.emplace(photo.id, photo);
  found->second.photos += 1;
  found->second.bytes += size;
  total_bytes_ += size;
  uploads_.Increment();
  upload_bytes_.Observe(static_cast<double>(size));
  photo_count_.Set(static_cast<double>(photos_.size()));
  stored_bytes_.Set(static_cast<double>(total_bytes_));
  return photo;
}

std::optional<Photo> PhotoStore::FindPhoto(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = photos_.find(id);
  if (found == photos_.end()) return std::nullopt;
  return found->second;
}

bool PhotoStore::RemovePhoto(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = photos_.find(id);
  if (found == photos_.end()) return false;
  const uint64_t size = found->second.bytes->size();
  Album& album = albums_.at(found->second.album);
  album.photos -= 1;
  album.bytes -= size;
  total_bytes_ -= size;
  photos_.erase(found);
  deletes_.Increment();
  photo_count_.Set(static_cast<double>(photos_.size()));
  stored_bytes_.Set(static_cast<double>(total_bytes_));
  return true;
}

std::vector<Photo> PhotoStore::Photos(std::optional<uint64_t> album) const {
  const std::lock_guard lock(mutex_);
  std::vector<Photo> some;
  for (const auto& [id, photo] : photos_) {
    if (!album || photo.album == *album) some.push_back(photo);
  }
  return some;
}

}  // namespace sample
