// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace promplug {

// Names a process of a set; random.
using Uuid = std::array<uint8_t, 16>;

// kIo: the system gives no random bytes.
Result<Uuid> RandomUuid();

// 32 hexadecimal digits in lower case, as in the names of files.
std::string UuidText(const Uuid& uuid);
// nullopt: not what UuidText() makes.
std::optional<Uuid> ParseUuid(std::string_view text);

}  // namespace promplug
