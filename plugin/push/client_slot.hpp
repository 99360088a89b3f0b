// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "http/http_client.hpp"

namespace promplug {

using ClientFactory = std::function<Result<std::unique_ptr<HttpClient>>()>;

// A client that can be dropped, with its connections, and is made anew when it is needed.
// Threads as of HttpClient.
class ClientSlot final : public HttpClient {
 public:
  explicit ClientSlot(ClientFactory factory) : factory_(std::move(factory)) {}

  // Makes the client unless it is there. The errors of the factory.
  Status Fill();
  // Not during Perform().
  void Drop();

  Result<HttpResponse> Perform(const HttpRequest& request) override;
  void Interrupt() override;
  void ClearInterrupt() override;

 private:
  const ClientFactory factory_;
  std::mutex mutex_;  // guards the rest; the client is made and dropped by the performing thread
  std::unique_ptr<HttpClient> client_;
  bool interrupted_ = false;
};

}  // namespace promplug
