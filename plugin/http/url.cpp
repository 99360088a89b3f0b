// SPDX-License-Identifier: MIT
#include "http/url.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace promplug {

UrlParts SplitCredentials(std::string_view url) {
  UrlParts parts;
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const std::string_view authority = url.substr(begin, end - begin);
  const size_t at = authority.rfind('@');
  if (at == std::string_view::npos) {
    parts.url = url;
    return parts;
  }
  const std::string_view credentials = authority.substr(0, at);
  const size_t colon = std::min(credentials.find(':'), credentials.size());
  parts.has_credentials = true;
  parts.user = PercentDecoded(credentials.substr(0, colon));
  if (colon < credentials.size()) parts.password = PercentDecoded(credentials.substr(colon + 1));
  parts.url.append(url.substr(0, begin)).append(authority.substr(at + 1)).append(url.substr(end));
  return parts;
}

}  // namespace promplug
