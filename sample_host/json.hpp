// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "photo_store.hpp"

namespace sample {

std::string ToJson(const Album& album);
std::string ToJson(const Photo& photo);

template <class T>
std::string ToJson(const std::vector<T>& items) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += ToJson(item);
  }
  return out + "]\n";
}

}  // namespace sample
