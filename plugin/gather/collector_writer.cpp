// SPDX-License-Identifier: MIT
#include "gather/collector_writer.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/text.hpp"
#include "gather/point_check.hpp"
#include "metrics/exemplar_store.hpp"
#include "metrics/names.hpp"

namespace promplug {
namespace {

bool IsHistogram(MetricType type) {
  return type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
}

// The exemplars of `point` in the form of Point::exemplars; of several in a bucket the last.
std::vector<Exemplar> PlaceExemplars(MetricType type, const Point& point, const Clock& clock) {
  std::vector<Exemplar> placed;
  if (point.n_exemplars == 0 || (type != MetricType::kCounter && !IsHistogram(type))) return placed;
  for (size_t i = 0; i < point.n_exemplars; ++i) {
    const Exemplar& exemplar = point.exemplars[i];
    if (!IsGoodExemplar(exemplar.labels)) continue;
    size_t bucket = 0;
    if (IsHistogram(type)) {
      const double* end = point.bounds + point.n_bounds;
      bucket =
          static_cast<size_t>(std::lower_bound(point.bounds, end, exemplar.value) - point.bounds);
    }
    placed.resize(IsHistogram(type) ? point.n_bounds + 1 : 1);
    placed[bucket] = exemplar;
    if (exemplar.unix_ms == 0) placed[bucket].unix_ms = clock.UnixMillis();
  }
  return placed;
}

}  // namespace

CollectorWriter::CollectorWriter(uint64_t max_bytes, const Clock& clock,
                                 const std::atomic<TimePoint::rep>& deadline)
    : max_bytes_(std::min(max_bytes, kMaxOutputBytes)),
      clock_(clock),
      deadline_(deadline),
      output_(std::make_shared<CollectedOutput>()) {}

Duration CollectorWriter::TimeLeft() const {
  const TimePoint deadline{TimePoint::duration(deadline_.load(std::memory_order_relaxed))};
  return deadline - clock_.Now();
}

Status CollectorWriter::Lose(Code code, const char* text) {
  lost_ = Status(code, text);
  return lost_;
}

Status CollectorWriter::CheckAlive() {
  if (!lost_.ok()) return lost_;
  if (TimeLeft() <= Duration::zero()) return Lose(Code::kTimeout, "too late to count");
  return Status();
}

Status CollectorWriter::Refuse(Status why) {
  if (refusals_.invalid++ == 0 && refusals_.duplicates == 0) refusals_.first = why.text();
  return why;
}

Status CollectorWriter::RefuseFamily(Status why) {
  began_ = true;
  family_ = CollectedOutput::kNotFound;
  return Refuse(std::move(why));
}

Status CollectorWriter::BeginFamily(const FamilyHead& head) try {
  Status status = CheckAlive();
  if (!status.ok()) return status;
  began_ = true;
  family_ = CollectedOutput::kNotFound;
  status = CheckFamilyHead(head);
  if (!status.ok()) return Refuse(std::move(status));
  const size_t found = output_->Find(head.name);
  if (found != CollectedOutput::kNotFound) {
    if (output_->type(found) != head.type) {
      return Refuse(
          Status(Code::kInvalid, "family " + Quoted(head.name) + " again, with another type"));
    }
    family_ = found;
    return Status();
  }
  const size_t bytes = head.name.size() + head.help.size() + head.unit.size();
  if (output_->bytes() + bytes > max_bytes_) return TooLarge();
  output_->AddFamily(head);
  seen_.emplace_back();
  family_ = output_->n_families() - 1;
  return Status();
} catch (const std::bad_alloc&) {
  return Lose(Code::kNoMemory, "no memory for the output");
}

Status CollectorWriter::Add(const Label* labels, size_t n_labels, const Point& values) try {
  Status status = CheckAlive();
  if (!status.ok()) return status;
  if (family_ == CollectedOutput::kNotFound) {
    // After a family that was refused, that has been counted already.
    if (began_) return Status(Code::kInvalid, "no family is open");
    return Refuse(Status(Code::kInvalid, "a point came before the first family"));
  }
  return AddChecked(labels, n_labels, values);
} catch (const std::bad_alloc&) {
  return Lose(Code::kNoMemory, "no memory for the output");
}

Status CollectorWriter::AddChecked(const Label* labels, size_t n_labels, const Point& values) {
  const FamilyHead head = output_->Head(family_);
  const auto refuse = [&](const Status& why) {
    return Refuse(Status(Code::kInvalid, std::string(head.name) + ": " + why.text()));
  };
  Status status = CheckReservedLabels(head, labels, n_labels);
  if (!status.ok()) return refuse(status);
  status = CheckPoint(head.type, values);
  if (!status.ok()) return refuse(status);
  rendered_.clear();
  bool quoted = false;
  status = AppendRenderedLabels(&rendered_, labels, n_labels, &quoted);
  if (!status.ok()) return refuse(status);
  if (output_->bytes() + rendered_.size() > max_bytes_) return TooLarge();
  if (!seen_[family_].series.InsertSeries(rendered_, quoted)) {
    Status duplicate(Code::kInvalid, std::string(head.name) + rendered_ + " was said before");
    if (refusals_.duplicates++ == 0 && refusals_.invalid == 0) refusals_.first = duplicate.text();
    return duplicate;
  }
  const std::vector<Exemplar> exemplars = PlaceExemplars(head.type, values, clock_);
  Point point = values;
  point.labels = rendered_;
  point.exemplars = exemplars.data();
  point.n_exemplars = exemplars.size();
  output_->AddPoint(family_, point);
  if (quoted) output_->SetQuotedLabels(family_);
  if (!FitsOpenMetrics(head, labels, n_labels, values)) output_->SetPlainInOpenMetrics(family_);
  // The hash of the series is kept, too.
  const uint64_t bytes = output_->bytes() + 2 * sizeof(uint64_t) * ++n_points_;
  return bytes > max_bytes_ ? TooLarge() : Status();
}

// OpenMetrics wants the states of a series together, and of a group all timestamps or none. All of
// an info family are one group, and the states of a series are.
bool CollectorWriter::FitsOpenMetrics(const FamilyHead& head, const Label* labels, size_t n_labels,
                                      const Point& values) {
  if (head.type != MetricType::kInfo && head.type != MetricType::kStateset) return true;
  if (values.has_timestamp) return false;
  if (head.type == MetricType::kInfo) return true;
  const std::string state = StateLabelName(head.name);
  std::vector<Label> rest(labels, labels + n_labels);
  std::erase_if(rest, [&](const Label& label) { return label.name == state; });
  std::string rendered;
  if (!AppendRenderedLabels(&rendered, rest.data(), rest.size()).ok()) return false;
  Seen& seen = seen_[family_];
  const uint64_t group = HashLabelSet(rendered);
  const bool goes_on = group == seen.last_group;
  seen.last_group = group;
  return seen.groups.Insert(group) || goes_on;
}

Status CollectorWriter::TooLarge() { return Lose(Code::kLimit, "the output is too large"); }

std::shared_ptr<const CollectedOutput> CollectorWriter::Finish() {
  output_->Seal();
  return std::move(output_);
}

Status CumulativeToBuckets(const uint64_t* cumulative, size_t n, uint64_t count,
                           std::vector<uint64_t>* buckets) {
  buckets->resize(n + 1);
  uint64_t before = 0;
  for (size_t i = 0; i < n; ++i) {
    if (cumulative[i] < before) {
      return Status(Code::kInvalid, "histogram whose cumulative counts fall");
    }
    (*buckets)[i] = cumulative[i] - before;
    before = cumulative[i];
  }
  if (count < before)
    return Status(Code::kInvalid, "histogram with more in its buckets than count");
  (*buckets)[n] = count - before;
  return Status();
}

}  // namespace promplug
