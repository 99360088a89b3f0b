// SPDX-License-Identifier: MIT
// How a family tells its series apart by their label values, and updates one that it finds by them.
#include "base/text.hpp"
#include "metrics/family_look_up.hpp"

namespace promplug {

LabelKey Family::KeyOf(const std::string_view* values, size_t n) const {
  return LabelKey(context_->hash_seed, n, [values](size_t i) { return values[i]; });
}

Series* Family::FindPinned(const LabelKey& key) {
  const ReadSections::Guard section = context_->sections->Enter();
  Series* series = Find(key);
  if (series == nullptr) return nullptr;
  // Either this pin is seen by who takes the series out of the table, or its mark is seen here.
  series->pins_.fetch_add(1, std::memory_order_seq_cst);
  if ((series->route_.load(std::memory_order_seq_cst) & Series::kDead) == 0) return series;
  series->pins_.fetch_sub(1, std::memory_order_seq_cst);
  return nullptr;
}

bool Family::ApplyHot(Series* series, UpdateOp op, double value) {
  const MetricType type = shape_.type;
  if (op == UpdateOp::kAdd) {
    if (type == MetricType::kCounter) return series->CounterAdd(value), true;
    if (type != MetricType::kGauge) return false;
    series->GaugeAdd(value);
  } else if (op == UpdateOp::kSet) {
    if (type != MetricType::kGauge) return false;
    series->GaugeSet(value);
  } else {
    if (type != MetricType::kHistogram || op != UpdateOp::kObserve) return false;
    series->Observe(value);
  }
  return true;
}

Status Family::Apply(Series* series, UpdateOp op, double value) {
  if (ApplyHot(series, op, value)) return Status();
  const MetricType type = shape_.type;
  if (op == UpdateOp::kObserve && type == MetricType::kSummary) {
    series->Observe(value);
  } else if (op == UpdateOp::kSet && type == MetricType::kStateset && value >= 0 &&
             value < 2.0 * static_cast<double>(shape_.states.size())) {
    const auto number = static_cast<uint32_t>(value);
    series->StateSet(number / 2, number % 2 != 0);
  } else {
    UpdateIgnored();
    return Status(Code::kInvalid,
                  "family " + Quoted(shape_.name) + ": the operation does not fit the type");
  }
  return Status();
}

Status Family::Update(const std::string_view* values, size_t n, UpdateOp op, double value,
                      const Exemplar* exemplar) {
  const auto apply = [&](Series* series) {
    return exemplar == nullptr ? Apply(series, op, value) : Apply(series, op, value, *exemplar);
  };
  if (n == frame_.values()) {
    const LabelKey key = KeyOf(values, n);
    const ReadSections::Guard section = context_->sections->Enter();
    Series* series = Find(key);
    if (series != nullptr &&
        (series->route_.load(std::memory_order_acquire) & Series::kDead) == 0) {
      return apply(series);
    }
  }
  Series* series = nullptr;
  Status status = FindOrMake(values, n, &series);
  if (!status.ok()) return status;
  const auto unpin = [this](Series* pinned) { Unpin(pinned); };
  const std::unique_ptr<Series, decltype(unpin)> pin(series, unpin);
  return apply(series);
}

bool Family::HasEscapedValues(const Series& series, const std::string_view* values) const {
  LabelReader reader(series.labels());
  for (size_t i = 0; i < shape_.n_const_labels; ++i) reader.Next();
  for (size_t i = 0; i < frame_.values(); ++i) {
    if (!reader.Next() || !IsEscapedAs(values[i], reader.escaped_value())) return false;
  }
  return true;
}

uint64_t Family::HashOf(const Series& series) const {
  LabelReader reader(series.labels());
  for (size_t i = 0; i < shape_.n_const_labels; ++i) reader.Next();
  uint64_t hash = 0;
  uint64_t seed = context_->hash_seed;
  std::string plain;
  for (; reader.Next(); seed = NextSeed(seed)) {
    plain.clear();
    AppendUnescapedLabelValue(&plain, reader.escaped_value());
    hash += HashBytes(plain, seed);
  }
  return hash;
}

}  // namespace promplug
