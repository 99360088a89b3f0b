// SPDX-License-Identifier: MIT
// Collectors, values, scrapes that never block, gather: through the table.
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <stdexcept>

#include "so_host.hpp"

namespace so_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Gate {
 public:
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    condition_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, std::chrono::seconds(20), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool open_ = false;
};

promplug_reg Register(Host* host, const char* name, promplug_collect_fn collect, void* user,
                      uint32_t flags = 0, uint32_t timeout_ms = 0) {
  promplug_collector collector = {};
  collector.struct_size = sizeof collector;
  collector.flags = flags;
  collector.name = S(name);
  collector.collect = collect;
  collector.user = user;
  collector.timeout_ms = timeout_ms;
  promplug_reg reg = 0;
  EXPECT_EQ(Api()->register_collector(host->p, &collector, &reg, &host->err), PROMPLUG_OK)
      << host->err.text;
  return reg;
}

int32_t Head(const promplug_writer* w, int32_t type, const char* name) {
  promplug_family_head head = {};
  head.struct_size = sizeof head;
  head.type = type;
  head.name = S(name);
  head.help = S("from a collector");
  return w->family(w, &head);
}

int32_t CollectEverything(void*, const promplug_writer* w) {
  const promplug_kv label = {S("a"), S("1")};
  EXPECT_GT(w->time_left_ms(w), 0);
  EXPECT_EQ(Head(w, PROMPLUG_GAUGE, "col_gauge"), PROMPLUG_OK);
  EXPECT_EQ(w->sample(w, &label, 1, 1.5), PROMPLUG_OK);
  EXPECT_EQ(w->sample(w, &label, 1, 2.5), PROMPLUG_E_INVAL);
  EXPECT_EQ(Head(w, PROMPLUG_HISTOGRAM, "col_histogram"), PROMPLUG_OK);
  const double bounds[] = {1, 2};
  const uint64_t counts[] = {3, 5};
  promplug_point point = {};
  point.struct_size = sizeof point;
  point.bounds = bounds;
  point.cumulative_counts = counts;
  point.n_bounds = 2;
  point.count = 6;
  point.sum = 9.5;
  EXPECT_EQ(w->point(w, &point), PROMPLUG_OK);
  point.count = 4;
  EXPECT_EQ(w->point(w, &point), PROMPLUG_E_INVAL);
  EXPECT_EQ(Head(w, 99, "col_other"), PROMPLUG_E_INVAL);
  // What belongs to a family that was refused must not land in the one before.
  EXPECT_EQ(w->sample(w, &label, 1, 3), PROMPLUG_E_INVAL);
  return PROMPLUG_OK;
}

TEST(CollectorTest, StreamsFamiliesAndPoints) {
  Host host;
  host.Start();
  Register(&host, "all", CollectEverything, nullptr);
  const std::string text = host.Get();
  EXPECT_THAT(text, HasSubstr("# HELP col_gauge from a collector\n# TYPE col_gauge gauge\n"
                              "col_gauge{a=\"1\"} 1.5\n# "));
  EXPECT_THAT(text, HasSubstr("col_histogram_bucket{le=\"1\"} 3\ncol_histogram_bucket{le=\"2\"} 5\n"
                              "col_histogram_bucket{le=\"+Inf\"} 6\ncol_histogram_sum 9.5\n"
                              "col_histogram_count 6\n"));
}

TEST(CollectorTest, OneThatThrowsOrFailsOrIsStuckCostsItselfOnly) {
  Host host;
  Gate gate;
  host.Start();
  Register(
      &host, "throws",
      [](void*, const promplug_writer* w) -> int32_t {
        Head(w, PROMPLUG_GAUGE, "thrown");
        w->sample(w, nullptr, 0, 1);
        throw std::runtime_error("not caught by the host");
      },
      nullptr);
  Register(
      &host, "fails",
      [](void*, const promplug_writer* w) {
        Head(w, PROMPLUG_GAUGE, "failed");
        w->sample(w, nullptr, 0, 1);
        return int32_t{5};
      },
      nullptr);
  const promplug_reg stuck = Register(
      &host, "stuck",
      [](void* user, const promplug_writer*) {
        static_cast<Gate*>(user)->Wait();
        return int32_t{0};
      },
      &gate, 0, 50);
  Register(&host, "works", CollectEverything, nullptr);
  std::string text = host.Get();
  EXPECT_THAT(text, HasSubstr("col_gauge"));
  EXPECT_THAT(text, Not(HasSubstr("thrown 1")));
  EXPECT_THAT(text, Not(HasSubstr("failed 1")));
  text = host.Get();
  EXPECT_THAT(text, HasSubstr("promplug_collector_up{collector=\"stuck\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("promplug_collector_up{collector=\"works\"} 1\n"));
  const promplug_status status = host.Status();
  EXPECT_GE(status.collector_failures, 2u);
  EXPECT_GE(status.collector_timeouts, 1u);
  EXPECT_NE(status.flags & PROMPLUG_S_COLLECTOR_STUCK, 0u);
  EXPECT_EQ(Api()->unregister(host.p, stuck, 1, &host.err), PROMPLUG_E_TIMEOUT);
  EXPECT_EQ(Api()->stop(host.p, 1, &host.err), PROMPLUG_E_TIMEOUT);
  EXPECT_EQ(host.Status().state, PROMPLUG_STATE_STOPPING);
  EXPECT_EQ(Api()->destroy(host.p), PROMPLUG_E_BUSY);
  gate.Open();
}

TEST(CollectorTest, CallbacksMayUpdateButNotCallBack) {
  Host host;
  host.Start();
  Register(
      &host, "reentrant",
      [](void* user, const promplug_writer* w) {
        auto* inner = static_cast<Host*>(user);
        promplug_family* family = inner->Family(PROMPLUG_COUNTER, "inner_total");
        EXPECT_EQ(Api()->update(family, nullptr, 0, PROMPLUG_OP_ADD, 1, nullptr), PROMPLUG_OK);
        EXPECT_EQ(inner->Get(), std::to_string(PROMPLUG_E_REENTRANT));
        promplug_error err = {};
        EXPECT_EQ(Api()->stop(inner->p, 0, &err), PROMPLUG_E_REENTRANT);
        EXPECT_EQ(Api()->unregister(inner->p, 1, 0, &err), PROMPLUG_E_REENTRANT);
        EXPECT_EQ(Api()->reload(inner->p, nullptr, &err), PROMPLUG_E_REENTRANT);
        EXPECT_EQ(Api()->push_now(inner->p, 1, 1, &err), PROMPLUG_E_REENTRANT);
        Head(w, PROMPLUG_GAUGE, "reentrant_ran");
        return w->sample(w, nullptr, 0, 1);
      },
      &host);
  EXPECT_THAT(host.Get(), HasSubstr("\nreentrant_ran 1\n"));
}

TEST(ValueTest, CellsAndFunctionsOfOneNameAreOneFamily) {
  Host host;
  host.Start();
  static const uint64_t cell = 17;
  const promplug_kv one = {S("q"), S("one")};
  const promplug_kv two = {S("q"), S("two")};
  promplug_value value = {};
  value.struct_size = sizeof value;
  value.type = PROMPLUG_GAUGE;
  value.name = S("queue_length");
  value.labels = &one;
  value.n_labels = 1;
  value.source = PROMPLUG_SRC_U64;
  value.addr = &cell;
  promplug_reg reg = 0;
  ASSERT_EQ(Api()->register_value(host.p, &value, &reg, &host.err), PROMPLUG_OK) << host.err.text;
  EXPECT_EQ(Api()->register_value(host.p, &value, &reg, &host.err), PROMPLUG_E_EXISTS);
  value.process_mode = PROMPLUG_MODE_PER_WORKER + 1;
  EXPECT_EQ(Api()->register_value(host.p, &value, &reg, &host.err), PROMPLUG_E_INVAL);
  EXPECT_STREQ(host.err.text, "value.process_mode 6 is not known");
  value.process_mode = PROMPLUG_MODE_DEFAULT;
  std::atomic<int> released{0};
  value.labels = &two;
  value.source = PROMPLUG_SRC_FN;
  value.addr = nullptr;
  value.user = &released;
  value.fn = [](void*, double* out) {
    *out = 2.5;
    return int32_t{0};
  };
  value.release = [](void* user) { ++*static_cast<std::atomic<int>*>(user); };
  ASSERT_EQ(Api()->register_value(host.p, &value, &reg, &host.err), PROMPLUG_OK) << host.err.text;
  EXPECT_THAT(host.Get(), HasSubstr("queue_length{q=\"one\"} 17\nqueue_length{q=\"two\"} 2.5\n"));
  EXPECT_EQ(Api()->unregister(host.p, reg, 1000, &host.err), PROMPLUG_OK);
  EXPECT_EQ(released.load(), 1);
  EXPECT_THAT(host.Get(), Not(HasSubstr("two")));
}

// Drives a scrape as an event loop would: sleeps only until the ready callback.
class LoopScrape {
 public:
  std::string Run(Host* host) {
    promplug_request request = {};
    request.struct_size = sizeof request;
    request.method = S("GET");
    request.path = S("/metrics");
    promplug_scrape* scrape = nullptr;
    int32_t result = Api()->scrape_begin(host->p, &request, Ready, this, &scrape, &host->err);
    EXPECT_GE(result, 0) << host->err.text;
    promplug_scrape_head_info head = {};
    head.struct_size = sizeof head;
    while ((result = Api()->scrape_head(scrape, &head)) == PROMPLUG_AGAIN) WaitReady(host);
    EXPECT_EQ(result, PROMPLUG_OK);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(Api()->destroy(host->p), PROMPLUG_E_BUSY);
    std::string text;
    char buffer[100];
    size_t n = 0;
    while ((result = Api()->scrape_read(scrape, buffer, sizeof buffer, &n)) != PROMPLUG_END) {
      if (result == PROMPLUG_OK) text.append(buffer, n);
      if (result == PROMPLUG_AGAIN) WaitReady(host);
      if (result < 0) break;
    }
    EXPECT_EQ(result, PROMPLUG_END);
    Api()->scrape_end(scrape);
    return text;
  }
  int readies() const { return readies_; }

 private:
  static void Ready(void* user) {
    auto* self = static_cast<LoopScrape*>(user);
    std::lock_guard lock(self->mutex_);
    ++self->readies_;
    self->condition_.notify_all();
  }
  void WaitReady(Host* host) {
    std::unique_lock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (readies_ == seen_ && std::chrono::steady_clock::now() < until) {
      lock.unlock();
      Api()->run_pending(host->p, 10);
      lock.lock();
      condition_.wait_for(lock, std::chrono::milliseconds(2), [this] { return readies_ > seen_; });
    }
    EXPECT_EQ(readies_, seen_ + 1);
    seen_ = readies_;
  }

  std::mutex mutex_;
  std::condition_variable condition_;
  int readies_ = 0;
  int seen_ = 0;
};

TEST(ScrapeTest, NeverBlocksAndCallsReadyOncePerAgain) {
  Host host;
  host.Start();
  Register(&host, "col", CollectEverything, nullptr);
  LoopScrape loop;
  EXPECT_THAT(loop.Run(&host), HasSubstr("col_gauge{a=\"1\"} 1.5\n"));
}

TEST(ScrapeTest, ManyAtOnceAreRefusedOverTheLimit) {
  Host host({{S("scrape.max_requests_in_flight"), S("1")}});
  host.Start();
  promplug_request request = {};
  request.struct_size = sizeof request;
  request.method = S("GET");
  request.path = S("/metrics");
  promplug_scrape* scrape = nullptr;
  ASSERT_GE(Api()->scrape_begin(
                host.p, &request, [](void*) {}, nullptr, &scrape, &host.err),
            0);
  EXPECT_THAT(host.Get(), HasSubstr("503"));
  Api()->scrape_end(scrape);
  EXPECT_THAT(host.Get(), HasSubstr("200"));
  EXPECT_EQ(host.Status().scrapes_refused, 1u);
}

TEST(GatherTest, VisitsFamiliesOfTheSourcesAskedFor) {
  Host host;
  host.Start();
  Register(&host, "col", CollectEverything, nullptr);
  promplug_family* counter = host.Family(PROMPLUG_COUNTER, "c_total", {S("a")});
  const promplug_str escaped = S("q\"\\\n");
  Api()->update(counter, &escaped, 1, PROMPLUG_OP_ADD, 3, nullptr);
  std::string seen;
  promplug_visitor visitor = {};
  visitor.struct_size = sizeof visitor;
  visitor.sources = PROMPLUG_GATHER_INSTRUMENTS;
  visitor.user = &seen;
  visitor.family = [](void* user, const promplug_family_head* head) {
    static_cast<std::string*>(user)->append(head->name.ptr, head->name.len);
    return int32_t{0};
  };
  visitor.point = [](void* user, const promplug_point* point) {
    auto* text = static_cast<std::string*>(user);
    for (size_t i = 0; i < point->n_labels; ++i) {
      text->append("|").append(point->labels[i].value.ptr, point->labels[i].value.len);
    }
    text->append("=").append(std::to_string(static_cast<int>(point->value)));
    return int32_t{0};
  };
  EXPECT_EQ(Api()->gather(host.p, &visitor, 1000, &host.err), PROMPLUG_OK);
  EXPECT_EQ(seen, "c_total|q\"\\\n=3");
  seen.clear();
  visitor.sources = 0;
  EXPECT_EQ(Api()->gather(host.p, &visitor, 1000, &host.err), PROMPLUG_OK);
  EXPECT_THAT(seen, HasSubstr("col_histogram"));
  EXPECT_THAT(seen, HasSubstr("process_cpu_seconds_total"));
  visitor.point = [](void*, const promplug_point*) { return int32_t{1}; };
  EXPECT_EQ(Api()->gather(host.p, &visitor, 1000, &host.err), PROMPLUG_E_CANCELLED);
}

}  // namespace
}  // namespace so_test
