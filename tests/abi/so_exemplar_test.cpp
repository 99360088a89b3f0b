// SPDX-License-Identifier: MIT
// Exemplars on updates, read back through gather().
#include <gmock/gmock.h>

#include <ctime>
#include <map>

#include "so_host.hpp"

namespace so_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Seen {
  std::string labels;
  double value;
  int64_t unix_ms;
};

// The exemplars of every family, by its name.
std::map<std::string, std::vector<Seen>> GatherExemplars(Host& host) {
  struct State {
    std::string family;
    std::map<std::string, std::vector<Seen>> seen;
  } state;
  promplug_visitor visitor = {};
  visitor.struct_size = sizeof visitor;
  visitor.sources = PROMPLUG_GATHER_INSTRUMENTS;
  visitor.user = &state;
  visitor.family = [](void* user, const promplug_family_head* head) {
    static_cast<State*>(user)->family.assign(head->name.ptr, head->name.len);
    return int32_t{0};
  };
  visitor.point = [](void* user, const promplug_point* point) {
    auto* to = static_cast<State*>(user);
    for (size_t i = 0; i < point->n_exemplars; ++i) {
      const promplug_exemplar& exemplar = point->exemplars[i];
      std::string labels;
      for (size_t j = 0; j < exemplar.n_labels; ++j) {
        labels.append(exemplar.labels[j].key.ptr, exemplar.labels[j].key.len).append("=");
        labels.append(exemplar.labels[j].value.ptr, exemplar.labels[j].value.len).append(";");
      }
      to->seen[to->family].push_back({labels, exemplar.value, exemplar.unix_ms});
    }
    return int32_t{0};
  };
  EXPECT_EQ(Api()->gather(host.p, &visitor, 5000, &host.err), PROMPLUG_OK) << host.err.text;
  return state.seen;
}

// The labels of the exemplars of one family.
std::vector<std::string> LabelsOf(Host& host, const char* family) {
  std::vector<std::string> labels;
  const auto all = GatherExemplars(host);
  const auto found = all.find(family);
  if (found == all.end()) return labels;
  for (const Seen& seen : found->second) labels.push_back(seen.labels);
  return labels;
}

class ExemplarOf {
 public:
  explicit ExemplarOf(std::vector<promplug_kv> labels) : labels_(std::move(labels)) {
    abi.struct_size = sizeof abi;
    abi.labels = labels_.data();
    abi.n_labels = labels_.size();
  }
  promplug_exemplar abi = {};

 private:
  std::vector<promplug_kv> labels_;
};

TEST(SoExemplarTest, EveryUpdateKeepsItsExemplar) {
  Host host;
  host.Start();
  promplug_family* counter = host.Family(PROMPLUG_COUNTER, "c_total");
  promplug_family* histogram = host.Family(PROMPLUG_HISTOGRAM, "h_seconds", {S("path")});
  promplug_metric* count = host.Metric(counter);
  const promplug_str path = S("/");
  promplug_metric* time = host.Metric(histogram, {path});
  ExemplarOf one({{S("trace_id"), S("one")}, {S("span"), S("\"\\\n\xC3\xA9")}});
  one.abi.value = 99;
  one.abi.unix_ms = 1234;
  const time_t before = std::time(nullptr);
  Api()->counter_add_exemplar(count, 2, &one.abi);
  Api()->observe_exemplar(time, 0.3, &one.abi);
  ExemplarOf two({{S("trace_id"), S("two")}});
  EXPECT_EQ(Api()->update(histogram, &path, 1, PROMPLUG_OP_OBSERVE, 3, &two.abi), PROMPLUG_OK);
  ExemplarOf three({{S("trace_id"), S("three")}});
  promplug_update many[2] = {};
  many[0] = {histogram, &path, 1, &three.abi, 300, PROMPLUG_OP_OBSERVE, -1};
  many[1] = {histogram, &path, 1, nullptr, 3, PROMPLUG_OP_OBSERVE, -1};
  EXPECT_EQ(Api()->update_many(many, 2), PROMPLUG_OK);

  auto seen = GatherExemplars(host);
  ASSERT_EQ(seen["c_total"].size(), 1u);
  EXPECT_EQ(seen["c_total"][0].labels, "trace_id=one;span=\"\\\n\xC3\xA9;");
  EXPECT_EQ(seen["c_total"][0].value, 2);
  EXPECT_EQ(seen["c_total"][0].unix_ms, 1234);
  ASSERT_EQ(seen["h_seconds"].size(), 3u);
  EXPECT_EQ(seen["h_seconds"][0].value, 0.3);
  EXPECT_EQ(seen["h_seconds"][1].labels, "trace_id=two;");
  EXPECT_GE(seen["h_seconds"][1].unix_ms, int64_t{before} * 1000);
  EXPECT_EQ(seen["h_seconds"][2].value, 300);
  EXPECT_THAT(host.Get(), HasSubstr("h_seconds_count{path=\"/\"} 4\n"));

  EXPECT_EQ(Api()->metric_remove(time), PROMPLUG_OK);
  Api()->observe(time, 0.3);
  EXPECT_THAT(LabelsOf(host, "h_seconds"), IsEmpty());
}

TEST(SoExemplarTest, ABadOneIsDroppedWhileTheValueCounts) {
  Host host;
  host.Start();
  promplug_metric* count = host.Metric(host.Family(PROMPLUG_COUNTER, "c_total"));
  promplug_metric* summary = host.Metric(host.Family(PROMPLUG_SUMMARY, "s"));
  const std::string longest(121, 'x');
  ExemplarOf good({{S("trace_i"), {longest.data(), longest.size()}}});
  ExemplarOf too_long({{S("trace_id"), {longest.data(), longest.size()}}});
  ExemplarOf not_utf8({{S("trace_id"), S("\xff")}});
  ExemplarOf twice({{S("a"), S("1")}, {S("a"), S("2")}});
  ExemplarOf none({});
  ExemplarOf short_struct({{S("a"), S("1")}});
  short_struct.abi.struct_size = 4;
  for (const promplug_exemplar* e : {&good.abi, &too_long.abi, &not_utf8.abi, &twice.abi, &none.abi,
                                     &short_struct.abi, static_cast<promplug_exemplar*>(nullptr)}) {
    Api()->counter_add_exemplar(count, 1, e);
  }
  Api()->observe_exemplar(summary, 1, &good.abi);
  Api()->counter_add_exemplar(nullptr, 1, &good.abi);
  EXPECT_THAT(LabelsOf(host, "c_total"), ElementsAre("trace_i=" + longest + ";"));
  const std::string body = host.Get();
  EXPECT_THAT(body, HasSubstr("\nc_total 7\n"));
  EXPECT_THAT(body, HasSubstr("\ns_count 1\n"));
}

}  // namespace
}  // namespace so_test
