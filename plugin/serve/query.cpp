// SPDX-License-Identifier: MIT
#include "serve/query.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace promplug {
namespace {

// As forms are sent: a space is a '+', too (HTML, application/x-www-form-urlencoded).
std::string FormDecoded(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return PercentDecoded(spaced);
}

}  // namespace

std::vector<std::string> QueryValues(std::string_view query, std::string_view name) {
  std::vector<std::string> values;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals + 1 == pair.size()) continue;
    if (FormDecoded(pair.substr(0, equals)) == name) {
      values.push_back(FormDecoded(pair.substr(equals + 1)));
    }
  }
  return values;
}

}  // namespace promplug
