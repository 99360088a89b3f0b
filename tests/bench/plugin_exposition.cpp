// SPDX-License-Identifier: MIT
#include "bench/plugin_exposition.hpp"

#include <iterator>

#include "bench/work.hpp"

namespace promplug::bench {
namespace {

int32_t TypeOf(Work work) {
  switch (work) {
    case Work::kCounters:
      return PROMPLUG_COUNTER;
    case Work::kHistograms:
      return PROMPLUG_HISTOGRAM;
    case Work::kGauges:
      return PROMPLUG_GAUGE;
  }
  Fail("no such work");
}

void Fill(Work work, promplug_metric* metric, Random& random) {
  switch (work) {
    case Work::kCounters:
      return Api()->counter_add(metric, WholeNumber(random));
    case Work::kGauges:
      return Api()->gauge_set(metric, FullDouble(random));
    case Work::kHistograms:
      for (size_t i = 0; i < kObservations; ++i) Api()->observe(metric, Duration(random));
  }
}

class PluginExposition : public Exposition {
 public:
  PluginExposition(Work work, size_t lines)
      : family_(FillPlugin(instance_, work, lines)),
        values_(LabelValuesOf(SeriesOf(work, lines) / 2)) {
    for (size_t i = 0; i < std::size(strs_); ++i) strs_[i] = Str(values_[i]);
    metric_ = Metric(family_, strs_, std::size(strs_));
    instance_.Start();
  }

  size_t Scrape(bool gzip) override {
    size_t bytes = 0;
    Request(gzip, &bytes, [](void* user, const void*, size_t len) -> int32_t {
      *static_cast<size_t*>(user) += len;
      return 0;
    });
    return bytes;
  }

  std::string Text() override {
    std::string text;
    Request(false, &text, [](void* user, const void* data, size_t len) -> int32_t {
      static_cast<std::string*>(user)->append(static_cast<const char*>(data), len);
      return 0;
    });
    return text;
  }

  void Increment() override { Api()->counter_inc(metric_); }
  void LookUpAndIncrement() override {
    Api()->update(family_, strs_, std::size(strs_), PROMPLUG_OP_ADD, 1, nullptr);
  }

 private:
  void Request(bool gzip, void* user, int32_t (*write)(void*, const void*, size_t)) {
    static const promplug_kv kGzip = {PROMPLUG_S("Accept-Encoding"), PROMPLUG_S("gzip")};
    promplug_request request = {};
    request.struct_size = sizeof request;
    request.method = Str("GET");
    request.path = Str("/metrics");
    request.headers = &kGzip;
    request.n_headers = gzip ? 1 : 0;
    request.timeout_ms = 60'000;
    promplug_response response = {};
    response.struct_size = sizeof response;
    response.user = user;
    response.begin = [](void*, int32_t status, const promplug_kv*, size_t, int64_t) -> int32_t {
      return status == 200 ? 0 : 1;
    };
    response.write = write;
    promplug_error error = {};
    Require(Api()->handle_request(instance_.get(), &request, &response, &error), error, "scrape");
  }

  Instance instance_;
  promplug_family* const family_;
  const LabelValues values_;
  promplug_str strs_[3];
  promplug_metric* metric_;
};

}  // namespace

promplug_family* FillPlugin(Instance& instance, Work work, size_t lines) {
  const size_t series = SeriesOf(work, lines);
  static const promplug_str kNames[] = {Str(kLabelNames[0]), Str(kLabelNames[1]),
                                        Str(kLabelNames[2])};
  promplug_family_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.type = TypeOf(work);
  desc.name = Str(kFamilyName);
  desc.help = Str(kHelp);
  desc.label_names = kNames;
  desc.n_label_names = std::size(kNames);
  if (work == Work::kHistograms) {
    desc.buckets = kBounds;
    desc.n_buckets = std::size(kBounds);
  }
  desc.max_series = static_cast<uint32_t>(series);
  promplug_family* family = instance.Family(desc);
  Random random(kSeed);
  for (size_t i = 0; i < series; ++i) {
    const LabelValues values = LabelValuesOf(i);
    const promplug_str strs[] = {Str(values[0]), Str(values[1]), Str(values[2])};
    promplug_metric* metric = Metric(family, strs, std::size(strs));
    Fill(work, metric, random);
    Api()->metric_release(metric);
  }
  return family;
}

std::unique_ptr<Exposition> NewPluginExposition(Work work, size_t lines) {
  return std::make_unique<PluginExposition>(work, lines);
}

}  // namespace promplug::bench
