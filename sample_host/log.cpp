// SPDX-License-Identifier: MIT
#include "log.hpp"

#include <cstdio>
#include <string>

namespace sample {

void LogLine(std::string_view text) {
  std::string line(text);
  line += '\n';
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace sample
