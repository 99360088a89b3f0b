// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>

#include "base/status.hpp"
#include "metrics/labels.hpp"
#include "metrics/point.hpp"

namespace promplug {

// What a collector says, checked. Each answers OK or kInvalid with a text that names the value.

// The type is known, the name is not empty, and it, help and unit are UTF-8.
Status CheckFamilyHead(const FamilyHead& head);

// The labels that the family's type keeps for itself; everything else of labels is checked when
// they are rendered.
Status CheckReservedLabels(const FamilyHead& head, const Label* labels, size_t n);

// The values of a point, as CollectorWriter::Add() demands them.
Status CheckPoint(MetricType type, const Point& point);

}  // namespace promplug
