// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http_client.hpp"

namespace promplug::testing {

// An HttpClient without a network: it gives the same answer to every request, as curl would.
class CannedHttpClient final : public HttpClient {
 public:
  HttpResponse response{200, "text/plain; version=0.0.4; charset=utf-8", "", -1, ""};
  std::string body;
  Status failure;  // not OK: it comes after the whole body
  // Lengths of the pieces of the body, over and over; empty: in one piece.
  std::vector<size_t> pieces;
  std::vector<HttpRequest> requests;

  Result<HttpResponse> Perform(const HttpRequest& request) override {
    requests.push_back(request);
    requests.back().sink = nullptr;
    if (response.status != 200) {
      HttpResponse answer = response;
      answer.text = body.substr(0, 1024);
      return answer;
    }
    std::string_view rest = body;
    for (size_t i = 0; !rest.empty(); ++i) {
      const size_t wanted = pieces.empty() ? rest.size() : pieces[i % pieces.size()];
      const std::string_view piece = rest.substr(0, std::max<size_t>(wanted, 1));
      rest.remove_prefix(piece.size());
      if (!request.sink(piece)) return Status(Code::kLimit, "the sink stopped it");
    }
    if (!failure.ok()) return failure;
    return response;
  }
  void Interrupt() override {}
  void ClearInterrupt() override {}
};

}  // namespace promplug::testing
