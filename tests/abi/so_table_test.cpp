// SPDX-License-Identifier: MIT
// The rules of the ABI, held against the built promplug.so.
#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>

#include "so_host.hpp"

namespace so_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HandshakeTest, RefusesAnotherVersionWithBothVersionsInTheText) {
  Api();
  void* object = dlopen(PROMPLUG_SO, RTLD_NOW | RTLD_LOCAL);
  auto entry = reinterpret_cast<promplug_entry_fn>(dlsym(object, PROMPLUG_ENTRY_NAME));
  promplug_handshake hands = {};
  hands.struct_size = sizeof hands;
  hands.abi_major = PROMPLUG_ABI_MAJOR + 1;
  hands.abi_minor = 7;
  EXPECT_EQ(entry(&hands), nullptr);
  EXPECT_EQ(hands.result, PROMPLUG_E_VERSION);
  EXPECT_EQ(hands.served_minor, PROMPLUG_ABI_MINOR);
  EXPECT_THAT(hands.text, HasSubstr("1.7"));
  EXPECT_EQ(entry(nullptr), nullptr);
  hands.struct_size = 8;
  EXPECT_EQ(entry(&hands), nullptr);
}

TEST(TableTest, EveryFunctionIsThere) {
  const promplug_api* api = Api();
  ASSERT_EQ(api->struct_size, sizeof(promplug_api));
  const auto* words = reinterpret_cast<const void* const*>(&api->version);
  const size_t n = (sizeof *api - offsetof(promplug_api, version)) / sizeof(void*);
  for (size_t i = 0; i < n; ++i) EXPECT_NE(words[i], nullptr) << i;
  EXPECT_EQ(api->get_extension(nullptr, "promplug.any/1"), nullptr);
}

TEST(SizedStructTest, AShorterStructIsExtendedAndAnUnknownTailIsRefusedUnlessZero) {
  struct Longer {
    promplug_family_desc desc;
    uint64_t unknown;
  } longer = {};
  longer.desc.struct_size = sizeof longer;
  longer.desc.type = PROMPLUG_COUNTER;
  longer.desc.name = S("c_total");
  Host host;
  promplug_family* family = nullptr;
  EXPECT_EQ(Api()->family(host.p, &longer.desc, &family, &host.err), PROMPLUG_OK);
  longer.unknown = 1;
  longer.desc.name = S("d_total");
  EXPECT_EQ(Api()->family(host.p, &longer.desc, &family, &host.err), PROMPLUG_E_TOO_NEW);
  EXPECT_EQ(family, nullptr);
  // What lies behind a short struct must not be read.
  const size_t short_size = offsetof(promplug_family_desc, unit);
  std::vector<char> exact(short_size);
  std::memcpy(exact.data(), &longer.desc, short_size);
  auto* desc = reinterpret_cast<promplug_family_desc*>(exact.data());
  desc->struct_size = static_cast<uint32_t>(short_size);
  EXPECT_EQ(Api()->family(host.p, desc, &family, &host.err), PROMPLUG_OK) << host.err.text;
  desc->struct_size = 8;
  EXPECT_EQ(Api()->family(host.p, desc, &family, &host.err), PROMPLUG_E_INVAL);
}

TEST(SizedStructTest, AResultIsWrittenNoFurtherThanItsSize) {
  Host host;
  struct {
    promplug_status status;
    char guard[16];
  } out;
  std::memset(&out, 0x5a, sizeof out);
  out.status.struct_size = 12;
  EXPECT_EQ(Api()->status(host.p, &out.status), PROMPLUG_OK);
  EXPECT_EQ(out.status.struct_size, 12u);
  EXPECT_EQ(out.status.state, PROMPLUG_STATE_CREATED);
  EXPECT_EQ(out.status.listen_port, 0x5a5a5a5a);
}

TEST(ArgumentTest, NullAndUnknownAreRefusedAndNothingCrashes) {
  const promplug_api* api = Api();
  promplug_error err = {};
  EXPECT_EQ(api->create(nullptr, nullptr, nullptr, &err), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->start(nullptr, &err), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->stop(nullptr, 0, nullptr), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->step_down(nullptr, &err), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->destroy(nullptr), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->status(nullptr, nullptr), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->last_error(nullptr, nullptr, 0), 0u);
  EXPECT_EQ(api->update(nullptr, nullptr, 0, PROMPLUG_OP_ADD, 1, nullptr), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->update_many(nullptr, 3), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->metric_remove(nullptr), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->scrape_head(nullptr, nullptr), PROMPLUG_E_INVAL);
  api->scrape_end(nullptr);
  api->metric_release(nullptr);
  api->counter_inc(nullptr);
  api->counter_add(nullptr, 1);
  api->gauge_set(nullptr, 1);
  api->gauge_add(nullptr, 1);
  api->observe(nullptr, 1);
  api->state_set(nullptr, 0, 1);
  Host host;
  promplug_options options = {};
  options.struct_size = sizeof options;
  options.flags = 0x80;
  promplug_instance* p = nullptr;
  EXPECT_EQ(api->create(nullptr, &options, &p, &err), PROMPLUG_E_INVAL);
  EXPECT_THAT(err.text, HasSubstr("options.flags"));
  EXPECT_EQ(api->push_now(host.p, 0, 1, &err), PROMPLUG_E_INVAL);
  EXPECT_EQ(api->push_now(host.p, PROMPLUG_PUSH_APPLICATION, 1, &err), PROMPLUG_E_STATE);
  EXPECT_EQ(api->unregister(host.p, 77, 1, &err), PROMPLUG_E_NOT_FOUND);
  EXPECT_EQ(host.Get(), std::to_string(PROMPLUG_E_STATE));
}

TEST(ErrnoTest, IsKept) {
  Host host;
  promplug_family* family = host.Family(PROMPLUG_COUNTER, "c_total");
  promplug_metric* metric = host.Metric(family);
  host.Start();
  errno = 4242;
  host.Get();
  Api()->counter_inc(metric);
  promplug_family_desc desc = {};
  EXPECT_EQ(Api()->family(host.p, &desc, &family, nullptr), PROMPLUG_E_INVAL);
  Api()->reload(host.p, nullptr, nullptr);
  EXPECT_EQ(errno, 4242);
  Api()->metric_release(metric);
}

TEST(MetricTest, AFailedLookUpGivesAHandleThatCountsForNothing) {
  Host host;
  promplug_family* family = host.Family(PROMPLUG_COUNTER, "c_total", {S("a")});
  promplug_metric* metric = nullptr;
  const promplug_str bad = S("\xff");
  EXPECT_EQ(Api()->metric(family, &bad, 1, &metric, &host.err), PROMPLUG_E_INVAL);
  ASSERT_NE(metric, nullptr);
  Api()->counter_inc(metric);
  Api()->metric_release(metric);
  EXPECT_EQ(Api()->metric(family, nullptr, 3, &metric, &host.err), PROMPLUG_E_INVAL);
  ASSERT_NE(metric, nullptr);
  EXPECT_EQ(Api()->metric(nullptr, nullptr, 0, &metric, &host.err), PROMPLUG_E_INVAL);
  EXPECT_EQ(metric, nullptr);
  EXPECT_EQ(host.Status().series, 0u);
  EXPECT_EQ(host.Status().series_refused, 1u);
}

TEST(MetricTest, EveryKindOfUpdateReachesTheExposition) {
  Host host;
  promplug_family* counter = host.Family(PROMPLUG_COUNTER, "c_total", {S("a")});
  promplug_family* gauge = host.Family(PROMPLUG_GAUGE, "g", {S("a")});
  promplug_family* histogram = host.Family(PROMPLUG_HISTOGRAM, "h", {S("a")});
  const promplug_str value = S("x");
  promplug_exemplar exemplar = {};
  exemplar.struct_size = sizeof exemplar;
  promplug_update updates[] = {
      {counter, &value, 1, nullptr, 2, PROMPLUG_OP_ADD, 99},
      {gauge, &value, 1, nullptr, 7, PROMPLUG_OP_SET, 99},
      {gauge, &value, 1, nullptr, -1.5, PROMPLUG_OP_ADD, 99},
      {histogram, &value, 1, &exemplar, 0.2, PROMPLUG_OP_OBSERVE, 99},
      {counter, &value, 1, nullptr, 2, PROMPLUG_OP_SET, 99},
      {counter, &value, 1, nullptr, 2, 77, 99},
  };
  EXPECT_EQ(Api()->update_many(updates, 6), PROMPLUG_E_INVAL);
  EXPECT_EQ(updates[0].result, PROMPLUG_OK);
  EXPECT_EQ(updates[3].result, PROMPLUG_OK);
  EXPECT_EQ(updates[4].result, PROMPLUG_E_INVAL);
  EXPECT_EQ(updates[5].result, PROMPLUG_E_INVAL);
  promplug_metric* metric = host.Metric(counter, {value});
  uint64_t* cell = nullptr;
  ASSERT_EQ(Api()->counter_cell(metric, PROMPLUG_CELL_SHARED, &cell, &host.err), PROMPLUG_OK);
  promplug_cell_add_shared(cell, 40);
  Api()->counter_add_exemplar(metric, 0.5, &exemplar);
  host.Start();
  const std::string text = host.Get();
  EXPECT_THAT(text, HasSubstr("\nc_total{a=\"x\"} 42.5\n"));
  EXPECT_THAT(text, HasSubstr("\ng{a=\"x\"} 5.5\n"));
  EXPECT_THAT(text, HasSubstr("\nh_bucket{a=\"x\",le=\"0.25\"} 1\n"));
  EXPECT_EQ(Api()->cell_release(metric, cell), PROMPLUG_OK);
  EXPECT_EQ(Api()->cell_release(metric, cell), PROMPLUG_E_NOT_FOUND);
  EXPECT_THAT(host.Get(), HasSubstr("\nc_total{a=\"x\"} 42.5\n"));
  uint64_t removed = 0;
  EXPECT_EQ(Api()->remove_matching(counter, nullptr, 0, &removed), PROMPLUG_OK);
  EXPECT_EQ(removed, 1u);
  EXPECT_THAT(host.Get(), Not(HasSubstr("c_total{")));
  Api()->metric_release(metric);
}

TEST(RequestTest, AnswersItsPathAndNothingElse) {
  Host host;
  host.Start();
  EXPECT_THAT(host.Get(), HasSubstr("promplug_build_info"));
  EXPECT_EQ(host.Get("/metrics", "HEAD"), "200\n");
  EXPECT_THAT(host.Get("/metrics", "POST"), HasSubstr("405"));
  EXPECT_EQ(host.Get("/metrics/"), "NOT_HANDLED");
  EXPECT_EQ(host.Get("/"), "NOT_HANDLED");
}

TEST(LifecycleTest, StartAndStopRepeatAndDestroyWantsAStoppedInstance) {
  Host host;
  for (int i = 0; i < 3; ++i) {
    host.Start();
    host.Start();
    EXPECT_EQ(host.Status().state, PROMPLUG_STATE_RUNNING);
    EXPECT_EQ(Api()->destroy(host.p), PROMPLUG_E_BUSY);
    EXPECT_EQ(Api()->stop(host.p, 5000, &host.err), PROMPLUG_OK) << host.err.text;
    EXPECT_EQ(host.Status().state, PROMPLUG_STATE_STOPPED);
  }
}

TEST(LifecycleTest, ConfigurationErrorsNameTheKeyAndStartNothing) {
  promplug_kv overrides[] = {{S("pushgateway.interval_seconds"), S("soon")}};
  promplug_options options = {};
  options.struct_size = sizeof options;
  options.flags = PROMPLUG_F_NO_ENV;
  options.overrides = overrides;
  options.n_overrides = 1;
  promplug_instance* p = nullptr;
  promplug_error err = {};
  EXPECT_EQ(Api()->create(nullptr, &options, &p, &err), PROMPLUG_E_CONFIG);
  EXPECT_EQ(p, nullptr);
  EXPECT_THAT(err.text, HasSubstr("pushgateway.interval_seconds"));
  EXPECT_THAT(err.text, HasSubstr("soon"));
  EXPECT_EQ(err.text_len, std::strlen(err.text));
}

TEST(LifecycleTest, AReloadThatFailsChangesNothing) {
  Host host({{S("scrape.path"), S("/one")}});
  host.Start();
  promplug_kv overrides[] = {{S("scrape.path"), S("two")}};
  promplug_options options = {};
  options.struct_size = sizeof options;
  options.flags = PROMPLUG_F_NO_ENV;
  options.overrides = overrides;
  options.n_overrides = 1;
  EXPECT_EQ(Api()->reload(host.p, &options, &host.err), PROMPLUG_E_CONFIG);
  EXPECT_THAT(host.Get("/one"), HasSubstr("200"));
  overrides[0].value = S("/two");
  EXPECT_EQ(Api()->reload(host.p, &options, &host.err), PROMPLUG_OK) << host.err.text;
  EXPECT_EQ(host.Get("/one"), "NOT_HANDLED");
  EXPECT_THAT(host.Get("/two"), HasSubstr("200"));
}

TEST(LifecycleTest, ABusyPortIsAnErrorAndTheRestRuns) {
  Host first({{S("scrape.listen"), S("127.0.0.1:0")}});
  first.Start();
  const int port = first.Status().listen_port;
  ASSERT_NE(port, 0);
  const std::string address = "127.0.0.1:" + std::to_string(port);
  Host second({{S("scrape.listen"), S(address.c_str())}});
  EXPECT_EQ(Api()->start(second.p, &second.err), PROMPLUG_E_IO);
  EXPECT_THAT(second.err.text, HasSubstr(address));
  EXPECT_THAT(second.Get(), HasSubstr("200"));
}

TEST(PushTest, StateIsLoggedAtStart) {
  Host off;
  off.Start();
  EXPECT_THAT(off.Log(), ::testing::Contains("Pushgateway disabled (pushgateway.url is not set)"));
  Host on({{S("pushgateway.url"), S("http://u:secret@127.0.0.1:1")},
           {S("pushgateway.instance"), S("10.0.0.5")}});
  on.Start();
  EXPECT_THAT(on.Log(), ::testing::Contains("Pushgateway enabled: url=http://xxxxx@127.0.0.1:1 "
                                            "interval=30s job=photo-api instance=10.0.0.5"));
  EXPECT_EQ(Api()->push_now(on.p, PROMPLUG_PUSH_APPLICATION, 20000, &on.err), PROMPLUG_E_IO);
  EXPECT_THAT(on.err.text, Not(HasSubstr("secret")));
  char text[200] = "";
  EXPECT_GT(Api()->last_error(on.p, text, sizeof text), 0u);
  EXPECT_THAT(text, Not(HasSubstr("secret")));
  for (const std::string& line : on.Log()) EXPECT_THAT(line, Not(HasSubstr("secret")));
  EXPECT_NE(on.Status().flags & PROMPLUG_S_PUSH_FAILING, 0u);
}

// A peer that accepts connections and never says anything.
class SilentServer {
 public:
  SilentServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~SilentServer() { close(fd_); }
  const char* url() const { return url_.c_str(); }

 private:
  int fd_;
  std::string url_;
};

TEST(PushTest, AStopWhoseLastPushHangsIsStillAStop) {
  SilentServer server;
  Host host({{S("pushgateway.url"), S(server.url())}, {S("pushgateway.instance"), S("i")}});
  host.Start();
  EXPECT_EQ(Api()->stop(host.p, 1000, &host.err), PROMPLUG_OK) << host.err.text;
  EXPECT_EQ(host.Status().state, PROMPLUG_STATE_STOPPED);
}

}  // namespace
}  // namespace so_test
