// SPDX-License-Identifier: MIT
// A host that is told by descriptors what others are told by calls on the plugin's threads.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "so_host.hpp"

namespace so_test {
namespace {

constexpr int kWaitMs = 30000;

bool Readable(int fd, int timeout_ms = kWaitMs) {
  pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

class Descriptors : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, log_), 0);
    for (int* fd : {&wake_, &ready_}) {
      *fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
      ASSERT_GE(*fd, 0);
    }
    host_.struct_size = sizeof host_;
    host_.log_fd = log_[1];
    host_.wake_fd = wake_;
    host_.ready_fd = ready_;
  }
  void TearDown() override {
    if (p_ != nullptr) {
      EXPECT_EQ(Api()->stop(p_, kWaitMs, nullptr), PROMPLUG_OK);
      EXPECT_EQ(Api()->destroy(p_), PROMPLUG_OK);
    }
    for (const int fd : {log_[0], log_[1], wake_, ready_}) close(fd);
  }

  int32_t Create() {
    promplug_options options = {};
    options.struct_size = sizeof options;
    options.flags = PROMPLUG_F_NO_ENV;
    return Api()->create(&host_, &options, &p_, &err_);
  }
  void Start() {
    ASSERT_EQ(Create(), PROMPLUG_OK) << err_.text;
    ASSERT_EQ(Api()->start(p_, &err_), PROMPLUG_OK) << err_.text;
  }
  // A collector that has to run on the loop, whose run shows as loop_value 7.
  void Collect() {
    promplug_collector collector = {};
    collector.struct_size = sizeof collector;
    collector.flags = PROMPLUG_COLLECT_ON_LOOP;
    collector.name = S("loop");
    collector.timeout_ms = kWaitMs;
    collector.collect = [](void*, const promplug_writer* w) {
      promplug_family_head head = {};
      head.struct_size = sizeof head;
      head.type = PROMPLUG_GAUGE;
      head.name = S("loop_value");
      w->family(w, &head);
      return w->sample(w, nullptr, 0, 7);
    };
    promplug_reg reg = 0;
    ASSERT_EQ(Api()->register_collector(p_, &collector, &reg, &err_), PROMPLUG_OK) << err_.text;
  }
  promplug_scrape* Begin() {
    promplug_request request = {};
    request.struct_size = sizeof request;
    request.flags = PROMPLUG_REQ_MOUNTED;
    request.method = S("GET");
    request.timeout_ms = kWaitMs;
    promplug_scrape* scrape = nullptr;
    EXPECT_EQ(Api()->scrape_begin(p_, &request, nullptr, nullptr, &scrape, &err_), PROMPLUG_AGAIN)
        << err_.text;
    return scrape;
  }
  // Waits for the event, and takes it back.
  static void Take(int event) {
    ASSERT_TRUE(Readable(event));
    eventfd_t count = 0;
    ASSERT_EQ(eventfd_read(event, &count), 0);
    EXPECT_GE(count, 1u);
  }

  int log_[2] = {-1, -1};
  int wake_ = -1;
  int ready_ = -1;
  promplug_host host_ = {};
  promplug_instance* p_ = nullptr;
  promplug_error err_ = {};
};

TEST_F(Descriptors, LinesAreMessagesWithTheirLevel) {
  Start();
  ASSERT_TRUE(Readable(log_[0]));
  char line[4096];
  const ssize_t size = recv(log_[0], line, sizeof line, 0);
  ASSERT_GT(size, 3);
  EXPECT_EQ(std::string(line, 3), "20 ") << std::string(line, static_cast<size_t>(size));
}

TEST_F(Descriptors, NobodyWaitsForALogThatIsNotRead) {
  while (send(log_[1], "full", 4, MSG_DONTWAIT) == 4) {
  }
  testing::internal::CaptureStderr();
  Start();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("promplug: "), std::string::npos);
}

TEST_F(Descriptors, NobodyWaitsForAStderrThatIsNotReadEither) {
  while (send(log_[1], "full", 4, MSG_DONTWAIT) == 4) {
  }
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
  const char full[4096] = {};
  while (write(pipe_ends[1], full, sizeof full) > 0) {
  }
  // As a host's own stderr is.
  ASSERT_EQ(fcntl(pipe_ends[1], F_SETFL, 0), 0);
  const int before = dup(STDERR_FILENO);
  ASSERT_EQ(dup2(pipe_ends[1], STDERR_FILENO), STDERR_FILENO);
  Start();
  ASSERT_EQ(dup2(before, STDERR_FILENO), STDERR_FILENO);
  for (const int fd : {before, pipe_ends[0], pipe_ends[1]}) close(fd);
}

TEST_F(Descriptors, LinesGoToStderrWhenTheHostHasClosedItsEnd) {
  ASSERT_EQ(Create(), PROMPLUG_OK) << err_.text;
  close(log_[0]);
  log_[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  testing::internal::CaptureStderr();
  ASSERT_EQ(Api()->start(p_, &err_), PROMPLUG_OK) << err_.text;
  EXPECT_NE(testing::internal::GetCapturedStderr().find("promplug: "), std::string::npos);
}

TEST_F(Descriptors, ACollectorOfTheLoopAndAScrapeWithoutACallbackWakeTheEvent) {
  Start();
  Collect();
  promplug_scrape* scrape = Begin();
  Take(wake_);  // the collector is due
  EXPECT_FALSE(Readable(ready_, 0));
  EXPECT_EQ(Api()->run_pending(p_, 1000), PROMPLUG_OK);
  promplug_scrape_head_info head = {};
  head.struct_size = sizeof head;
  while (Api()->scrape_head(scrape, &head) == PROMPLUG_AGAIN) Take(ready_);
  EXPECT_EQ(head.status, 200);
  std::string body;
  for (;;) {
    char piece[4096];
    size_t n = 0;
    const int32_t result = Api()->scrape_read(scrape, piece, sizeof piece, &n);
    if (result == PROMPLUG_END) break;
    if (result == PROMPLUG_AGAIN) {
      Take(ready_);
      continue;
    }
    ASSERT_EQ(result, PROMPLUG_OK);
    body.append(piece, n);
  }
  EXPECT_NE(body.find("loop_value 7\n"), std::string::npos) << body;
  Api()->scrape_end(scrape);
  EXPECT_FALSE(Readable(wake_, 0));
}

TEST_F(Descriptors, AnEventOfTheHostThatIsClosedMeanwhileIsStillThePlugins) {
  Start();
  Collect();
  const int kept = fcntl(wake_, F_DUPFD_CLOEXEC, 0);
  close(wake_);
  wake_ = kept;
  promplug_scrape* scrape = Begin();
  Take(wake_);
  Api()->scrape_end(scrape);
}

TEST_F(Descriptors, FunctionsOfTheHostComeBeforeItsDescriptors) {
  static int calls;
  calls = 0;
  host_.log = [](void*, int32_t, const char*, size_t) { ++calls; };
  Start();
  EXPECT_GT(calls, 0);
  EXPECT_FALSE(Readable(log_[0], 0));
}

TEST_F(Descriptors, WhatIsNoSuchDescriptorIsRefused) {
  for (const int fd : {wake_, 1 << 20, -1}) {
    host_.log_fd = fd;
    EXPECT_EQ(Create(), PROMPLUG_E_INVAL) << fd;
    EXPECT_NE(std::string(err_.text).find("host"), std::string::npos) << err_.text;
  }
  host_.log_fd = 0;
  const int blocking = eventfd(0, EFD_CLOEXEC);
  for (int32_t* member : {&host_.wake_fd, &host_.ready_fd}) {
    const int32_t good = *member;
    for (const int fd : {blocking, 1 << 20, -1}) {
      *member = fd;
      EXPECT_EQ(Create(), PROMPLUG_E_INVAL) << fd;
      EXPECT_NE(std::string(err_.text).find("host"), std::string::npos) << err_.text;
    }
    *member = good;
  }
  close(blocking);
}

TEST_F(Descriptors, WithoutThemAScrapeNeedsACallback) {
  host_.ready_fd = 0;
  Start();
  promplug_scrape* scrape = nullptr;
  promplug_request request = {};
  request.struct_size = sizeof request;
  EXPECT_EQ(Api()->scrape_begin(p_, &request, nullptr, nullptr, &scrape, &err_), PROMPLUG_E_INVAL);
}

}  // namespace
}  // namespace so_test
