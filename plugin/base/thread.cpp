// SPDX-License-Identifier: MIT
#include "base/thread.hpp"

#include <signal.h>

#include <memory>
#include <new>
#include <string>
#include <utility>

namespace promplug {
namespace {

constexpr size_t kStackBytes = size_t{512} * 1024;

struct Launch {
  std::string name;
  std::function<void()> body;
};

void* Run(void* argument) {
  std::unique_ptr<Launch> launch(static_cast<Launch*>(argument));
  pthread_setname_np(pthread_self(), launch->name.c_str());
  launch->body();
  return nullptr;
}

// Synchronous signals stay deliverable: blocking them would turn a fault into a silent kill.
sigset_t AsynchronousSignals() {
  sigset_t set;
  sigfillset(&set);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
    sigdelset(&set, signal);
  }
  return set;
}

}  // namespace

Thread::~Thread() { Join(); }

Status Thread::Start(const char* name, std::function<void()> body) try {
  auto launch = std::make_unique<Launch>(Launch{name, std::move(body)});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // The mask is set here and not in Run(): a new thread inherits it, so that no signal can reach
  // the thread before it would have blocked it.
  sigset_t blocked = AsynchronousSignals();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const int error = pthread_create(&handle_, &attributes, Run, launch.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    return Status(Code::kNoMemory, std::string("cannot start thread ") + name);
  }
  (void)launch.release();
  started_ = true;
  return Status();
} catch (const std::bad_alloc&) {
  return Status(Code::kNoMemory, {});
}

void Thread::Join() {
  if (!started_) return;
  pthread_join(handle_, nullptr);
  started_ = false;
}

}  // namespace promplug
