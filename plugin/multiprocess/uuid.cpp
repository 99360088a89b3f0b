// SPDX-License-Identifier: MIT
#include "multiprocess/uuid.hpp"

#include <sys/random.h>

#include <cerrno>

#include "base/errno_text.hpp"

namespace promplug {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Result<Uuid> RandomUuid() {
  Uuid uuid;
  ssize_t n;
  // So few bytes come whole or not at all.
  do {
    n = ::getrandom(uuid.data(), uuid.size(), 0);
  } while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(uuid.size())) {
    return Status(Code::kIo, "no random bytes: " + ErrnoText(errno));
  }
  return uuid;
}

std::string UuidText(const Uuid& uuid) {
  std::string text;
  for (const uint8_t byte : uuid) text.append({kDigits[byte >> 4], kDigits[byte & 0xf]});
  return text;
}

std::optional<Uuid> ParseUuid(std::string_view text) {
  Uuid uuid;
  if (text.size() != 2 * uuid.size()) return std::nullopt;
  for (size_t i = 0; i < uuid.size(); ++i) {
    const size_t high = kDigits.find(text[2 * i]);
    const size_t low = kDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    uuid[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return uuid;
}

}  // namespace promplug
