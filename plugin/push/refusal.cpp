// SPDX-License-Identifier: MIT
#include "push/refusal.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace promplug {
namespace {

// Takes `prefix` off the front of *text.
bool Skip(std::string_view prefix, std::string_view* text) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// The name at the front of *text, up to `end`, taken off with it.
std::string_view TakeName(char end, std::string_view* text) {
  const size_t length = text->find(end);
  if (length == std::string_view::npos) return {};
  const std::string_view name = text->substr(0, length);
  text->remove_prefix(length + 1);
  return IsValidMetricName(name) ? name : std::string_view();
}

void Keep(std::string_view name, std::vector<std::string>* names) {
  if (name.empty() || std::find(names->begin(), names->end(), name) != names->end()) return;
  names->emplace_back(name);
}

// Label values are quoted in these texts, with their quotes escaped, and come after the names; a
// complaint is only looked for where one begins, so that no label value can pass for one.
void ReadComplaint(std::string_view text, std::vector<std::string>* names) {
  if (Skip("gathered metric family ", &text)) {
    Keep(TakeName(' ', &text), names);
  } else if (Skip("collected metric named \"", &text) ||
             Skip("collected histogram or summary named \"", &text)) {
    Keep(TakeName('"', &text), names);
    for (const char* other : {" collides with previously collected metric named \"",
                              " collides with previously collected histogram named \"",
                              " collides with previously collected summary named \""}) {
      if (Skip(other, &text)) Keep(TakeName('"', &text), names);
    }
  } else if (Skip("collected metric \"", &text)) {
    Keep(TakeName('"', &text), names);
  }
}

}  // namespace

std::vector<std::string> RefusedFamilies(std::string_view text) {
  std::vector<std::string> names;
  if (!Skip("pushed metrics are invalid or inconsistent with existing metrics: ", &text)) {
    return names;
  }
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    (void)Skip("* ", &line);
    ReadComplaint(line, &names);
  }
  return names;
}

}  // namespace promplug
