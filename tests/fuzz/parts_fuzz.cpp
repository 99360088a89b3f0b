// SPDX-License-Identifier: MIT
// Any bytes as what processes of a set leave for each other: as a file of retained totals, and as
// the families of several processes. What can be decoded must merge, be the same when it is encoded
// again, and fold to what can be decoded.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/retained.hpp"
#include "multiprocess/set_merge.hpp"
#include "support/part_text.hpp"

namespace promplug::testing {
namespace {

void Require(bool good, const char* what, const std::string& text) {
  if (good) return;
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

struct Copy {
  std::string text;
  std::string bytes;
  bool ok = false;
};

// Reads all, and encodes it again.
Copy CopyOf(std::string_view bytes) {
  Copy copy;
  PartEncoder encoder(&copy.bytes);
  const Status status = DecodeParts(bytes, [&](const PartHead& head, PartPoints* points) {
    encoder.Family(head);
    copy.text += std::string(head.head.name) + std::string(head.head.help) + "\n";
    for (PartPoint point; points->Next(&point);) {
      encoder.Add(point);
      copy.text += PartText(head.head.type, point) + "\n";
    }
  });
  encoder.End();
  copy.ok = status.ok();
  return copy;
}

void TryRetained(std::string_view input) {
  const auto decoded = DecodeRetained(input);
  const auto generation = DecodeRetainedGeneration(input);
  if (decoded.ok()) {
    Require(EncodeRetained(decoded.value()) == input, "another encoding", "");
    Require(generation.ok() && generation.value() == decoded.value().generation, "generation", "");
  }
  Retained retained;
  retained.families = input;
  const auto again = DecodeRetained(EncodeRetained(retained));
  Require(again.ok() && again.value().families == input, "a round trip changes the families", "");
}

void AddAll(std::string_view bytes, const PartOwner& owner, SetMerge* merge) {
  (void)DecodeParts(
      bytes, [&](const PartHead& head, PartPoints* points) { merge->Add(head, owner, points); });
}

void TryFamilies(std::string_view input) {
  const Copy copy = CopyOf(input);
  if (copy.ok) {
    const Copy again = CopyOf(copy.bytes);
    Require(again.ok && again.text == copy.text, "a second encoding differs", copy.text);
  }
  const auto ignore = [](std::string_view, std::string_view, std::string) {};
  SetMerge live(ignore);
  AddAll(input, {PartOwner::State::kLive, 0}, &live);
  AddAll(input, {PartOwner::State::kLive, 1}, &live);
  AddAll(input, {PartOwner::State::kDead, 1}, &live);
  AddAll(input, {PartOwner::State::kRetained, 0}, &live);
  SeriesOf(live);
  SetMerge gone(ignore);
  AddAll(input, {PartOwner::State::kDead, 2}, &gone);
  AddAll(input, {PartOwner::State::kRetained, 0}, &gone);
  for (const SetMerge* merge : {&live, &gone}) {
    FoldOptions options;
    options.now_ms = 1'700'000'000'000;
    options.expiry_ms = 3'600'000;
    options.live = &live;
    const Copy folded = CopyOf(FoldFamilies(*merge, options, ignore));
    Require(folded.ok, "what was folded cannot be read", folded.text);
  }
}

}  // namespace
}  // namespace promplug::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  promplug::testing::TryRetained(input);
  promplug::testing::TryFamilies(input);
  return 0;
}
