// SPDX-License-Identifier: MIT
#include "gather/callback_run.hpp"

#include <cxxabi.h>

#include <cmath>
#include <exception>
#include <new>

namespace promplug {
namespace {

const char* ReasonOf(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return "";
    case Code::kLimit:
      return "too_large";
    case Code::kTimeout:
      return "timeout";
    default:
      return "error";
  }
}

void TakeStatus(const Status& status, CallbackOutcome* outcome) {
  outcome->reason = ReasonOf(status);
  outcome->text = status.text();
}

void Collect(Callback& callback, uint64_t max_output_bytes, const Clock& clock,
             CallbackOutcome* outcome) {
  CollectorWriter writer(max_output_bytes, clock, callback.deadline);
  const Status status = callback.collect(writer);
  outcome->refusals = writer.refusals();
  if (!writer.lost().ok()) {
    TakeStatus(writer.lost(), outcome);
  } else if (!status.ok()) {
    outcome->reason = "error";
    outcome->text = status.text();
  } else {
    outcome->output.families = writer.Finish();
  }
}

void ReadValue(Callback& callback, CallbackOutcome* outcome) {
  double value = 0;
  const Status status = callback.read(&value);
  if (!status.ok()) {
    outcome->reason = "error";
    outcome->text = status.text();
  } else if (callback.series->type == MetricType::kCounter && !(value >= 0)) {
    outcome->reason = "error";
    outcome->text = "counter that is negative or NaN";
  } else {
    outcome->output.value = value;
  }
}

}  // namespace

// A thread that ends itself unwinds without an exception that the reference could be bound to.
__attribute__((no_sanitize("null"))) CallbackOutcome RunCallback(Callback& callback,
                                                                 uint64_t max_output_bytes,
                                                                 const Clock& clock) {
  CallbackOutcome outcome;
  const TimePoint began = clock.Now();
  try {
    if (callback.collect) {
      Collect(callback, max_output_bytes, clock, &outcome);
    } else {
      ReadValue(callback, &outcome);
    }
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (const std::exception& exception) {
    outcome.reason = "exception";
    outcome.text = exception.what();
  } catch (...) {
    outcome.reason = "exception";
  }
  outcome.took = clock.Now() - began;
  return outcome;
}

CallbackOutput ReadCell(const void* cell, CellType type) {
  CallbackOutput output;
  switch (type) {
    case CellType::kU64:
      output.is_integer = true;
      output.integer = __atomic_load_n(static_cast<const uint64_t*>(cell), __ATOMIC_RELAXED);
      break;
    case CellType::kI64:
      output.value =
          static_cast<double>(__atomic_load_n(static_cast<const int64_t*>(cell), __ATOMIC_RELAXED));
      break;
    case CellType::kF64:
      __atomic_load(static_cast<const double*>(cell), &output.value, __ATOMIC_RELAXED);
      break;
  }
  return output;
}

}  // namespace promplug
