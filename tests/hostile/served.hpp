// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "serve/handler.hpp"
#include "serve/listener.hpp"
#include "support/fake_gatherer.hpp"
#include "support/loopback_client.hpp"

namespace promplug::test {

// A listener on a free port, with all that stands behind it.
struct Served {
  explicit Served(std::function<Gathering()> make = SmallGathering,
                  const Clock& clock = Clock::Real())
      : gatherer(std::move(make)),
        handler(NewScrapeHandler(gatherer, nullptr, clock, std::make_shared<ScrapeConfig>())),
        listener(*handler, clock, log) {
    started = listener.Start({"127.0.0.1:0", -1, std::chrono::seconds(30)});
  }

  int port() const { return listener.port(); }
  // Whether a scrape of the small gathering is answered as if nothing were going on.
  bool Answers() const {
    const WireAnswer answer = ScrapeOnce(port());
    return answer.status == 200 && answer.whole && answer.body == kSmallText;
  }

  FakeGatherer gatherer;
  Log log{[](LogLevel, std::string_view) {}};
  std::unique_ptr<MetricsHandler> handler;
  Listener listener;
  Status started;
};

// So many connections need more descriptors than a shell gives.
inline void AllowDescriptors(rlim_t n) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, n));
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace promplug::test
