// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace promplug {

// A URL without its credentials, and these, percent-decoded (RFC 3986, 3.2.1).
struct UrlParts {
  std::string url;
  bool has_credentials = false;
  std::string user;
  std::string password;
};

UrlParts SplitCredentials(std::string_view url);

}  // namespace promplug
