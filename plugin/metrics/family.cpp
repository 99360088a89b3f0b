// SPDX-License-Identifier: MIT
#include "metrics/family.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/text.hpp"
#include "metrics/hot_list.hpp"
#include "metrics/sketch.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxLabelBytes = 65535;

size_t WordsOf(const FamilyShape& shape, bool stamped) {
  switch (shape.type) {
    case MetricType::kCounter:
    case MetricType::kSummary:
      return 2;
    case MetricType::kHistogram:
      return shape.buckets.size() + 2 + (shape.native.max_buckets != 0 ? 1 : 0);
    case MetricType::kInfo:
      return 0;
    default:
      return stamped ? 2 : 1;
  }
}

Sketch* SketchOf(Word* cell) {
  return reinterpret_cast<Sketch*>(cell->load(std::memory_order_relaxed));
}

}  // namespace

Family::Family(FamilyShape shape, FamilyContext* context)
    : shape_(std::move(shape)),
      frame_(shape_),
      context_(context),
      bounds_(shape_.buckets),
      words_per_cell_(WordsOf(shape_, is_stamped())),
      record_(FamilyRecord::Make(shape_, static_cast<uint32_t>(words_per_cell_), memory())),
      arena_(record_.get(), memory()),
      table_(context->sections),
      host_cells_(record_.get(), memory()),
      exemplars_(record_.get(), memory()) {
  const size_t bytes = sizeof(Series) + words_per_cell_ * sizeof(Word);
  void* block = std::calloc(1, bytes);
  if (block == nullptr) throw std::bad_alloc();
  sink_ = new (block) Series(this, shape_.type, static_cast<uint32_t>(bytes));
  sink_->flags_.store(Series::kDiscard, std::memory_order_relaxed);
  if (!InitializeCell(sink_)) {
    std::free(sink_);
    throw std::bad_alloc();
  }
  memory().Publish(record_.get());
}

Family::~Family() {
  if (shape_.type == MetricType::kSummary) {
    SeriesArena::Walk walk = arena_.Begin();
    while (Series* series = walk.Next()) DeleteSketch(series);
    DeleteSketch(sink_);
  }
  if (!memory().shared()) {
    SeriesArena::Walk walk = arena_.Begin();
    while (Series* series = walk.Next()) {
      Stripes::Free(Stripes::Of(series->route_.load()), memory());
      FreeNative(series);
    }
  }
  std::free(sink_);
}

void Family::DeleteSketch(Series* series) {
  Sketch* sketch = SketchOf(series->cell());
  if (sketch != nullptr && memory().shared()) sketch->KeepPages();
  delete sketch;
}

FamilyHead Family::head() const {
  return {shape_.type, shape_.name,         shape_.help,
          shape_.unit, shape_.process_mode, shape_.quoted_labels};
}

void Family::CountSeries(int n) {
  live_.fetch_add(static_cast<uint64_t>(n), std::memory_order_relaxed);
  context_->series_changes.fetch_add(1, std::memory_order_relaxed);
  context_->live_series.fetch_add(static_cast<uint64_t>(n), std::memory_order_relaxed);
}

Status Family::Refuse(Refusal reason, const std::string& text, Series** out) {
  constexpr std::array<Code, kRefusals> kCodes = {Code::kLimit, Code::kInvalid, Code::kNoMemory};
  *out = sink_;
  Status status(kCodes[static_cast<size_t>(reason)], "family " + Quoted(shape_.name) + ": " + text);
  if (reason == Refusal::kLabels && Refused(reason) == 0) {
    std::lock_guard lock(mutex_);
    if (first_label_refusal_.empty()) first_label_refusal_ = status.text();
  }
  refused_[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  // Released, so that who sees this one finds the family that it belongs to.
  context_->refused_series.fetch_add(1, std::memory_order_release);
  return status;
}

std::string Family::FirstLabelRefusal() {
  std::lock_guard lock(mutex_);
  return first_label_refusal_;
}

uint32_t Family::MaxSeries() const {
  return shape_.max_series != 0 ? shape_.max_series
                                : context_->default_max_series.load(std::memory_order_relaxed);
}

Status Family::FindOrMake(const std::string_view* values, size_t n, Series** out) {
  if (n == frame_.values()) return FindOrMake(KeyOf(values, n), out);
  return Refuse(
      Refusal::kLabels,
      std::to_string(n) + " label values for " + std::to_string(frame_.values()) + " label names",
      out);
}

Status Family::FindOrMake(const LabelKey& key, Series** out) {
  *out = FindPinned(key);
  if (*out == nullptr) return Make(key, out);
  // Asking for a series exposes it, also where it had been removed.
  if ((*out)->route_.load(std::memory_order_acquire) & Series::kRemoved) (*out)->Wake();
  return Status();
}

Status Family::RenderValues(const LabelKey& key, std::string* out) const {
  if (key.size() == 0 && shape_.const_labels.empty()) return Status();
  out->push_back('{');
  out->append(shape_.const_labels);
  for (size_t i = 0; i < key.size(); ++i) {
    const std::string_view value = key.values()[i];
    if (!IsValidUtf8(value)) {
      return Status(Code::kInvalid, "the value " + Quoted(value) + " of label " +
                                        Quoted(shape_.label_names[i]) + " is not UTF-8");
    }
    if (out->size() > 1) out->push_back(',');
    out->append(shape_.label_names[i]).append("=\"");
    AppendEscapedLabelValue(out, value);
    out->push_back('"');
  }
  out->push_back('}');
  if (out->size() <= kMaxLabelBytes) return Status();
  return Status(Code::kInvalid, "the labels are longer than 65535 bytes");
}

MetricType Family::SeriesType() const {
  if (shape_.type == MetricType::kGauge && is_stamped()) return Series::kStampedGauge;
  return has_native() ? Series::kNativeHistogram : shape_.type;
}

Status Family::Make(const LabelKey& key, Series** out) {
  std::string labels;
  Status status = RenderValues(key, &labels);
  if (!status.ok()) return Refuse(Refusal::kLabels, status.text(), out);

  std::lock_guard lock(mutex_);
  // Whoever was here before may have made it, or have left it half taken out.
  *out = FindPinned(key);
  if (*out != nullptr) {
    if ((*out)->route_.load(std::memory_order_acquire) & Series::kRemoved) (*out)->Wake();
    return Status();
  }
  const uint32_t limit = MaxSeries();
  if (live_.load(std::memory_order_relaxed) >= limit) {
    return Refuse(Refusal::kLimit, "the limit of " + std::to_string(limit) + " series is reached",
                  out);
  }
  Series* series = arena_.Allocate(this, SeriesType(), words_per_cell_, labels.size());
  if (series == nullptr) return Refuse(Refusal::kMemory, "no memory for a series", out);
  series->hash_ = static_cast<uint32_t>(key.hash());
  series->label_bytes_ = static_cast<uint16_t>(labels.size());
  const bool escaped = labels.find('\\') != std::string::npos;
  series->flags_.store(escaped ? Series::kEscaped : 0, std::memory_order_relaxed);
  std::memcpy(const_cast<char*>(series->label_text()), labels.data(), labels.size());
  series->created_ms_.store(clock().UnixMillis(), std::memory_order_relaxed);
  series->pins_.store(1, std::memory_order_relaxed);
  if (!InitializeCell(series)) {
    arena_.Free(series);
    return Refuse(Refusal::kMemory, "no memory for a series", out);
  }
  table_.Insert(key.hash(), series);
  CountSeries(1);
  series->route_.store(0, std::memory_order_release);
  *out = series;
  return Status();
}

bool Family::InitializeCell(Series* series) {
  if (has_native() && (series->flags_.load(std::memory_order_relaxed) & Series::kDiscard) == 0) {
    NativeBuckets* native = NativeBuckets::Make(shape_.native, memory());
    if (native == nullptr) return false;
    NativeWord(series).store(reinterpret_cast<uintptr_t>(native), std::memory_order_relaxed);
  }
  if (shape_.type != MetricType::kSummary) return true;
  Sketch* sketch = Sketch::Make(shape_.summary_window, clock().Now(), memory());
  if (sketch == nullptr) return false;
  Word* cell = series->cell();
  cell[0].store(reinterpret_cast<uintptr_t>(sketch), std::memory_order_relaxed);
  cell[1].store(reinterpret_cast<uintptr_t>(sketch->pages()), std::memory_order_relaxed);
  return true;
}

}  // namespace promplug
