// SPDX-License-Identifier: MIT
#include "exposition/escaping_encoder.hpp"

#include "metrics/labels.hpp"

namespace promplug {

void EscapingEncoder::BeginFamily(const FamilyHead& head) {
  name_.clear();
  AppendEscapedMetricName(&name_, head.name, escaping_);
  quoted_labels_ = head.quoted_labels;
  FamilyHead escaped = head;
  escaped.name = name_;
  escaped.quoted_labels = false;
  encoder_->BeginFamily(escaped);
}

size_t EscapingEncoder::AppendPoints(const Point* points, size_t n, OutputBuffer* out) {
  if (!quoted_labels_) return encoder_->AppendPoints(points, n, out);
  for (size_t i = 0; i < n; ++i) {
    EscapeLabels(points[i].labels);
    Point point = points[i];
    point.labels = labels_;
    if (encoder_->AppendPoints(&point, 1, out) == 0) return i;
  }
  return n;
}

void EscapingEncoder::EscapeLabels(std::string_view rendered) {
  labels_.clear();
  for (LabelReader reader(rendered); reader.Next();) {
    labels_.push_back(labels_.empty() ? '{' : ',');
    if (reader.is_quoted()) {
      reader.AppendShownName(&labels_, escaping_);
    } else {
      labels_.append(reader.escaped_name());
    }
    labels_.append("=\"").append(reader.escaped_value()).append("\"");
  }
  if (!labels_.empty()) labels_.push_back('}');
}

}  // namespace promplug
