// SPDX-License-Identifier: MIT
// Reads the series of a family as points.
#include <algorithm>
#include <deque>
#include <vector>

#include "metrics/family.hpp"
#include "metrics/native_reading.hpp"
#include "metrics/sketch.hpp"

namespace promplug {

class FamilyReader final : public PointSource {
 public:
  explicit FamilyReader(Family* family)
      : family_(*family),
        shape_(family->shape()),
        words_(family->words_per_cell()),
        walk_(family->arena_.Begin()) {
    for (const std::string& state : shape_.states) states_.emplace_back(state);
  }

  size_t Next(Point* out, size_t max) override {
    PrepareScratch(&max);
    PreparePoints(out, max);
    batch_ = max;
    n_texts_ = 0;
    // The labels of the batch before stay valid until here; a series that is gone by now may be
    // used again. The position of the walk does not need the section.
    section_ = family_.context_->sections->Enter();
    const size_t n = FillPoints(out, max);
    if (n == 0) section_.Leave();
    return n;
  }

 private:
  // So many words of values may be held for one batch.
  static constexpr size_t kScratchWords = 4096;
  // And so many native histograms, each of which may be large.
  static constexpr size_t kNativeBatch = 8;

  size_t WordsPerPoint() const {
    if (shape_.type == MetricType::kHistogram) return shape_.buckets.size() + 1;
    if (shape_.type == MetricType::kSummary) return shape_.quantiles.size();
    return 0;
  }

  void PrepareScratch(size_t* max) {
    const size_t words = WordsPerPoint();
    if (words == 0) return;
    if (family_.has_native()) {
      *max = std::min(*max, kNativeBatch);
      if (natives_.size() < *max) natives_.resize(*max);
    }
    *max = std::clamp<size_t>(kScratchWords / words, 1, *max);
    if (shape_.type == MetricType::kHistogram) {
      counts_.resize(*max * words);
    } else {
      quantile_values_.resize(*max * words);
    }
  }

  // What all points of the family have in common is written once for each array.
  void PreparePoints(Point* out, size_t max) {
    if (out == prepared_ && max <= n_prepared_) return;
    prepared_ = out;
    n_prepared_ = max;
    Point common;
    common.state_names = states_.data();
    common.n_states = states_.size();
    if (shape_.type == MetricType::kInfo) {
      common.is_integer = true;
      common.integer = 1;
    } else if (shape_.type == MetricType::kHistogram) {
      common.bounds = family_.bounds_.data();
      common.n_bounds = family_.bounds_.size();
    } else if (shape_.type == MetricType::kSummary) {
      common.quantiles = shape_.quantiles.data();
      common.n_quantiles = shape_.quantiles.size();
    }
    std::fill_n(out, max, common);
  }

  size_t FillPoints(Point* out, size_t max) {
    switch (shape_.type) {
      case MetricType::kCounter:
        return FillPointsBy<&FamilyReader::FillCounter>(out, max);
      case MetricType::kHistogram:
        return FillPointsBy<&FamilyReader::FillHistogram>(out, max);
      case MetricType::kSummary:
        return FillPointsBy<&FamilyReader::FillSummary>(out, max);
      case MetricType::kStateset:
        return FillPointsBy<&FamilyReader::FillStateset>(out, max);
      case MetricType::kInfo:
        return FillPointsBy<&FamilyReader::FillInfo>(out, max);
      default:
        return FillPointsBy<&FamilyReader::FillGauge>(out, max);
    }
  }

  // fill: writes what is the type's own and PreparePoints() could not know.
  template <void (FamilyReader::*fill)(Series*, size_t, Point*)>
  size_t FillPointsBy(Point* out, size_t max) {
    // Copies, which no write to a point can change.
    SeriesArena::Walk walk = walk_;
    const size_t words = words_;
    size_t n = 0;
    while (n < max) {
      Series* series = walk.Next();
      if (series == nullptr) break;
      if (!Exposed(series)) [[unlikely]]
        continue;
      out[n].labels = {reinterpret_cast<const char*>(series->cell() + words), series->label_bytes_};
      out[n].created_ms = series->created_ms();
      (this->*fill)(series, n, &out[n]);
      ++n;
    }
    walk_ = walk;
    return n;
  }

  bool Exposed(Series* series) {
    const uintptr_t route = series->route_.load(std::memory_order_acquire);
    return (route & Series::kRemoved) == 0 || CountsAgain(series, route);
  }

  // A series that was removed is back where its host has counted since.
  [[gnu::noinline]] bool CountsAgain(Series* series, uintptr_t route) {
    if ((route & Series::kDead) != 0 || !HasHostCells(*series)) return false;
    // The host writes its cells past the series: what they count since the removal brings it back.
    if (HostCellSum(series) == 0) return false;
    series->Wake();
    return true;
  }

  static bool HasHostCells(const Series& series) {
    return (series.flags_.load(std::memory_order_acquire) & Series::kHasHostCells) != 0;
  }
  uint64_t HostCellSum(const Series* series) {
    std::lock_guard lock(family_.mutex_);
    return family_.host_cells_.Sum(series);
  }

  template <typename Use>
  static void EachStripe(Series* series, const Use& use) {
    Stripes* stripes = Stripes::Of(series->route_.load(std::memory_order_acquire));
    if (stripes == nullptr) return;
    for (uint32_t i = 0; i < stripes->count(); ++i) use(stripes->Cell(i));
  }
  static double AsDouble(const Word& word) {
    return std::bit_cast<double>(word.load(std::memory_order_relaxed));
  }

  void FillInfo(Series*, size_t, Point*) {}
  void FillGauge(Series* series, size_t, Point* out) { out->value = AsDouble(series->cell()[0]); }
  void FillStateset(Series* series, size_t, Point* out) {
    out->states = series->cell()->load(std::memory_order_relaxed);
  }

  void FillCounter(Series* series, size_t n, Point* out) {
    const Count count = HasHostCells(*series) ? ReadWithHostCells(series) : ReadCount(series);
    out->is_integer = count.fraction == 0;
    out->integer = count.whole;
    out->value = static_cast<double>(count.whole) + count.fraction;
    FillExemplars(*series, n, 1, out);
  }

  struct Count {
    uint64_t whole;
    double fraction;
  };
  static Count ReadCount(Series* series) {
    const Word* const cell = series->cell();
    Count count{cell[0].load(std::memory_order_relaxed), AsDouble(cell[1])};
    EachStripe(series, [&](const Word* stripe) {
      count.whole += stripe[0].load(std::memory_order_relaxed);
      count.fraction += AsDouble(stripe[1]);
    });
    return count;
  }
  [[gnu::noinline]] Count ReadWithHostCells(Series* series) {
    // Until all is read no cell of the host goes, and with it what it counted into the series.
    std::lock_guard lock(family_.mutex_);
    Count count = ReadCount(series);
    count.whole += family_.host_cells_.Sum(series);
    return count;
  }

  void FillHistogram(Series* series, size_t n, Point* out) {
    const size_t buckets = WordsPerPoint();
    uint64_t* counts = counts_.data() + n * buckets;
    const Word* const cell = series->cell();
    double sum = AsDouble(cell[0]);
    for (size_t i = 0; i < buckets; ++i) counts[i] = cell[1 + i].load(std::memory_order_relaxed);
    EachStripe(series,
               [&](const Word* stripe) { sum += Stripes::AddBuckets(stripe, buckets, counts); });
    out->counts = counts;
    out->sum = sum;
    if (family_.has_native()) FillNative(series, &natives_[n], counts, out);
    FillExemplars(*series, n, buckets, out);
  }

  void FillExemplars(const Series& series, size_t n, size_t buckets, Point* out) {
    if ((series.flags_.load(std::memory_order_relaxed) & Series::kHasExemplars) == 0) {
      // Nothing is left of another point as long as there has been none with exemplars.
      if (!exemplars_.empty()) out->exemplars = nullptr, out->n_exemplars = 0;
      return;
    }
    CopyExemplars(series, n, buckets, out);
  }

  [[gnu::noinline]] void CopyExemplars(const Series& series, size_t n, size_t buckets, Point* out) {
    // Grows at most once in a batch, so that what points say before stays where it is.
    if (exemplars_.size() < batch_ * buckets) exemplars_.resize(batch_ * buckets);
    Exemplar* exemplars = exemplars_.data() + n * buckets;
    std::fill_n(exemplars, buckets, Exemplar());
    out->exemplars = exemplars;
    out->n_exemplars = buckets;
    std::lock_guard lock(family_.exemplar_mutex_);
    const std::vector<ExemplarNode*>* kept = family_.exemplars_.Find(&series);
    if (kept == nullptr) return;
    for (const ExemplarNode* each : *kept) {
      if (n_texts_ == texts_.size()) texts_.emplace_back();
      std::string& text = texts_[n_texts_++];
      text = each->labels();
      exemplars[each->bucket.load(std::memory_order_relaxed)] = {
          text, AsDouble(each->value_bits), each->unix_ms.load(std::memory_order_relaxed)};
    }
  }

  void FillNative(Series* series, NativeReading* reading, uint64_t* counts, Point* out) {
    reading->Read(*family_.NativeOf(series), shape_.native.max_buckets, shape_.native.level);
    reading->histogram().zero_threshold = shape_.native.zero_threshold;
    out->native = &reading->histogram();
    reading->CutClassic(counts, out->n_bounds);
  }

  void FillSummary(Series* series, size_t n, Point* out) {
    double* values = quantile_values_.data() + n * shape_.quantiles.size();
    auto* sketch = reinterpret_cast<Sketch*>(series->cell()->load(std::memory_order_relaxed));
    const Sketch::Totals totals = sketch->Read(shape_.quantiles.data(), shape_.quantiles.size(),
                                               values, family_.clock().Now());
    out->quantile_values = values;
    out->integer = totals.count;
    out->sum = totals.sum;
  }

  Family& family_;
  const FamilyShape& shape_;
  const size_t words_;
  SeriesArena::Walk walk_;
  ReadSections::Guard section_;
  std::vector<std::string_view> states_;
  std::vector<uint64_t> counts_;
  std::vector<double> quantile_values_;
  std::vector<NativeReading> natives_;
  const Point* prepared_ = nullptr;
  size_t n_prepared_ = 0;
  // So many points the batch has at most.
  size_t batch_ = 0;
  std::vector<Exemplar> exemplars_;
  // Copies of the labels of exemplars, which may change any time; the first n_texts_ are in use.
  std::deque<std::string> texts_;
  size_t n_texts_ = 0;
};

std::unique_ptr<PointSource> Family::Read() { return std::make_unique<FamilyReader>(this); }

}  // namespace promplug
