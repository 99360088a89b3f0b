// SPDX-License-Identifier: MIT
#include "relay/relay.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "relay/cleaner.hpp"
#include "relay/family_filter.hpp"
#include "relay/regroup.hpp"

namespace promplug {
namespace {

RelayOutcome Failed(std::string text) {
  RelayOutcome outcome;
  outcome.text = std::move(text);
  return outcome;
}

RelayOutcome FailedAs(const Cleaner& cleaner) {
  RelayOutcome outcome = Failed(cleaner.reason());
  outcome.read_again = cleaner.stop() == Cleaner::Stop::kApart;
  return outcome;
}

// As Prometheus writes its scrape timeout: seconds, with a fraction where there is one.
std::string SecondsText(Duration timeout) {
  char text[64];
  const double seconds = std::chrono::duration<double>(timeout).count();
  const auto end = std::to_chars(text, text + sizeof text, seconds, std::chars_format::fixed).ptr;
  return {text, end};
}

enum class ContentKind { kText, kOpenMetrics, kOther };

ContentKind KindOf(std::string_view content_type) {
  const std::string_view type = TrimSpaces(content_type.substr(0, content_type.find(';')));
  if (type.empty() || EqualsIgnoreCase(type, "text/plain")) return ContentKind::kText;
  if (EqualsIgnoreCase(type, "application/openmetrics-text")) return ContentKind::kOpenMetrics;
  return ContentKind::kOther;
}

// Empty: the response is one whose body may be an exposition.
std::string WhyNotExposition(const HttpResponse& response) {
  if (response.status != 200) {
    std::string text = "it answered with status " + std::to_string(response.status);
    if (!response.text.empty()) text += ": " + Quoted(TrimSpaces(response.text));
    return text;
  }
  if (KindOf(response.content_type) == ContentKind::kOther) {
    return "its Content-Type is no text exposition: " + Quoted(response.content_type);
  }
  return {};
}

class HttpRelay final : public Relay {
 public:
  HttpRelay(const ForwardConfig& config, HttpClient* client, SelfMetrics* self)
      : config_(config), client_(client), self_(self) {}

  RelayOutcome Read(const std::set<std::string>& exclude, Duration timeout,
                    const std::function<bool(std::string_view)>& out) override {
    const FamilyFilter filter(config_, exclude);
    timeout = std::min(timeout, FromSeconds(config_.timeout_seconds));
    if (timeout <= Duration::zero()) return Failed("no time is left to read it");
    RelayOutcome outcome =
        holds_body_ ? ReadHeld(filter, timeout, out) : ReadStream(filter, timeout, out);
    if (outcome.read_again) holds_body_ = true;
    return outcome;
  }

 private:
  using Take = std::function<bool(std::string_view)>;

  RelayOutcome ReadStream(const FamilyFilter& filter, Duration timeout, const Take& out) {
    Cleaner cleaner(filter, Cleaner::Input::kAsItComes, out);
    HttpResponse response;
    RelayOutcome failed;
    const bool got = Get(
        timeout, [&](std::string_view piece) { return cleaner.Feed(piece); }, &response, &failed);
    if (cleaner.stop() != Cleaner::Stop::kNone) return FailedAs(cleaner);
    return got ? End(response, &cleaner, cleaner.ended_with_eof()) : failed;
  }

  RelayOutcome ReadHeld(const FamilyFilter& filter, Duration timeout, const Take& out) {
    std::string body;
    HttpResponse response;
    RelayOutcome failed;
    const auto keep = [&](std::string_view piece) {
      body.append(piece);
      return true;
    };
    if (!Get(timeout, keep, &response, &failed)) return failed;
    const auto pieces = Regroup(body);
    if (!pieces.ok()) return Failed(pieces.status().text());
    Cleaner cleaner(filter, Cleaner::Input::kRegrouped, out);
    for (const std::string_view piece : pieces.value()) {
      if (!cleaner.Feed(piece)) return FailedAs(cleaner);
    }
    return End(response, &cleaner, body.ends_with("# EOF\n"));
  }

  // One GET. True: a response came whole that may be an exposition; else `failed` says what came.
  bool Get(Duration timeout, const Take& take, HttpResponse* response, RelayOutcome* failed) {
    uint64_t bytes = 0;
    HttpRequest request;
    request.method = "GET";
    request.url = config_.url;
    request.headers = {{"Accept", "text/plain;version=0.0.4"},
                       {"X-Prometheus-Scrape-Timeout-Seconds", SecondsText(timeout)}};
    request.timeout = timeout;
    request.use_proxy = false;
    request.sink = [&](std::string_view piece) {
      bytes += piece.size();
      return bytes <= config_.max_bytes && take(piece);
    };
    Result<HttpResponse> result = client_->Perform(request);
    if (bytes > config_.max_bytes) {
      *failed = Failed("it says more than " + std::to_string(config_.max_bytes) + " bytes");
      return false;
    }
    if (!result.ok()) {
      *failed = Failed(result.status().text());
      if (result.status().code() == Code::kNotFound) failed->kind = RelayOutcome::Kind::kAbsent;
      return false;
    }
    *response = std::move(result).value();
    *failed = Failed(WhyNotExposition(*response));
    return failed->text.empty();
  }

  RelayOutcome End(const HttpResponse& response, Cleaner* cleaner, bool ended_with_eof) {
    if (!cleaner->Finish()) return FailedAs(*cleaner);
    if (KindOf(response.content_type) == ContentKind::kOpenMetrics && !ended_with_eof) {
      return Failed("cut: it calls itself OpenMetrics and does not end with \"# EOF\"");
    }
    Count(cleaner->left_out());
    RelayOutcome outcome;
    outcome.kind = RelayOutcome::Kind::kClean;
    outcome.families_left = cleaner->families_left();
    return outcome;
  }

  void Count(const Cleaner::LeftOut& left_out) {
    if (self_ == nullptr) return;
    const std::pair<std::string_view, uint64_t> counts[] = {
        {"duplicate", left_out.duplicate}, {"invalid", left_out.invalid}, {"type", left_out.type}};
    for (const auto& [reason, count] : counts) {
      if (count != 0) self_->ForwardSeriesDropped(config_.job, reason, count);
    }
  }

  const ForwardConfig config_;
  HttpClient* const client_;
  SelfMetrics* const self_;
  // The exporter was seen to let families come apart: its body is held and regrouped.
  bool holds_body_ = false;
};

}  // namespace

std::unique_ptr<Relay> NewRelay(const ForwardConfig& config, HttpClient* client,
                                SelfMetrics* self) {
  return std::make_unique<HttpRelay>(config, client, self);
}

}  // namespace promplug
