// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "base/status.hpp"
#include "promplug/promplug.h"

namespace promplug::abi {

// Copies an option struct of the host (rule R3): a shorter one is extended with zeros, a longer one
// is taken while its unknown tail is all zero. kInvalid: null, or shorter than `least` bytes.
template <typename T>
Status CopyOptions(const T* from, size_t least, const char* what, T* to) {
  *to = T();
  if (from == nullptr) return Status(Code::kInvalid, std::string(what) + " is NULL");
  const size_t size = from->struct_size;
  if (size < least) {
    return Status(Code::kInvalid, std::string(what) + ".struct_size is " + std::to_string(size) +
                                      "; expected at least " + std::to_string(least));
  }
  const char* bytes = reinterpret_cast<const char*>(from);
  for (size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] != 0) {
      return Status(Code::kTooNew,
                    std::string(what) + " asks for something that this plugin does not know");
    }
  }
  std::memcpy(to, from, std::min(size, sizeof(T)));
  to->struct_size = sizeof(T);
  return Status();
}

// Writes a result struct: at most as many bytes as the host has, and says how many.
template <typename T>
Status WriteResult(T result, const char* what, T* to) {
  if (to == nullptr || to->struct_size < sizeof(uint32_t)) {
    return Status(Code::kInvalid, std::string(what) + " is NULL or its struct_size is not set");
  }
  result.struct_size = static_cast<uint32_t>(std::min<size_t>(to->struct_size, sizeof(T)));
  std::memcpy(to, &result, result.struct_size);
  return Status();
}

// The size up to and with member m: what a first version of the struct has at least.
#define PROMPLUG_UP_TO(type, m) (offsetof(type, m) + sizeof(type::m))

}  // namespace promplug::abi
