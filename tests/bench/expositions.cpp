// SPDX-License-Identifier: MIT
#include "bench/expositions.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <zlib.h>

#include <iterator>
#include <ostream>
#include <streambuf>

#include "bench/plugin_host.hpp"
#include "bench/work.hpp"

namespace promplug::bench {
namespace {

constexpr struct {
  Work work;
  const char* name;
  int32_t type;
} kWorks[] = {{Work::kCounters, "counters", PROMPLUG_COUNTER},
              {Work::kHistograms, "histograms", PROMPLUG_HISTOGRAM},
              {Work::kGauges, "gauges", PROMPLUG_GAUGE}};
constexpr const char* kFamilyName = "http_requests_total";
constexpr const char* kHelp = "What is counted here.";
constexpr size_t kObservations = 20;

class PluginExposition : public Exposition {
 public:
  PluginExposition(Work work, size_t lines) {
    const size_t series = SeriesOf(work, lines);
    static const promplug_str kNames[] = {Str(kLabelNames[0]), Str(kLabelNames[1]),
                                          Str(kLabelNames[2])};
    promplug_family_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.type = kWorks[static_cast<size_t>(work)].type;
    desc.name = Str(kFamilyName);
    desc.help = Str(kHelp);
    desc.label_names = kNames;
    desc.n_label_names = std::size(kNames);
    if (work == Work::kHistograms) {
      desc.buckets = kBounds;
      desc.n_buckets = std::size(kBounds);
    }
    desc.max_series = static_cast<uint32_t>(series);
    promplug_family* family = instance_.Family(desc);
    Random random(kSeed);
    for (size_t i = 0; i < series; ++i) {
      const LabelValues values = LabelValuesOf(i);
      const promplug_str strs[] = {Str(values[0]), Str(values[1]), Str(values[2])};
      promplug_metric* metric = Metric(family, strs, std::size(strs));
      Fill(work, metric, random);
      Api()->metric_release(metric);
    }
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

 private:
  static void Fill(Work work, promplug_metric* metric, Random& random) {
    switch (work) {
      case Work::kCounters:
        return Api()->counter_add(metric, WholeNumber(random));
      case Work::kGauges:
        return Api()->gauge_set(metric, FullDouble(random));
      case Work::kHistograms:
        for (size_t i = 0; i < kObservations; ++i) Api()->observe(metric, Duration(random));
    }
  }

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
};

// Counts what it drops.
class Discarding : public std::streambuf {
 public:
  size_t bytes() const { return bytes_; }

 protected:
  int_type overflow(int_type c) override {
    ++bytes_;
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char*, std::streamsize n) override {
    bytes_ += static_cast<size_t>(n);
    return n;
  }

 private:
  size_t bytes_ = 0;
};

class PeerExposition : public Exposition {
 public:
  PeerExposition(Work work, size_t lines) {
    Random random(kSeed);
    const size_t series = SeriesOf(work, lines);
    switch (work) {
      case Work::kCounters: {
        auto& family = prometheus::BuildCounter().Name(kFamilyName).Help(kHelp).Register(registry_);
        for (size_t i = 0; i < series; ++i) {
          family.Add(LabelsOf(i)).Increment(WholeNumber(random));
        }
        break;
      }
      case Work::kGauges: {
        auto& family = prometheus::BuildGauge().Name(kFamilyName).Help(kHelp).Register(registry_);
        for (size_t i = 0; i < series; ++i) family.Add(LabelsOf(i)).Set(FullDouble(random));
        break;
      }
      case Work::kHistograms: {
        auto& family =
            prometheus::BuildHistogram().Name(kFamilyName).Help(kHelp).Register(registry_);
        const prometheus::Histogram::BucketBoundaries bounds(std::begin(kBounds),
                                                             std::end(kBounds));
        for (size_t i = 0; i < series; ++i) {
          auto& histogram = family.Add(LabelsOf(i), bounds);
          for (size_t k = 0; k < kObservations; ++k) histogram.Observe(Duration(random));
        }
      }
    }
  }

  size_t Scrape(bool gzip) override {
    if (gzip) return CompressedBytes(Text());
    Discarding sink;
    std::ostream out(&sink);
    prometheus::TextSerializer().Serialize(out, registry_.Collect());
    return sink.bytes();
  }

  std::string Text() override {
    return static_cast<const prometheus::Serializer&>(prometheus::TextSerializer())
        .Serialize(registry_.Collect());
  }

 private:
  static prometheus::Labels LabelsOf(size_t series) {
    const LabelValues values = LabelValuesOf(series);
    return {{kLabelNames[0], values[0]}, {kLabelNames[1], values[1]}, {kLabelNames[2], values[2]}};
  }

  static size_t CompressedBytes(const std::string& text) {
    constexpr int kGzipWindowBits = 16 + MAX_WBITS;
    constexpr int kMemoryLevel = 9;
    z_stream stream = {};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      Fail("deflateInit2");
    }
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) Fail("deflate");
    const size_t bytes = stream.total_out;
    deflateEnd(&stream);
    return bytes;
  }

  prometheus::Registry registry_;
};

}  // namespace

const char* NameOf(Work work) { return kWorks[static_cast<size_t>(work)].name; }

Work WorkOf(const std::string& name) {
  for (const auto& each : kWorks) {
    if (name == each.name) return each.work;
  }
  Fail("no such work: " + name);
}

size_t SeriesOf(Work work, size_t lines) {
  return work == Work::kHistograms ? lines / kLinesAHistogram : lines;
}

std::unique_ptr<Exposition> NewExposition(const std::string& who, Work work, size_t lines) {
  if (who == "promplug") return std::make_unique<PluginExposition>(work, lines);
  if (who == "prometheus_cpp") return std::make_unique<PeerExposition>(work, lines);
  Fail("nobody is called " + who);
}

size_t CountLines(const std::string& text) {
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) lines += text[at] != '#';
  return lines;
}

}  // namespace promplug::bench
