// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/point.hpp"

namespace promplug {

// What the lines of a family are called in some format beside the family's own name: that name with
// each of these behind it. What OpenMetrics alone calls a counter or info family is not among them.
std::span<const std::string_view> SampleSuffixes(MetricType type, std::string_view name);

// Every suffix that some type has.
std::span<const std::string_view> AllSampleSuffixes();

// The suffix that OpenMetrics takes off the name of such a family and puts on its line: _total of a
// counter, _info of an info family; of others none.
std::string_view OpenMetricsSuffix(MetricType type);

// What a counter or info family and its lines are called in OpenMetrics where it is not plain, the
// family first.
std::vector<std::string> OpenMetricsNames(MetricType type, std::string_view name);

}  // namespace promplug
