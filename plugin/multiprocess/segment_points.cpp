// SPDX-License-Identifier: MIT
#include "multiprocess/segment_points.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/acquire_fence.hpp"
#include "metrics/labels.hpp"
#include "metrics/native_buckets.hpp"
#include "metrics/sketch_pages.hpp"
#include "metrics/stripes.hpp"

namespace promplug {
namespace {

// So often is a series read that changes hands meanwhile, and so often a cell.
constexpr int kTries = 4;
static_assert(LimitedMemory::kReadings >= size_t{2} * kTries * kTries);

double AsDouble(const Word& word) {
  return std::bit_cast<double>(word.load(std::memory_order_relaxed));
}

bool IsSingle(MetricType type) {
  return type == MetricType::kGauge || type == MetricType::kStateset;
}

uint32_t WordsOf(const FamilyShape& shape) {
  switch (shape.type) {
    case MetricType::kCounter:
    case MetricType::kSummary:
      return 2;
    case MetricType::kHistogram:
      return static_cast<uint32_t>(shape.buckets.size()) + 2 +
             (shape.native.max_buckets != 0 ? 1 : 0);
    case MetricType::kInfo:
      return 0;
    default:
      return shape.process_mode == ProcessMode::kLatest ? 2 : 1;
  }
}

}  // namespace

bool SegmentPoints::Fits(const FamilyShape& shape, uint32_t words_per_cell) {
  const bool instrument =
      shape.type != MetricType::kUntyped && shape.type != MetricType::kGaugeHistogram;
  return instrument && words_per_cell == WordsOf(shape);
}

SegmentPoints::SegmentPoints(LimitedMemory* memory, const FamilyRecord& record,
                             const SegmentLists& lists, const FamilyShape& shape,
                             const std::vector<std::string_view>& states, TimePoint now)
    : memory_(*memory),
      record_(record),
      shape_(shape),
      states_(states),
      now_(now),
      words_(WordsOf(shape)),
      stamped_(IsSingle(shape.type) && shape.process_mode == ProcessMode::kLatest),
      exemplars_(lists.exemplars, memory),
      host_cells_(lists.host_cells, memory) {
  EnterChunk(record.chunks.load(std::memory_order_acquire));
}

bool SegmentPoints::EnterChunk(const Chunk* owner_pointer) {
  chunk_ = nullptr;
  const Chunk* chunk = memory_.Look(owner_pointer);
  if (chunk == nullptr) return false;
  used_ = chunk->used.load(std::memory_order_acquire);
  if (memory_.Member(owner_pointer, sizeof(Chunk) + used_) == nullptr) return false;
  chunk_ = chunk;
  chunk_pointer_ = owner_pointer;
  offset_ = 0;
  return true;
}

const Series* SegmentPoints::NextBlock() {
  while (chunk_ != nullptr) {
    const size_t least = sizeof(Series) + words_ * sizeof(Word);
    if (offset_ + least <= used_) {
      const auto* series = reinterpret_cast<const Series*>(chunk_->bytes() + offset_);
      const uint32_t bytes = SegmentSeries::EntryBytes(*series);
      if (bytes >= least && bytes % sizeof(Word) == 0 && bytes <= used_ - offset_) {
        offset_ += bytes;
        block_bytes_ = bytes;
        return series;
      }
    }
    EnterChunk(chunk_->next.load(std::memory_order_acquire));
  }
  return nullptr;
}

bool SegmentPoints::Next(PartPoint* out) {
  while (const Series* series = NextBlock()) {
    *out = PartPoint();
    if (Read(*series, out)) return true;
  }
  return false;
}

bool SegmentPoints::Read(const Series& series, PartPoint* out) {
  for (int i = 0; i < kTries; ++i) {
    const SegmentSeries::Identity seen = SegmentSeries::Look(series);
    if (!seen.exposed() && !(seen.hidden_only() && HostCells(series) != 0)) return false;
    if (!ReadOnce(series, seen, out)) return false;
    AcquireFence();
    const SegmentSeries::Identity now = SegmentSeries::Look(series);
    if (now.IsStill(seen)) return true;
  }
  return false;
}

bool SegmentPoints::ReadOnce(const Series& series, const SegmentSeries::Identity& seen,
                             PartPoint* out) {
  const size_t label_bytes = SegmentSeries::LabelBytes(series);
  const size_t room = block_bytes_ - sizeof(Series) - words_ * sizeof(Word);
  if (label_bytes > room) return false;
  labels_.assign(reinterpret_cast<const char*>(SegmentSeries::Cell(series) + words_), label_bytes);
  if (!IsLabelBlock(labels_)) return false;
  out->point.labels = labels_;
  out->point.created_ms = series.created_ms();
  switch (shape_.type) {
    case MetricType::kCounter:
      ReadCounter(series, seen.route, &out->point);
      return true;
    case MetricType::kHistogram:
      ReadHistogram(series, seen.route, &out->point);
      return true;
    case MetricType::kSummary:
      ReadSummary(series, out);
      return true;
    case MetricType::kInfo:
      out->point.is_integer = true;
      out->point.integer = 1;
      return true;
    default:
      ReadSingle(series, out);
      return true;
  }
}

template <typename Use>
void SegmentPoints::EachStripe(uintptr_t route, size_t words, const Use& use) {
  const Stripes* stripes = Stripes::Of(route);
  const Stripes* head = memory_.Look(stripes);
  if (head == nullptr) return;
  const Stripes::Layout layout = Stripes::LayoutOf(*head);
  if (layout.stride < words * sizeof(Word)) return;
  if ((layout.first | layout.stride) % alignof(Word) != 0) return;
  const size_t bytes = layout.OffsetOf(layout.count);
  const char* here = memory_.At(reinterpret_cast<const char*>(stripes), bytes);
  if (here == nullptr) return;
  for (uint32_t i = 0; i < layout.count; ++i) {
    use(reinterpret_cast<const Word*>(here + layout.OffsetOf(i)));
  }
}

const Series* SegmentPoints::OwnersPointer(const Series& series) const {
  const auto offset = static_cast<uintptr_t>(reinterpret_cast<const char*>(&series) -
                                             reinterpret_cast<const char*>(chunk_));
  return reinterpret_cast<const Series*>(reinterpret_cast<uintptr_t>(chunk_pointer_) + offset);
}

uint64_t SegmentPoints::HostCells(const Series& series) {
  return SegmentSeries::HasHostCells(series) ? host_cells_.Sum(OwnersPointer(series)) : 0;
}

void SegmentPoints::ReadCounter(const Series& series, uintptr_t route, Point* out) {
  const Word* const cell = SegmentSeries::Cell(series);
  uint64_t whole = 0;
  double fraction = 0;
  for (int i = 0; i < kTries; ++i) {
    // What a cell of the host counted may just be on its way into the series.
    const uint64_t moves = record_.host_cell_moves.load(std::memory_order_acquire);
    whole = HostCells(series) + cell[0].load(std::memory_order_relaxed);
    fraction = AsDouble(cell[1]);
    EachStripe(route, words_, [&](const Word* stripe) {
      whole += stripe[0].load(std::memory_order_relaxed);
      fraction += AsDouble(stripe[1]);
    });
    AcquireFence();
    if (moves % 2 == 0 && record_.host_cell_moves.load(std::memory_order_relaxed) == moves) break;
  }
  out->is_integer = fraction == 0;
  out->integer = whole;
  out->value = static_cast<double>(whole) + fraction;
  if (!SegmentSeries::HasExemplars(series)) return;
  const auto& exemplars = exemplars_.Of(OwnersPointer(series), 1);
  out->exemplars = exemplars.data();
  out->n_exemplars = exemplars.size();
}

void SegmentPoints::ReadHistogram(const Series& series, uintptr_t route, Point* out) {
  const size_t buckets = shape_.buckets.size() + 1;
  counts_.assign(buckets, 0);
  const Word* const cell = SegmentSeries::Cell(series);
  double sum = AsDouble(cell[0]);
  for (size_t i = 0; i < buckets; ++i) counts_[i] = cell[1 + i].load(std::memory_order_relaxed);
  EachStripe(route, Stripes::SumOf(buckets), [&](const Word* stripe) {
    sum += Stripes::AddBuckets(stripe, buckets, counts_.data());
  });
  out->bounds = shape_.buckets.data();
  out->n_bounds = shape_.buckets.size();
  out->counts = counts_.data();
  out->sum = sum;
  if (shape_.native.max_buckets != 0) ReadNative(series, out);
  if (!SegmentSeries::HasExemplars(series)) return;
  const auto& exemplars = exemplars_.Of(OwnersPointer(series), buckets);
  out->exemplars = exemplars.data();
  out->n_exemplars = exemplars.size();
}

void SegmentPoints::ReadNative(const Series& series, Point* out) {
  const uint64_t word = SegmentSeries::Cell(series)[words_ - 1].load(std::memory_order_acquire);
  const NativeBuckets* buckets = memory_.At(reinterpret_cast<const NativeBuckets*>(word));
  if (buckets == nullptr) return;
  native_.Read(*buckets, shape_.native.max_buckets, shape_.native.level, &memory_);
  native_.histogram().zero_threshold = shape_.native.zero_threshold;
  out->native = &native_.histogram();
  native_.CutClassic(counts_.data(), out->n_bounds);
}

void SegmentPoints::ReadSummary(const Series& series, PartPoint* out) {
  out->point.quantiles = shape_.quantiles.data();
  out->point.n_quantiles = shape_.quantiles.size();
  const uint64_t word = SegmentSeries::Cell(series)[1].load(std::memory_order_acquire);
  const SketchPages* pages = memory_.At(reinterpret_cast<const SketchPages*>(word));
  if (pages == nullptr) return;
  // An owner that died in the middle of a change leaves an odd version for ever: what stands there
  // is right but for that observation.
  for (int i = 0; i < kTries; ++i) {
    const uint64_t version = pages->version.load(std::memory_order_acquire);
    window_.clear();
    pages->ForEach(memory_, now_, [this](int64_t bucket, uint64_t count) {
      window_.push_back({bucket, count});
    });
    out->point.integer = pages->count.load(std::memory_order_relaxed);
    out->point.sum = AsDouble(pages->sum_bits);
    AcquireFence();
    if (version % 2 == 0 && pages->version.load(std::memory_order_relaxed) == version) break;
  }
  out->point.is_integer = true;
  out->window = window_.data();
  out->n_window = window_.size();
}

void SegmentPoints::ReadSingle(const Series& series, PartPoint* out) const {
  const Word* cell = SegmentSeries::Cell(series);
  if (stamped_) out->stamp_ns = static_cast<int64_t>(cell[1].load(std::memory_order_acquire));
  if (shape_.type == MetricType::kStateset) {
    out->point.states = cell[0].load(std::memory_order_relaxed);
    out->point.state_names = states_.data();
    out->point.n_states = states_.size();
  } else {
    out->point.value = AsDouble(cell[0]);
  }
}

}  // namespace promplug
