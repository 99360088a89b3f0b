// SPDX-License-Identifier: MIT
#include "push/client_slot.hpp"

#include <utility>

namespace promplug {

Status ClientSlot::Fill() {
  if (client_ != nullptr) return Status();
  Result<std::unique_ptr<HttpClient>> made = factory_();
  if (!made.ok()) return made.status();
  std::lock_guard lock(mutex_);
  client_ = std::move(made).value();
  if (interrupted_) client_->Interrupt();
  return Status();
}

void ClientSlot::Drop() {
  std::unique_ptr<HttpClient> client;
  std::lock_guard lock(mutex_);
  client.swap(client_);
}

Result<HttpResponse> ClientSlot::Perform(const HttpRequest& request) {
  Status filled = Fill();
  if (!filled.ok()) return filled;
  return client_->Perform(request);
}

void ClientSlot::Interrupt() {
  std::lock_guard lock(mutex_);
  interrupted_ = true;
  if (client_ != nullptr) client_->Interrupt();
}

void ClientSlot::ClearInterrupt() {
  std::lock_guard lock(mutex_);
  interrupted_ = false;
  if (client_ != nullptr) client_->ClearInterrupt();
}

}  // namespace promplug
