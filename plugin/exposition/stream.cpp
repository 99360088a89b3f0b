// SPDX-License-Identifier: MIT
#include "exposition/stream.hpp"

#include <algorithm>
#include <utility>

#include "exposition/encoder.hpp"
#include "exposition/escaping_encoder.hpp"
#include "exposition/openmetrics_encoder.hpp"
#include "exposition/output_buffer.hpp"
#include "exposition/protobuf_encoder.hpp"
#include "exposition/text_encoder.hpp"

namespace promplug {
namespace {

// The walk through a gathering; an encoder makes bytes of what it meets.
class EncodedStream final : public ExpositionStream {
 public:
  EncodedStream(Gathering gathering, std::unique_ptr<Encoder> encoder, Timestamps timestamps)
      : gathering_(std::move(gathering)), encoder_(std::move(encoder)), timestamps_(timestamps) {}

  std::string_view Next() override {
    if (const std::string_view rest = buffer_.Take(); !rest.empty()) return rest;
    while (!complete_ && Step()) {
    }
    return buffer_.Take();
  }

 private:
  static constexpr size_t kBatch = 64;

  // One move forward; false: the buffer is full.
  bool Step() {
    if (at_ < filled_) return EncodeBatch();
    if (family_ == gathering_.families.size()) {
      complete_ = encoder_->End(&buffer_);
      return complete_;
    }
    if (part_ < gathering_.families[family_].parts.size()) {
      FillBatch();
      return true;
    }
    if (begun_ && !encoder_->EndFamily(&buffer_)) return false;
    begun_ = false;
    part_ = 0;
    ++family_;
    return true;
  }

  bool EncodeBatch() {
    if (!begun_) {
      encoder_->BeginFamily(gathering_.families[family_].head);
      begun_ = true;
    }
    at_ += encoder_->AppendPoints(batch_ + at_, filled_ - at_, &buffer_);
    return at_ == filled_;
  }

  void FillBatch() {
    at_ = 0;
    filled_ = gathering_.families[family_].parts[part_]->Next(batch_, kBatch);
    if (filled_ == 0) {
      ++part_;
      return;
    }
    if (timestamps_ == Timestamps::kLeaveOut) {
      const auto has_timestamp = [](const Point& point) { return point.has_timestamp; };
      filled_ =
          static_cast<size_t>(std::remove_if(batch_, batch_ + filled_, has_timestamp) - batch_);
    }
  }

  Gathering gathering_;
  const std::unique_ptr<Encoder> encoder_;
  const Timestamps timestamps_;
  OutputBuffer buffer_{kMaxPieceBytes};
  size_t family_ = 0;
  size_t part_ = 0;
  size_t at_ = 0;      // in batch_
  size_t filled_ = 0;  // of batch_
  bool begun_ = false;
  bool complete_ = false;
  Point batch_[kBatch];
};

std::unique_ptr<Encoder> NewFormatEncoder(const ExpositionForm& form) {
  switch (form.format) {
    case Format::kOpenMetrics:
      return std::make_unique<OpenMetricsEncoder>(form.created_series);
    case Format::kProtobuf:
      return std::make_unique<ProtobufEncoder>();
    case Format::kText004:
    case Format::kText100:
      break;
  }
  return std::make_unique<TextEncoder>();
}

std::unique_ptr<Encoder> NewEncoder(const ExpositionForm& form) {
  auto encoder = NewFormatEncoder(form);
  const Escaping escaping = form.escaping.value_or(Escaping::kUnderscores);
  if (escaping == Escaping::kAllowUtf8) return encoder;
  return std::make_unique<EscapingEncoder>(std::move(encoder), escaping);
}

std::string_view MediaType(Format format) {
  switch (format) {
    case Format::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case Format::kProtobuf:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited";
    case Format::kText100:
      return "text/plain; version=1.0.0; charset=utf-8";
    case Format::kText004:
      break;
  }
  return "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace

std::string ContentType(const ExpositionForm& form) {
  std::string type(MediaType(form.format));
  if (form.escaping.has_value()) type.append("; escaping=").append(EscapingName(*form.escaping));
  return type;
}

std::unique_ptr<ExpositionStream> NewExpositionStream(Gathering gathering,
                                                      const ExpositionForm& form,
                                                      Timestamps timestamps) {
  return std::make_unique<EncodedStream>(std::move(gathering), NewEncoder(form), timestamps);
}

}  // namespace promplug
