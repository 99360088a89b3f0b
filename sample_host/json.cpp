// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <cstdint>

namespace sample {
namespace {

std::string Quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string Field(std::string_view name, uint64_t value) {
  return Quoted(name) + ":" + std::to_string(value);
}

}  // namespace

std::string ToJson(const Album& album) {
  return "{" + Field("id", album.id) + ",\"name\":" + Quoted(album.name) + "," +
         Field("photos", album.photos) + "," + Field("bytes", album.bytes) + "}";
}

std::string ToJson(const Photo& photo) {
  return "{" + Field("id", photo.id) + "," + Field("album", photo.album) +
         ",\"name\":" + Quoted(photo.name) + "," + Field("bytes", photo.bytes->size()) + "}";
}

}  // namespace sample
