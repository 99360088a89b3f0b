// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "abi/fence.hpp"
#include "base/fork_watch.hpp"
#include "promplug/promplug.h"
#include "runtime.hpp"

// What the host's handle points to.
struct promplug_instance {
  promplug::ForkWatch fork_watch;
  std::function<void()> ready;  // of scrapes that bring none: host.ready_fd; or empty
  std::unique_ptr<promplug::Runtime> runtime;
};

namespace promplug::abi {

// Whether a call may go on: p is there and this is not a fork child.
inline Status Usable(const promplug_instance* p) {
  if (p == nullptr) return Status(Code::kInvalid, "the instance is NULL");
  if (p->fork_watch.Forked()) return Status(Code::kForked, {});
  return Status();
}

// The same for calls that are not allowed inside a callback.
inline Status UsableOutside(const promplug_instance* p) {
  Status status = Usable(p);
  if (!status.ok()) return status;
  if (p->runtime->sources().InsideCallback()) return Status(Code::kReentrant, {});
  return Status();
}

// While one lives, destroy() answers E_BUSY.
class User {
 public:
  explicit User(Runtime& runtime) : runtime_(runtime) { runtime_.Enter(); }
  ~User() { runtime_.Leave(); }
  User(const User&) = delete;
  User& operator=(const User&) = delete;

 private:
  Runtime& runtime_;
};

// Fence() around body(Runtime&) with the checks above.
template <typename Body>
int32_t Call(promplug_instance* p, promplug_error* err, const Body& body) noexcept {
  return Fence(err, [&]() -> Status {
    Status status = Usable(p);
    return status.ok() ? body(*p->runtime) : status;
  });
}
template <typename Body>
int32_t CallOutside(promplug_instance* p, promplug_error* err, const Body& body) noexcept {
  return Fence(err, [&]() -> Status {
    Status status = UsableOutside(p);
    return status.ok() ? body(*p->runtime) : status;
  });
}

}  // namespace promplug::abi
