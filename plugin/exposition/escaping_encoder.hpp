// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "exposition/encoder.hpp"
#include "metrics/names.hpp"

namespace promplug {

// Gives another encoder everything with the names that a scheme makes of those that are not plain.
// Families that have none cost nothing. kAllowUtf8 needs no such encoder.
class EscapingEncoder final : public Encoder {
 public:
  EscapingEncoder(std::unique_ptr<Encoder> encoder, Escaping escaping)
      : encoder_(std::move(encoder)), escaping_(escaping) {}

  void BeginFamily(const FamilyHead& head) override;
  size_t AppendPoints(const Point* points, size_t n, OutputBuffer* out) override;
  bool EndFamily(OutputBuffer* out) override { return encoder_->EndFamily(out); }
  bool End(OutputBuffer* out) override { return encoder_->End(out); }

 private:
  void EscapeLabels(std::string_view rendered);

  const std::unique_ptr<Encoder> encoder_;
  const Escaping escaping_;
  bool quoted_labels_ = false;
  std::string name_;
  std::string labels_;
};

}  // namespace promplug
