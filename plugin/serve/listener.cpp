// SPDX-License-Identifier: MIT
#include "serve/listener.hpp"

#include <utility>

#include "serve/listen_loop.hpp"

namespace promplug {

Listener::Listener(ScrapeHandler& handler, const Clock& clock, const Log& log)
    : handler_(handler), clock_(clock), log_(log) {}

Listener::~Listener() = default;

Status Listener::Start(const ListenerOptions& options) {
  auto loop = std::make_unique<ListenLoop>(handler_, clock_, log_, options.answer_timeout, &port_);
  Status status =
      options.fd >= 0 ? loop->StartAdopted(options.fd) : loop->StartBound(options.address);
  if (loop->running()) {
    loop_ = std::move(loop);
  } else {
    port_ = 0;
  }
  return status;
}

void Listener::Stop() {
  loop_.reset();
  port_ = 0;
}

Status Listener::Park() { return loop_ == nullptr ? Status() : loop_->Park(); }

void Listener::Unpark() {
  if (loop_ != nullptr) loop_->Unpark();
}

void Listener::AbandonAfterFork() {
  if (loop_ == nullptr) return;
  loop_->ForgetInChild();
  (void)loop_.release();
  port_ = 0;
}

}  // namespace promplug
