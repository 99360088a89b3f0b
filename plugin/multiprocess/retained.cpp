// SPDX-License-Identifier: MIT
#include "multiprocess/retained.hpp"

#include <bit>
#include <cstring>

#include "multiprocess/checksum.hpp"

namespace promplug {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

constexpr char kMagic[8] = {'p', 'p', 'r', 'e', 't', 'a', 'i', 'n'};
constexpr uint32_t kLayout = 1;

struct Head {
  char magic[8];
  uint32_t layout;
  uint32_t n_folded;
  uint64_t generation;
  uint64_t families_bytes;
  uint64_t body_checksum;
  uint64_t head_checksum;  // of what stands before it
};
static_assert(sizeof(Head) == kRetainedHeadBytes);

uint64_t ChecksumOf(const Head& head) {
  return Checksum({reinterpret_cast<const char*>(&head), offsetof(Head, head_checksum)});
}

Result<Head> DecodeHead(std::string_view bytes) {
  Head head;
  if (bytes.size() < sizeof head) {
    return Status(Code::kInvalid, "the retained totals end after " + std::to_string(bytes.size()) +
                                      " bytes, within their head");
  }
  std::memcpy(&head, bytes.data(), sizeof head);
  if (std::memcmp(head.magic, kMagic, sizeof kMagic) != 0) {
    return Status(Code::kInvalid, "not a file of retained totals");
  }
  // Before the checksum: another layout may have another head.
  if (head.layout != kLayout) {
    return Status(Code::kVersion, "retained totals of layout " + std::to_string(head.layout) +
                                      "; this plugin reads layout " + std::to_string(kLayout));
  }
  if (head.head_checksum != ChecksumOf(head)) {
    return Status(Code::kInvalid, "the head of the retained totals is damaged");
  }
  return head;
}

}  // namespace

std::string EncodeRetained(const Retained& retained) {
  std::string out(sizeof(Head), '\0');
  for (const Uuid& uuid : retained.folded) {
    out.append(reinterpret_cast<const char*>(uuid.data()), uuid.size());
  }
  out.append(retained.families);
  Head head;
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  head.layout = kLayout;
  head.n_folded = static_cast<uint32_t>(retained.folded.size());
  head.generation = retained.generation;
  head.families_bytes = retained.families.size();
  head.body_checksum = Checksum(std::string_view(out).substr(sizeof head));
  head.head_checksum = ChecksumOf(head);
  std::memcpy(out.data(), &head, sizeof head);
  return out;
}

Result<uint64_t> DecodeRetainedGeneration(std::string_view bytes) {
  Result<Head> head = DecodeHead(bytes);
  if (!head.ok()) return head.status();
  return head.value().generation;
}

Result<Retained> DecodeRetained(std::string_view bytes) {
  Result<Head> decoded = DecodeHead(bytes);
  if (!decoded.ok()) return decoded.status();
  const Head& head = decoded.value();
  const std::string_view body = bytes.substr(sizeof head);
  const uint64_t uuid_bytes = uint64_t{head.n_folded} * sizeof(Uuid);
  if (body.size() < uuid_bytes || body.size() - uuid_bytes != head.families_bytes) {
    return Status(Code::kInvalid, "the retained totals have " + std::to_string(body.size()) +
                                      " bytes behind their head, not the " +
                                      std::to_string(uuid_bytes) + " and " +
                                      std::to_string(head.families_bytes) + " that it says");
  }
  if (Checksum(body) != head.body_checksum) {
    return Status(Code::kInvalid, "the retained totals are damaged: the checksum differs");
  }
  Retained retained;
  retained.generation = head.generation;
  retained.folded.resize(head.n_folded);
  if (uuid_bytes != 0) std::memcpy(retained.folded.data(), body.data(), uuid_bytes);
  retained.families = body.substr(uuid_bytes);
  return retained;
}

}  // namespace promplug
