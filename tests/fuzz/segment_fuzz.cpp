// SPDX-License-Identifier: MIT
// Any damage to the segment of another process. The input is a list of changes to a segment as a
// process writes it, of kPatchBytes each: which word (2 bytes), how (1), a number (8). What a
// reader makes of it, and what a fold does, must be readable from the files that they would go to.
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "metrics/registry.hpp"
#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/segment_memory.hpp"
#include "multiprocess/segment_view.hpp"
#include "multiprocess/set_merge.hpp"
#include "support/manual_clock.hpp"
#include "support/part_text.hpp"

namespace promplug::testing {
namespace {

constexpr size_t kPatchBytes = 11;
constexpr uint64_t kMaxBytes = uint64_t{1} << 20;

void Require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

Series* Get(Family* family, std::string_view id) {
  Series* series = nullptr;
  Require(family->FindOrMake(&id, 1, &series).ok(), "no series");
  return series;
}

// A segment with something of everything, and its bytes.
class Original {
 public:
  Original() {
    char path[] = "/dev/shm/promplug-fuzz-XXXXXX";
    Require(::mkdtemp(path) != nullptr, "no directory");
    Result<SetDirectory> directory = SetDirectory::Open(path, false);
    Require(directory.ok(), "the directory cannot be used");
    memory_ = SegmentMemory::Create(directory.value(), kMaxBytes, clock_).value();
    Require(directory.value().PublishSegment(memory_->uuid()).ok(), "no segment");
    registry_ = std::make_unique<Registry>(clock_, nullptr, *memory_);
    for (const MetricType type : {MetricType::kCounter, MetricType::kGauge, MetricType::kHistogram,
                                  MetricType::kSummary, MetricType::kInfo, MetricType::kStateset}) {
      Fill(type);
    }
    const OwnedFd fd = std::move(directory.value().OpenSegment(memory_->uuid())).value();
    bytes_.resize(memory_->header()->bytes.load());
    Require(
        ::pread(fd.get(), bytes_.data(), bytes_.size(), 0) == static_cast<ssize_t>(bytes_.size()),
        "the segment cannot be read");
    std::filesystem::remove_all(path);
  }

  const std::string& bytes() const { return bytes_; }
  uint64_t base() const { return memory_->header()->owner_base; }
  size_t n_words() const { return memory_->used_bytes() / sizeof(uint64_t); }
  TimePoint now() const { return clock_.Now(); }

 private:
  void Fill(MetricType type) {
    const std::string name = "m" + std::to_string(static_cast<int>(type));
    FamilyDescription description;
    description.type = type;
    description.name = name;
    description.help = "Help.";
    description.label_names = {"id"};
    if (type == MetricType::kGauge) description.process_mode = ProcessMode::kLatest;
    if (type == MetricType::kHistogram) description.buckets = {1, 10};
    if (type == MetricType::kHistogram) description.native_max_buckets = 16;
    if (type == MetricType::kSummary) description.quantiles = {0.99, 0.5, 0.5};
    if (type == MetricType::kStateset) description.states = {"on", "off"};
    Result<Family*> family = registry_->FindOrMake(description);
    Require(family.ok(), "no family");
    for (int i = 0; i < 6; ++i) {
      Series* series = Get(family.value(), std::to_string(i));
      if (type == MetricType::kCounter) {
        Require(family.value()->Apply(series, UpdateOp::kAdd, i, {"{trace=\"t\"}", 1, 9}).ok(),
                "add");
      } else if (type == MetricType::kGauge) {
        series->GaugeSet(i);
      } else if (type == MetricType::kHistogram || type == MetricType::kSummary) {
        series->Observe(i * 3);
      }
    }
    family.value()->Promote(Get(family.value(), "3"));
    if (type != MetricType::kCounter) return;
    (void)family.value()->AddHostCell(Get(family.value(), "4"));
  }

  test::ManualClock clock_;
  std::unique_ptr<SegmentMemory> memory_;
  std::unique_ptr<Registry> registry_;
  std::string bytes_;
};

std::string Damaged(const Original& original, const uint8_t* data, size_t size) {
  std::string bytes = original.bytes();
  for (; size >= kPatchBytes; data += kPatchBytes, size -= kPatchBytes) {
    uint16_t word = 0;
    uint64_t number = 0;
    std::memcpy(&word, data, sizeof word);
    std::memcpy(&number, data + 3, sizeof number);
    char* place = bytes.data() + (word % original.n_words()) * sizeof number;
    uint64_t value = 0;
    std::memcpy(&value, place, sizeof value);
    switch (data[2] % 4) {
      case 0:
        value = number;
        break;
      case 1:
        value += number;
        break;
      case 2:
        value ^= number;
        break;
      default:  // a pointer into the segment, wherever that is mapped this time
        value = original.base() + number % bytes.size();
        break;
    }
    std::memcpy(place, &value, sizeof value);
  }
  return bytes;
}

void Ignore(std::string_view, std::string_view, std::string) {}

void AddTotals(const std::string& totals, SetMerge* merge) {
  Require(DecodeParts(totals,
                      [&](const PartHead& head, PartPoints* points) {
                        merge->Add(head, {PartOwner::State::kRetained, 0}, points);
                      })
              .ok(),
          "what was folded cannot be read");
}

// What the process has counted goes to the totals, and these to the next ones.
void Fold(const Original& original, SegmentView* view) {
  SetMerge gone(Ignore);
  Require(view->ForEach(original.now(),
                        [&](const PartHead& head, PartPoints* points) {
                          gone.Add(head, {PartOwner::State::kDead, 0}, points);
                        })
              .ok(),
          "the view cannot be read");
  SetMerge totals(Ignore);
  AddTotals(FoldFamilies(gone, {}, Ignore), &totals);
  SeriesOf(totals);
  SetMerge again(Ignore);
  AddTotals(FoldFamilies(totals, {}, Ignore), &again);
}

void Read(const Original& original, int fd) {
  Result<std::unique_ptr<SegmentView>> view = SegmentView::Map(fd);
  if (!view.ok()) return;
  SetMerge merge(Ignore);
  std::string copy;
  PartEncoder encoder(&copy);
  (void)view.value()->ForEach(original.now(), [&](const PartHead& head, PartPoints* points) {
    encoder.Family(head);
    for (PartPoint point; points->Next(&point);) encoder.Add(point);
  });
  encoder.End();
  (void)view.value()->ForEach(original.now(), [&](const PartHead& head, PartPoints* points) {
    merge.Add(head, {PartOwner::State::kLive, 0}, points);
  });
  SeriesOf(merge);
  Require(DecodeParts(copy,
                      [&](const PartHead&, PartPoints* points) {
                        for (PartPoint point; points->Next(&point);) {
                        }
                      })
              .ok(),
          "what was read cannot be written");
  Fold(original, view.value().get());
}

}  // namespace
}  // namespace promplug::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace promplug;
  static const testing::Original original;
  const std::string bytes = testing::Damaged(original, data, size);
  const OwnedFd fd(::memfd_create("damaged", MFD_CLOEXEC));
  testing::Require(
      ::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
      "the damaged segment cannot be written");
  testing::Read(original, fd.get());
  return 0;
}
