// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "gather/callback.hpp"

namespace promplug {

// What became of one run of a callback.
struct CallbackOutcome {
  // As of SelfMetrics::Collected(): empty where it succeeded.
  const char* reason = "";
  std::string text;  // for a person, where it failed
  CallbackOutput output;
  WriterRefusals refusals;
  Duration took{};
};

// Enters the callback on this thread and says what came of it; whatever it throws ends here. Only
// the unwinding of a cancelled thread goes on through it. REQUIRES: nobody else is inside.
CallbackOutcome RunCallback(Callback& callback, uint64_t max_output_bytes, const Clock& clock);

// The value of a memory cell at this moment.
CallbackOutput ReadCell(const void* cell, CellType type);

}  // namespace promplug
