// SPDX-License-Identifier: MIT
#include "push/gateway.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "exposition/stream.hpp"
#include "push/refusal.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxTextBytes = 1024;

// What a server said, for a log: at most 1 KiB, valid UTF-8.
std::string Printable(std::string_view said) {
  std::string text(TrimSpaces(said.substr(0, kMaxTextBytes)));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!IsValidUtf8(text)) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; }, '?');
  }
  return text;
}

PushOutcome NotPerformed(const Status& status) {
  PushOutcome outcome;
  outcome.text = status.text();
  switch (status.code()) {
    case Code::kCancelled:
      outcome.cancelled = true;
      break;
    case Code::kTimeout:
      outcome.result = PushResult::kTimeout;
      outcome.may_retry = true;
      break;
    case Code::kIo:
    case Code::kNotFound:
      outcome.result = PushResult::kUnreachable;
      outcome.may_retry = true;
      break;
    case Code::kLimit:
      outcome.result = PushResult::kRefused;
      break;
    default:
      break;
  }
  return outcome;
}

// What to do about a status, for whoever reads the log; empty where the server's text says it.
std::string_view Advice(int status) {
  switch (status) {
    case 401:
    case 403:
      return "the credentials in pushgateway.url or pushgateway.headers are missing or wrong";
    case 404:
    case 405:
      return "there is no Pushgateway at pushgateway.url; a prefix of its --web.external-url "
             "belongs to it";
    case 413:
      return "the push is larger than a proxy before the Pushgateway takes";
    default:
      return {};
  }
}

PushOutcome Refused(const HttpResponse& response) {
  PushOutcome outcome;
  outcome.result = PushResult::kRefused;
  outcome.text = "status " + std::to_string(response.status);
  if (response.status >= 300 && response.status < 400) {
    outcome.text += ", a redirect to " + Printable(RedactUrl(response.location)) +
                    ", which is never followed: set pushgateway.url to where the Pushgateway is";
    return outcome;
  }
  if (const std::string_view advice = Advice(response.status); !advice.empty()) {
    outcome.text.append(" (").append(advice).append(")");
  }
  if (!response.text.empty()) outcome.text += ": " + Printable(response.text);
  if (response.status == 400) outcome.refused_families = RefusedFamilies(response.text);
  const bool behind = response.status >= 502 && response.status <= 504;
  if (behind) outcome.result = PushResult::kUnreachable;
  outcome.may_retry = response.status >= 500 || response.status == 429;
  outcome.retry_after_seconds = response.retry_after_seconds;
  return outcome;
}

}  // namespace

PushOutcome Gateway::Perform(HttpRequest request, const std::string& group, Duration timeout) {
  request.url = config_.url + group;
  request.timeout = timeout;
  for (const auto& header : config_.headers) request.headers.push_back(header);
  const Result<HttpResponse> response = client_->Perform(request);
  if (!response.ok()) return NotPerformed(response.status());
  const int status = response.value().status;
  if (status != 200 && status != 202) return Refused(response.value());
  PushOutcome outcome;
  outcome.result = PushResult::kOk;
  return outcome;
}

PushOutcome Gateway::Push(const std::string& group, StagedBody* body, Duration timeout) {
  HttpRequest request;
  request.method = config_.method == PushMethod::kPut ? "PUT" : "POST";
  request.headers.emplace_back("Content-Type", ContentType(Format::kText004));
  if (body->sent() == StagedBody::Sent::kGzip) {
    request.headers.emplace_back("Content-Encoding", "gzip");
  }
  request.body = body;
  return Perform(std::move(request), group, timeout);
}

PushOutcome Gateway::Delete(const std::string& group, Duration timeout) {
  HttpRequest request;
  request.method = "DELETE";
  return Perform(std::move(request), group, timeout);
}

}  // namespace promplug
