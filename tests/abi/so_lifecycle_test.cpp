// SPDX-License-Identifier: MIT
// Calls that meet each other, and what a host is told, through the built promplug.so.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <limits>
#include <thread>

#include "so_host.hpp"

namespace so_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// Holds a callback until the test opens it.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    entered_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  bool WaitEntered() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return entered_; });
  }
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool open_ = false;
};

promplug_entry_fn Entry() {
  Api();
  void* object = dlopen(PROMPLUG_SO, RTLD_NOW | RTLD_LOCAL);
  return reinterpret_cast<promplug_entry_fn>(dlsym(object, PROMPLUG_ENTRY_NAME));
}

promplug_reg RegisterGated(Host* host, Gate* gate) {
  promplug_collector collector = {};
  collector.struct_size = sizeof collector;
  collector.name = S("gated");
  collector.user = gate;
  collector.collect = [](void* user, const promplug_writer*) {
    static_cast<Gate*>(user)->Pass();
    return int32_t{0};
  };
  promplug_reg reg = 0;
  EXPECT_EQ(Api()->register_collector(host->p, &collector, &reg, &host->err), PROMPLUG_OK)
      << host->err.text;
  return reg;
}

TEST(HandshakeTest, ASizeThatIsTooSmallIsRefusedWithinIt) {
  promplug_handshake hands = {};
  hands.abi_major = PROMPLUG_ABI_MAJOR;
  hands.abi_minor = PROMPLUG_ABI_MINOR;
  for (const size_t size : {size_t{0}, offsetof(promplug_handshake, result)}) {
    hands.struct_size = static_cast<uint32_t>(size);
    EXPECT_EQ(Entry()(&hands), nullptr);
    EXPECT_EQ(hands.result, 0) << size;
  }
  hands.struct_size = offsetof(promplug_handshake, text);
  EXPECT_EQ(Entry()(&hands), nullptr);
  EXPECT_EQ(hands.result, PROMPLUG_E_INVAL);
  EXPECT_STREQ(hands.text, "");
}

TEST(FamilyTest, SaysWhatDoesNotFit) {
  Host host;
  promplug_family* family = host.Family(PROMPLUG_COUNTER, "c_total", {S("a")});
  promplug_family_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.type = PROMPLUG_COUNTER;
  desc.name = S("c_total");
  EXPECT_EQ(Api()->family(host.p, &desc, &family, &host.err), PROMPLUG_E_EXISTS);
  EXPECT_STREQ(host.err.text, "family \"c_total\" exists and differs in its label names");
  desc.type = PROMPLUG_HISTOGRAM;
  desc.name = S("h");
  const double falling[] = {0.5, 0.25};
  desc.buckets = falling;
  desc.n_buckets = 2;
  EXPECT_EQ(Api()->family(host.p, &desc, &family, &host.err), PROMPLUG_E_INVAL);
  EXPECT_THAT(host.err.text, HasSubstr("0.25 comes after 0.5"));
  const double nan[] = {std::numeric_limits<double>::quiet_NaN()};
  desc.buckets = nan;
  desc.n_buckets = 1;
  EXPECT_EQ(Api()->family(host.p, &desc, &family, &host.err), PROMPLUG_E_INVAL);
  EXPECT_THAT(host.err.text, HasSubstr("nan is not finite"));
}

TEST(CollectorTest, AWrongOrderIsSaidInTheLog) {
  Host host;
  host.Start();
  promplug_collector collector = {};
  collector.struct_size = sizeof collector;
  collector.name = S("hasty");
  collector.collect = [](void*, const promplug_writer* w) {
    EXPECT_EQ(w->sample(w, nullptr, 0, 1), PROMPLUG_E_INVAL);
    return int32_t{0};
  };
  promplug_reg reg = 0;
  ASSERT_EQ(Api()->register_collector(host.p, &collector, &reg, &host.err), PROMPLUG_OK);
  host.Get();
  EXPECT_THAT(host.Get(), HasSubstr("promplug_series_refused_total{reason=\"invalid\"} "));
  ASSERT_EQ(Api()->stop(host.p, 5000, &host.err), PROMPLUG_OK);
  EXPECT_THAT(host.Log(), Contains(HasSubstr("a point came before the first family")));
}

TEST(LifecycleTest, AnInstanceThatWasNeverStartedCanBeDestroyed) {
  promplug_options options = {};
  options.struct_size = sizeof options;
  options.flags = PROMPLUG_F_NO_ENV;
  promplug_instance* p = nullptr;
  ASSERT_EQ(Api()->create(nullptr, &options, &p, nullptr), PROMPLUG_OK);
  EXPECT_EQ(Api()->destroy(p), PROMPLUG_OK);
}

TEST(LifecycleTest, DestroyWaitsForNoRequestAndTakesNothingAwayFromIt) {
  Host host;
  host.Start();
  Gate gate;
  promplug_request request = {};
  request.struct_size = sizeof request;
  request.method = S("GET");
  request.path = S("/metrics");
  promplug_response response = {};
  response.struct_size = sizeof response;
  response.user = &gate;
  response.begin = [](void* user, int32_t, const promplug_kv*, size_t, int64_t) {
    static_cast<Gate*>(user)->Pass();
    return int32_t{0};
  };
  response.write = [](void*, const void*, size_t) { return int32_t{0}; };
  std::atomic<int32_t> answered{1};
  std::thread requesting(
      [&] { answered = Api()->handle_request(host.p, &request, &response, nullptr); });
  ASSERT_TRUE(gate.WaitEntered());
  ASSERT_EQ(Api()->stop(host.p, 5000, &host.err), PROMPLUG_OK) << host.err.text;
  EXPECT_EQ(Api()->destroy(host.p), PROMPLUG_E_BUSY);
  gate.Open();
  requesting.join();
  EXPECT_EQ(answered, PROMPLUG_OK);
}

TEST(LifecycleTest, AListeningSocketOfTheHostServesAgainAfterAStop) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd, 16), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);

  promplug_options options = {};
  options.struct_size = sizeof options;
  options.flags = PROMPLUG_F_NO_ENV | PROMPLUG_F_LISTEN_FD;
  options.listen_fd = fd;
  promplug_instance* p = nullptr;
  promplug_error err = {};
  promplug_status status = {};
  status.struct_size = sizeof status;
  ASSERT_EQ(Api()->create(nullptr, &options, &p, &err), PROMPLUG_OK) << err.text;
  ASSERT_EQ(Api()->start(p, &err), PROMPLUG_OK) << err.text;
  // The host's own number may by now be of something else.
  close(fd);
  const int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(other, fd);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(Api()->stop(p, 5000, &err), PROMPLUG_OK) << err.text;
    ASSERT_EQ(Api()->start(p, &err), PROMPLUG_OK) << err.text;
    ASSERT_EQ(Api()->status(p, &status), PROMPLUG_OK);
    EXPECT_EQ(status.listen_port, ntohs(address.sin_port));
  }
  EXPECT_EQ(Api()->stop(p, 5000, &err), PROMPLUG_OK);
  EXPECT_EQ(Api()->destroy(p), PROMPLUG_OK);
  EXPECT_EQ(fcntl(other, F_GETFD), FD_CLOEXEC);
  close(other);
}

TEST(ForkTest, APreparationThatTimesOutChangesNothing) {
  Host host({{S("scrape.listen"), S("127.0.0.1:0")},
             {S("pushgateway.url"), S("http://127.0.0.1:1")},
             {S("pushgateway.instance"), S("i")},
             {S("pushgateway.on_stop"), S("none")}});
  host.Start();
  const int port = host.Status().listen_port;
  Gate gate;
  const promplug_reg reg = RegisterGated(&host, &gate);
  std::thread asking([&] { host.Get("/metrics", "GET", 60000); });
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_EQ(Api()->fork_prepare(host.p), PROMPLUG_E_TIMEOUT);
  EXPECT_EQ(Api()->fork_parent(host.p), PROMPLUG_E_STATE);
  EXPECT_EQ(host.Status().listen_port, port);
  EXPECT_NE(host.Status().flags & PROMPLUG_S_PUSHING, 0u);
  gate.Open();
  asking.join();
  EXPECT_EQ(Api()->unregister(host.p, reg, 5000, &host.err), PROMPLUG_OK);
  ASSERT_EQ(Api()->fork_prepare(host.p), PROMPLUG_OK);
  ASSERT_EQ(Api()->fork_parent(host.p), PROMPLUG_OK);
  EXPECT_THAT(host.Get(), HasSubstr("200"));
}

}  // namespace
}  // namespace so_test
