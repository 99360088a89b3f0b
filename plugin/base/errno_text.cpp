// SPDX-License-Identifier: MIT
#include "base/errno_text.hpp"

#include <cstring>

namespace promplug {

std::string ErrnoText(int error) {
  const char* text = ::strerrordesc_np(error);
  const char* name = ::strerrorname_np(error);
  if (text == nullptr || name == nullptr) return "errno " + std::to_string(error);
  return std::string(text) + " (" + name + ")";
}

}  // namespace promplug
