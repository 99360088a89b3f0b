// SPDX-License-Identifier: MIT
#include "multiprocess/merged_family.hpp"

#include <utility>

#include "base/text.hpp"
#include "metrics/labels.hpp"

namespace promplug {
namespace {

constexpr std::string_view kWorker = "worker";
// In front of the label for as long as the series has one of that name.
constexpr std::string_view kOurs = "promplug_";

bool HasLabel(std::string_view labels, std::string_view name) {
  if (labels.find(name) == std::string_view::npos) return false;
  for (LabelReader reader(labels); reader.Next();) {
    if (reader.escaped_name() == name) return true;
  }
  return false;
}

}  // namespace

MergedFamily::MergedFamily(const PartHead& head, const PartOwner& owner, PartArena* arena)
    : head_(head),
      rule_(MergeRuleOf(head)),
      first_owner_(owner),
      arena_(*arena),
      name_(head.head.name),
      help_(head.head.help),
      unit_(head.head.unit) {
  head_.head.name = name_;
  head_.head.help = help_;
  head_.head.unit = unit_;
}

void MergedFamily::Add(const PartHead& head, const PartOwner& owner, PartPoints* points,
                       const SetMerge::Refuse& refuse) {
  Begin(head, owner);
  PartPoint part;
  while (points->Next(&part)) AddPoint(part, owner, refuse);
}

void MergedFamily::Begin(const PartHead& head, const PartOwner& owner) {
  head_.head.quoted_labels |= head.head.quoted_labels;
  head_.head.plain_in_open_metrics |= head.head.plain_in_open_metrics;
  const uint32_t before = source_;
  // Several parts of one live worker count as one source: its series are there once.
  source_ =
      owner.state == PartOwner::State::kLive ? owner.worker + 1 : SeriesIndex::kNone - n_others_++;
  cursor_ = 0;
  told_duplicate_ = told_invalid_ = false;
  if (rule_ != MergeRule::kPerWorker) return;
  if (source_ != before) {
    worker_begin_ = rows_.size();
    worker_is_indexed_ = false;
    worker_label_ = std::string(kWorker) + "=\"" + std::to_string(owner.worker) + "\"}";
  } else if (!worker_is_indexed_) {
    for (size_t row = worker_begin_; row < rows_.size(); ++row) {
      IndexRow(static_cast<uint32_t>(row));
    }
    worker_is_indexed_ = true;
  }
}

void MergedFamily::AddPoint(const PartPoint& part, const PartOwner& owner,
                            const SetMerge::Refuse& refuse) {
  const std::string_view labels = part.point.labels;
  uint32_t row = SeriesIndex::kNone;
  std::string_view kept;
  if (rule_ != MergeRule::kPerWorker) {
    row = FindRow(labels);
  } else {
    kept = LabelsByWorker(labels);
    if (worker_is_indexed_) row = FindRow(kept);
  }
  const auto tell = [&](bool* told, std::string_view reason, std::string_view why) {
    if (std::exchange(*told, true)) return;
    refuse(reason, name_,
           "series " + Quoted(name_ + std::string(labels)) + " of " + OwnerName(owner) +
               std::string(why));
  };
  if (row != SeriesIndex::kNone && rows_[row].source == source_) {
    return tell(&told_duplicate_, "duplicate", " comes twice from that process");
  }
  if (const char* why = WhyUnfit(row, part, owner)) {
    return tell(&told_invalid_, "invalid", std::string(" is left out: ") + why);
  }
  const bool is_first = row == SeriesIndex::kNone;
  if (is_first) row = NewRow(rule_ == MergeRule::kPerWorker ? kept : arena_.Copy(labels));
  Combine(row, is_first, part, owner);
}

std::string_view MergedFamily::LabelsByWorker(std::string_view labels) {
  const std::string_view before =
      labels.empty() ? std::string_view("{") : labels.substr(0, labels.size() - 1);
  std::string name(kWorker);
  while (HasLabel(labels, name)) name.insert(0, kOurs);
  const size_t extra = name.size() - kWorker.size();
  const bool comma = !labels.empty();
  const size_t bytes = before.size() + (comma ? 1 : 0) + extra + worker_label_.size();
  char* made = arena_.Bytes(bytes);
  char* at = made + before.copy(made, before.size());
  if (comma) *at++ = ',';
  at += std::string_view(name).copy(at, extra);
  std::string_view(worker_label_).copy(at, worker_label_.size());
  return {made, bytes};
}

uint32_t MergedFamily::FindRow(std::string_view labels) {
  const auto is_at_cursor = [&] {
    const std::string_view here = rows_[cursor_].labels;
    return here.size() == labels.size() && EqualBytes(here.data(), labels.data(), here.size());
  };
  if (cursor_ < rows_.size() && is_at_cursor()) return static_cast<uint32_t>(cursor_++);
  uint32_t row = index_.FindText(labels);
  if (row == SeriesIndex::kNone) {
    // Another order of the labels is found the long way once.
    row = index_.FindSet(HashLabelSet(labels));
    if (row != SeriesIndex::kNone) index_.AddText(arena_.Copy(labels), row);
  }
  if (row != SeriesIndex::kNone) cursor_ = row + 1;
  return row;
}

const MergedRow* MergedFamily::Find(std::string_view labels) const {
  if (rule_ == MergeRule::kPerWorker) return nullptr;
  uint32_t row = index_.FindText(labels);
  if (row == SeriesIndex::kNone) row = index_.FindSet(HashLabelSet(labels));
  return row == SeriesIndex::kNone ? nullptr : &rows_[row];
}

uint32_t MergedFamily::NewRow(std::string_view labels) {
  const auto row = static_cast<uint32_t>(rows_.size());
  if (is_histogram()) histograms_.resize(row + 1);
  if (head_.head.type == MetricType::kSummary) summaries_.resize(row + 1);
  rows_.Add(&arena_).labels = labels;
  if (rule_ != MergeRule::kPerWorker || worker_is_indexed_) IndexRow(row);
  cursor_ = rows_.size();
  return row;
}

void MergedFamily::IndexRow(uint32_t row) {
  const std::string_view labels = rows_[row].labels;
  index_.AddText(labels, row);
  index_.AddSet(HashLabelSet(labels), row);
}

}  // namespace promplug
