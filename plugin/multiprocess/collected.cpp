// SPDX-License-Identifier: MIT
#include "multiprocess/collected.hpp"

#include <cstring>

#include "multiprocess/checksum.hpp"

namespace promplug {
namespace {

constexpr char kMagic[8] = {'p', 'p', 'c', 'o', 'l', 'l', 'e', 'c'};
constexpr uint32_t kLayout = 1;

struct Head {
  char magic[8] = {};
  uint32_t layout = 0;
  uint32_t reserved = 0;
  int64_t unix_ms = 0;
  uint64_t checksum = 0;  // of what follows
};
static_assert(sizeof(Head) == 32);

}  // namespace

std::string EncodeCollected(const Collected& collected) {
  Head head;
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  head.layout = kLayout;
  head.unix_ms = collected.unix_ms;
  head.checksum = Checksum(collected.families);
  std::string out(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(collected.families);
  return out;
}

Result<Collected> DecodeCollected(std::string_view bytes) {
  Head head;
  if (bytes.size() < sizeof head) return Status(Code::kInvalid, "it ends within its head");
  std::memcpy(&head, bytes.data(), sizeof head);
  if (std::memcmp(head.magic, kMagic, sizeof kMagic) != 0) {
    return Status(Code::kInvalid, "it does not begin like what collectors said");
  }
  if (head.layout != kLayout) {
    return Status(Code::kVersion, "it has the layout " + std::to_string(head.layout) +
                                      ", this plugin reads " + std::to_string(kLayout));
  }
  Collected collected;
  collected.unix_ms = head.unix_ms;
  collected.families = bytes.substr(sizeof head);
  if (Checksum(collected.families) != head.checksum) {
    return Status(Code::kInvalid, "it is damaged: the checksum differs");
  }
  return collected;
}

}  // namespace promplug
