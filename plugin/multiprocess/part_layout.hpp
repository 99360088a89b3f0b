// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

#include "metrics/point.hpp"

namespace promplug {

// How families stand in bytes. All numbers are little-endian and not aligned; a text is its length
// (4 bytes) and its bytes; an array without a length has one that is known by then.
//
//   kFamily: kind, type, process mode, family flags (1 byte each), limit of native buckets (4),
//            texts: name, help, unit
//   kPoint:  point flags (2), text: labels
//            created, timestamp, stamp, touched, low (8 each, those that the flags say)
//            the values, by type
//            exemplars, if the flags say so: their number, that of those that are there (4 each);
//            of each its place (4), text: labels, value, time (8 each)
//   kEnd:    nothing follows
//
// The values: a number (8), the bits of a double or an integer by the flags. Of a histogram:
// bounds*, counts, sum (8), native buckets by the flags: schema (4), zero threshold, zero count (8
// each), and for each side the number of spans (4), offsets, lengths, counts. Of a summary:
// quantiles*, their values by the flags, count, sum (8 each), the window by the flags: its length
// (4), and of each bucket its number and count (8 each). Of a stateset: states*, and their bits, or
// a number where there are none. What has a * is an array with its length (4) in front, and left
// out where it is that of the point before (kSameShape).
enum class PartTag : uint8_t { kFamily = 1, kPoint = 2, kEnd = 3 };

namespace part_flags {

constexpr uint8_t kOneProcess = 1 << 0;
constexpr uint8_t kQuotedLabels = 1 << 1;
constexpr uint8_t kPlainInOpenMetrics = 1 << 2;
constexpr uint8_t kAllOfFamily = (1 << 3) - 1;

constexpr uint16_t kInteger = 1 << 0;
constexpr uint16_t kSum = 1 << 1;
constexpr uint16_t kTimestamp = 1 << 2;
constexpr uint16_t kCreated = 1 << 3;
constexpr uint16_t kStamp = 1 << 4;
constexpr uint16_t kTouched = 1 << 5;
constexpr uint16_t kSameShape = 1 << 6;
constexpr uint16_t kQuantileValues = 1 << 7;
constexpr uint16_t kWindow = 1 << 8;
constexpr uint16_t kNative = 1 << 9;
constexpr uint16_t kExemplars = 1 << 10;
constexpr uint16_t kLow = 1 << 11;
constexpr uint16_t kAllOfPoint = (1 << 12) - 1;

}  // namespace part_flags

static_assert(std::endian::native == std::endian::little);

constexpr bool IsHistogramType(MetricType type) {
  return type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
}

}  // namespace promplug
