// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <cerrno>
#include <exception>
#include <new>
#include <utility>

#include "base/status.hpp"
#include "promplug/promplug.h"

namespace promplug::abi {

// Fills the caller's error record (may be null) and gives the number that crosses the boundary.
int32_t Answer(const Status& status, promplug_error* err);

// Keeps the caller's errno, and puts off a cancellation of the caller's thread: it would unwind
// through frames that hold locks.
class CallerState {
 public:
  CallerState() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_); }
  ~CallerState() {
    pthread_setcancelstate(cancel_state_, nullptr);
    errno = errno_;
  }
  CallerState(const CallerState&) = delete;
  CallerState& operator=(const CallerState&) = delete;

 private:
  int errno_ = errno;
  int cancel_state_ = PTHREAD_CANCEL_ENABLE;
};

// Runs body() -> Status so that nothing but a number leaves it. Every function of the table that
// is not [hot] is one call of this.
template <typename Body>
int32_t Fence(promplug_error* err, const Body& body) noexcept {
  const CallerState state;
  try {
    return Answer(body(), err);
  } catch (const std::bad_alloc&) {
    return Answer(Status(Code::kNoMemory, {}), err);
  } catch (...) {
    return Answer(Status(Code::kInternal, {}), err);
  }
}

// The same for calls that are made once an event: they never wait, hence never meet a cancellation
// point, and have no error record.
template <typename Body>
int32_t QuickFence(const Body& body) noexcept {
  const int before = errno;
  int32_t result;
  try {
    result = static_cast<int32_t>(body().code());
  } catch (const std::bad_alloc&) {
    result = PROMPLUG_E_NOMEM;
  } catch (...) {
    result = PROMPLUG_E_INTERNAL;
  }
  errno = before;
  return result;
}

}  // namespace promplug::abi
