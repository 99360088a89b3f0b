// SPDX-License-Identifier: MIT
#include "bench/peer_exposition.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>
#include <zlib.h>

#include <iterator>
#include <ostream>
#include <streambuf>

#include "bench/plugin_host.hpp"
#include "bench/work.hpp"

namespace promplug::bench {
namespace {

prometheus::Labels LabelsOf(size_t series) {
  const LabelValues values = LabelValuesOf(series);
  return {{kLabelNames[0], values[0]}, {kLabelNames[1], values[1]}, {kLabelNames[2], values[2]}};
}

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

size_t CompressedBytes(const std::string& text) {
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

class PeerExposition : public Exposition {
 public:
  PeerExposition(Work work, size_t lines) : values_(LabelsOf(SeriesOf(work, lines) / 2)) {
    FillRegistry(registry_, work, lines);
    if (work != Work::kCounters) return;
    // Of the same name and labels, Register() and Add() give what is there.
    family_ = &prometheus::BuildCounter().Name(kFamilyName).Help(kHelp).Register(registry_);
    counter_ = &family_->Add(values_);
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

  void Increment() override { counter_->Increment(); }
  void LookUpAndIncrement() override { family_->Add(values_).Increment(); }

 private:
  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
  const prometheus::Labels values_;
  prometheus::Family<prometheus::Counter>* family_ = nullptr;
  prometheus::Counter* counter_ = nullptr;
};

}  // namespace

void FillRegistry(prometheus::Registry& registry, Work work, size_t lines) {
  Random random(kSeed);
  const size_t series = SeriesOf(work, lines);
  switch (work) {
    case Work::kCounters: {
      auto& family = prometheus::BuildCounter().Name(kFamilyName).Help(kHelp).Register(registry);
      for (size_t i = 0; i < series; ++i) family.Add(LabelsOf(i)).Increment(WholeNumber(random));
      break;
    }
    case Work::kGauges: {
      auto& family = prometheus::BuildGauge().Name(kFamilyName).Help(kHelp).Register(registry);
      for (size_t i = 0; i < series; ++i) family.Add(LabelsOf(i)).Set(FullDouble(random));
      break;
    }
    case Work::kHistograms: {
      auto& family = prometheus::BuildHistogram().Name(kFamilyName).Help(kHelp).Register(registry);
      const prometheus::Histogram::BucketBoundaries bounds(std::begin(kBounds), std::end(kBounds));
      for (size_t i = 0; i < series; ++i) {
        auto& histogram = family.Add(LabelsOf(i), bounds);
        for (size_t k = 0; k < kObservations; ++k) histogram.Observe(Duration(random));
      }
    }
  }
}

std::unique_ptr<Exposition> NewPeerExposition(Work work, size_t lines) {
  return std::make_unique<PeerExposition>(work, lines);
}

}  // namespace promplug::bench
