// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "metrics/gathering.hpp"
#include "metrics/names.hpp"

namespace promplug {

enum class Format {
  kText004,      // text/plain; version=0.0.4
  kText100,      // text/plain; version=1.0.0: 0.0.4 with names that are quoted
  kOpenMetrics,  // application/openmetrics-text; version=1.0.0
  kProtobuf,     // delimited messages of io.prometheus.client.MetricFamily
};

// What an exposition looks like.
struct ExpositionForm {
  // NOLINTNEXTLINE(google-explicit-constructor): most have no wish about names.
  ExpositionForm(Format own_format, std::optional<Escaping> asked = std::nullopt)
      : format(own_format), escaping(asked) {}

  Format format;
  // What the client asked for; where it did not: kUnderscores, and the Content-Type says nothing.
  std::optional<Escaping> escaping;
  // Whether OpenMetrics has _created lines. The other formats have none in any case.
  bool created_series = true;
};

// The Content-Type, with version, charset and what the client asked for.
std::string ContentType(const ExpositionForm& form);

// A gathering as bytes of one format, made piece by piece as they are asked for. Nothing of what
// was written is kept (in protobuf: the family that is being written), no memory is allocated per
// line. Used by one thread at a time; never blocks.
class ExpositionStream {
 public:
  virtual ~ExpositionStream() = default;
  // The next piece, at most kMaxPieceBytes long; empty: the exposition is complete. Valid until the
  // next call.
  virtual std::string_view Next() = 0;

  static constexpr size_t kMaxPieceBytes = size_t{64} * 1024;
};

// For a push, points with a timestamp are left out (the Pushgateway refuses a whole body for one).
enum class Timestamps { kKeep, kLeaveOut };

std::unique_ptr<ExpositionStream> NewExpositionStream(Gathering gathering,
                                                      const ExpositionForm& form,
                                                      Timestamps timestamps);

}  // namespace promplug
