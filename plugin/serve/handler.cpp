// SPDX-License-Identifier: MIT
#include "serve/handler.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "serve/accept.hpp"
#include "serve/answer.hpp"
#include "serve/query.hpp"

namespace promplug {
namespace {

constexpr double kMaxTimeoutSeconds = 24 * 3600;
constexpr double kMaxMarginSeconds = 0.5;

// All values of a header, joined as RFC 9110 section 5.3 says.
std::string HeaderValue(const ScrapeRequest& request, std::string_view name) {
  std::string value;
  for (const auto& [header, text] : request.headers) {
    if (!EqualsIgnoreCase(header, name)) continue;
    if (!value.empty()) value.append(",");
    value.append(text);
  }
  return value;
}

// What the scraper grants, less the time the answer needs on its way; a value that is not a
// positive number is as none.
double GrantedSeconds(std::string_view header) {
  const std::string_view text = TrimSpaces(header);
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(seconds) ||
      seconds <= 0) {
    return kMaxTimeoutSeconds;
  }
  return seconds - std::min(seconds / 10, kMaxMarginSeconds);
}

Duration Timeout(const ScrapeRequest& request, const ScrapeConfig& config) {
  double seconds = config.timeout_seconds;
  if (request.timeout > Duration::zero()) {
    seconds = std::chrono::duration<double>(request.timeout).count();
  }
  seconds = std::min({seconds, kMaxTimeoutSeconds,
                      GrantedSeconds(HeaderValue(request, "X-Prometheus-Scrape-Timeout-Seconds"))});
  return FromSeconds(seconds);
}

std::span<const Coding> Offered(ScrapeCompression compression) {
  static constexpr std::array kGzipAlone = {Coding::kGzip};
  switch (compression) {
    case ScrapeCompression::kAuto:
      return CompressingCodings();
    case ScrapeCompression::kGzip:
      return kGzipAlone;
    case ScrapeCompression::kNone:
      return {};
  }
  return {};
}

class Handler final : public MetricsHandler {
 public:
  Handler(Gatherer& gatherer, SelfMetrics* self, const Clock& clock,
          std::shared_ptr<const ScrapeConfig> config)
      : gatherer_(gatherer),
        self_(self),
        clock_(clock),
        in_flight_(std::make_shared<std::atomic<int64_t>>(0)),
        config_(std::move(config)) {}

  void UpdateConfig(std::shared_ptr<const ScrapeConfig> config) override {
    std::lock_guard lock(mutex_);
    config_.swap(config);
  }

  std::unique_ptr<Scrape> Begin(const ScrapeRequest& request,
                                std::function<void()> ready) override {
    const std::shared_ptr<const ScrapeConfig> config = CurrentConfig();
    if (!request.ignore_path && request.path != config->path) return nullptr;
    if (request.method == "HEAD") return BeginHead(request, *config);
    if (request.method == "GET") return BeginGet(request, *config, std::move(ready));
    if (self_ != nullptr) self_->Scraped(405, Duration::zero());
    return NewTextAnswer(405, {{"Allow", "GET, HEAD"}}, "method not allowed\n");
  }

 private:
  std::shared_ptr<const ScrapeConfig> CurrentConfig() const {
    std::lock_guard lock(mutex_);
    return config_;
  }

  static AnswerForm Form(const ScrapeRequest& request, const ScrapeConfig& config) {
    AnswerForm form;
    form.exposition = NegotiateForm(HeaderValue(request, "Accept"));
    form.exposition.created_series = config.created_series;
    const std::span<const Coding> offered = Offered(config.compression);
    form.coding_varies = !offered.empty();
    form.coding = NegotiateCoding(HeaderValue(request, "Accept-Encoding"), offered);
    form.hold = request.need_length;
    return form;
  }

  std::unique_ptr<Scrape> BeginHead(const ScrapeRequest& request, const ScrapeConfig& config) {
    if (self_ != nullptr) self_->Scraped(200, Duration::zero());
    return NewHeadAnswer(Form(request, config));
  }

  std::unique_ptr<Scrape> BeginGet(const ScrapeRequest& request, const ScrapeConfig& config,
                                   std::function<void()> ready) {
    const TimePoint begun = clock_.Now();
    InFlight in_flight(in_flight_, self_);
    if (in_flight.others() >= config.max_requests_in_flight) {
      if (self_ != nullptr) {
        self_->ScrapeRefused();
        self_->Scraped(503, clock_.Now() - begun);
      }
      return NewTextAnswer(503, {{"Retry-After", "1"}}, "too many scrapes at once, try again\n");
    }
    GatherRequest gather;
    gather.names = QueryValues(request.query, "name[]");
    gather.deadline = begun + Timeout(request, config);
    return NewGatherAnswer(gatherer_, std::move(gather), Form(request, config),
                           AnswerReport{self_, &clock_, begun}, std::move(in_flight),
                           std::move(ready));
  }

  Gatherer& gatherer_;
  SelfMetrics* const self_;
  const Clock& clock_;
  const std::shared_ptr<std::atomic<int64_t>> in_flight_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ScrapeConfig> config_;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<MetricsHandler> NewScrapeHandler(Gatherer& gatherer, SelfMetrics* self,
                                                 const Clock& clock,
                                                 std::shared_ptr<const ScrapeConfig> config) {
  return std::make_unique<Handler>(gatherer, self, clock, std::move(config));
}

}  // namespace promplug
