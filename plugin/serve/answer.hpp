// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "compress/compressor.hpp"
#include "exposition/stream.hpp"
#include "gather/gatherer.hpp"
#include "metrics/self_metrics.hpp"
#include "serve/scrape.hpp"

namespace promplug {

// What the answer to one request looks like.
struct AnswerForm {
  ExpositionForm exposition = Format::kText004;
  bool coding_varies = false;  // other requests may get another: caches must tell them apart
  Coding coding = Coding::kIdentity;
  bool hold = false;  // the whole body is made before the head, for its length
};

// One scrape counted as in flight for as long as it lives.
class InFlight {
 public:
  // `self` may be nullptr.
  InFlight(std::shared_ptr<std::atomic<int64_t>> count, SelfMetrics* self);
  ~InFlight();
  InFlight(InFlight&& other) noexcept = default;
  InFlight& operator=(InFlight&&) = delete;

  // How many were in flight when this one began.
  int64_t others() const { return others_; }

 private:
  std::shared_ptr<std::atomic<int64_t>> count_;  // empty: moved from
  SelfMetrics* self_;
  int64_t others_;
};

// Where and since when an answer is reported.
struct AnswerReport {
  SelfMetrics* self = nullptr;  // may be nullptr
  const Clock* clock = nullptr;
  TimePoint begun;
};

// A short text/plain answer, complete at once.
std::unique_ptr<Scrape> NewTextAnswer(int status,
                                      std::vector<std::pair<std::string, std::string>> headers,
                                      std::string body);

// 200 with the headers of `form` and no body.
std::unique_ptr<Scrape> NewHeadAnswer(const AnswerForm& form);

// 200 with what the gatherer says, when it has said it.
std::unique_ptr<Scrape> NewGatherAnswer(Gatherer& gatherer, GatherRequest request,
                                        const AnswerForm& form, const AnswerReport& report,
                                        InFlight in_flight, std::function<void()> ready);

}  // namespace promplug
