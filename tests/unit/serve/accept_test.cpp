// SPDX-License-Identifier: MIT
#include "serve/accept.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>

namespace promplug {
namespace {

// The value of a header of a request that a real Prometheus sent.
std::string CapturedHeader(const std::string& file, const std::string& name) {
  std::ifstream in(std::string(PROMPLUG_TEST_DATA) + "/" + file);
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind(name + ": ", 0) == 0) {
      return line.substr(name.size() + 2, line.find('\r') - name.size() - 2);
    }
  }
  ADD_FAILURE() << file << " has no " << name;
  return {};
}

TEST(ParseAccept, ReadsTheElementsOfARealPrometheusInTheirOrder) {
  const std::string header = CapturedHeader("prometheus_request_default.txt", "Accept");
  const auto items = ParseAccept(header);
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0].value, "application/openmetrics-text");
  EXPECT_EQ(FindParameter(items[0].parameters, "version"), "1.0.0");
  EXPECT_EQ(items[0].q, 1000);
  EXPECT_EQ(FindParameter(items[1].parameters, "version"), "0.0.1");
  EXPECT_EQ(items[1].q, 750);
  EXPECT_EQ(items[2].value, "text/plain");
  EXPECT_EQ(items[2].q, 500);
  EXPECT_EQ(items[3].value, "*/*");
  EXPECT_EQ(items[3].q, 100);
}

TEST(ParseAccept, ReadsTheParametersOfProtobuf) {
  const std::string header = CapturedHeader("prometheus_request_native-histograms.txt", "Accept");
  const auto items = ParseAccept(header);
  ASSERT_EQ(items.size(), 5u);
  EXPECT_EQ(items[0].value, "application/vnd.google.protobuf");
  EXPECT_EQ(FindParameter(items[0].parameters, "proto"), "io.prometheus.client.MetricFamily");
  EXPECT_EQ(FindParameter(items[0].parameters, "encoding"), "delimited");
  EXPECT_EQ(items[1].q, 800);
}

TEST(ParseAccept, TakesSpacesQuotesAndEmptyElements) {
  const auto items = ParseAccept(" , text/plain ; x=\"a,b;c\" ; Q = 0.25 ,, */* ");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].value, "text/plain");
  EXPECT_EQ(FindParameter(items[0].parameters, "X"), "a,b;c");
  EXPECT_EQ(items[0].q, 250);
  EXPECT_EQ(items[1].value, "*/*");
}

TEST(ParseAccept, AnEscapedQuoteDoesNotEndAQuotedText) {
  const auto items = ParseAccept(R"(a/b;x="1\",2", c/d)");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].value, "c/d");
}

TEST(ParseAccept, LeavesOutElementsWhoseQIsNotOne) {
  for (const char* q : {"2", "1.001", "-1", "0.1234", ".5", "x", "0x", "1e0"}) {
    EXPECT_TRUE(ParseAccept(std::string("gzip;q=") + q).empty()) << q;
  }
  EXPECT_EQ(ParseAccept("gzip;q=1.000").at(0).q, 1000);
  EXPECT_EQ(ParseAccept("gzip;q=0.").at(0).q, 0);
  EXPECT_EQ(ParseAccept("gzip;q=0.001").at(0).q, 1);
}

TEST(ParseAccept, SurvivesTextsThatEndInTheMiddle) {
  for (const char* text :
       {"", ";", ";;", "\"", "a;\"", "a;x=\"\\", "a;x=\"", "a;=", ",,,", "a;q="}) {
    for (const AcceptItem& item : ParseAccept(text)) EXPECT_FALSE(item.value.empty()) << text;
  }
}

// Rows as a server with more formats has them. The format says nothing here; the row does.
constexpr std::array kRows = {
    MediaRow{"text/plain", ";version=0.0.4", Format::kText004},
    MediaRow{"application/openmetrics-text", ";version=1.0.0", Format::kText004},
    MediaRow{"application/vnd.google.protobuf",
             ";proto=io.prometheus.client.MetricFamily;encoding=delimited", Format::kText004},
};

std::string_view Best(std::string_view accept) {
  const MediaRow* row = Negotiate(accept, kRows);
  return row == nullptr ? std::string_view("none") : row->type;
}

TEST(Negotiate, FollowsTheRealRequests) {
  EXPECT_EQ(Best(CapturedHeader("prometheus_request_default.txt", "Accept")),
            "application/openmetrics-text");
  EXPECT_EQ(Best(CapturedHeader("prometheus_request_bearer.txt", "Accept")),
            "application/openmetrics-text");
  EXPECT_EQ(Best(CapturedHeader("prometheus_request_native-histograms.txt", "Accept")),
            "application/vnd.google.protobuf");
}

TEST(Negotiate, TheHigherQWinsThenTheClientsOrderThenTheServers) {
  EXPECT_EQ(Best("text/plain;q=0.4, application/openmetrics-text;q=0.5"),
            "application/openmetrics-text");
  EXPECT_EQ(Best("application/openmetrics-text, text/plain"), "application/openmetrics-text");
  EXPECT_EQ(Best("*/*"), "text/plain");
  EXPECT_EQ(Best("application/*"), "application/openmetrics-text");
}

TEST(Negotiate, TheMostSpecificElementDecides) {
  EXPECT_EQ(Best("*/*, text/plain;q=0"), "application/openmetrics-text");
  EXPECT_EQ(Best("text/plain;version=0.0.4;q=0, text/*"), "none");
  EXPECT_EQ(Best("text/plain;q=0.1, text/plain;version=0.0.4;q=0.9, */*;q=0.5"), "text/plain");
}

TEST(Negotiate, AnotherVersionIsAnotherThing) {
  EXPECT_EQ(Best("text/plain;version=9"), "none");
  EXPECT_EQ(Best("TEXT/Plain;charset=utf-8"), "text/plain");
  EXPECT_EQ(Best("image/png"), "none");
  EXPECT_EQ(Best(""), "none");
}

Format FormatFor(std::string_view accept) { return NegotiateForm(accept).format; }

// What Prometheus 3 sends, without and with native histograms.
constexpr std::string_view kPrometheus3 =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,"
    "*/*;q=0.1";
constexpr std::string_view kPrometheus3Native =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    "escaping=allow-utf-8;q=0.6,";

TEST(NegotiateForm, IsOpenMetricsForThePrometheusOfToday) {
  for (const char* file : {"prometheus_request_default.txt", "prometheus_request_bearer.txt"}) {
    const ExpositionForm form = NegotiateForm(CapturedHeader(file, "Accept"));
    EXPECT_EQ(form.format, Format::kOpenMetrics);
    EXPECT_FALSE(form.escaping.has_value());
  }
  EXPECT_EQ(FormatFor("application/openmetrics-text;version=0.0.1"), Format::kOpenMetrics);
  EXPECT_EQ(FormatFor("application/openmetrics-text"), Format::kOpenMetrics);
  EXPECT_EQ(FormatFor("application/openmetrics-text;version=2.0.0"), Format::kText004);
}

TEST(NegotiateForm, GivesPrometheus3TheNamesThatItTakes) {
  const ExpositionForm form = NegotiateForm(kPrometheus3);
  EXPECT_EQ(form.format, Format::kOpenMetrics);
  EXPECT_EQ(form.escaping, Escaping::kAllowUtf8);
  const ExpositionForm native =
      NegotiateForm(std::string(kPrometheus3Native) + std::string(kPrometheus3));
  EXPECT_EQ(native.format, Format::kProtobuf);
  EXPECT_EQ(native.escaping, Escaping::kAllowUtf8);
}

TEST(NegotiateForm, FollowsTheOrderOfTheClientWhereItLikesAllTheSame) {
  EXPECT_EQ(FormatFor("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0"),
            Format::kText004);
  EXPECT_EQ(FormatFor("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4"),
            Format::kOpenMetrics);
}

TEST(NegotiateForm, Text100IsForClientsThatTakeItsNames) {
  EXPECT_EQ(FormatFor("text/plain;version=1.0.0;escaping=allow-utf-8"), Format::kText100);
  EXPECT_EQ(FormatFor("text/plain;version=1.0.0"), Format::kText004);
  EXPECT_EQ(FormatFor("text/plain;version=1.0.0;escaping=dots"), Format::kText004);
  EXPECT_EQ(FormatFor("text/*"), Format::kText004);
}

TEST(NegotiateForm, TakesTheEscapingOfTheElementThatMatched) {
  EXPECT_EQ(NegotiateForm("text/plain;version=0.0.4;escaping=values").escaping, Escaping::kValues);
  EXPECT_EQ(NegotiateForm("text/plain;escaping=\"dots\"").escaping, Escaping::kDots);
  EXPECT_EQ(NegotiateForm("*/*;escaping=underscores").escaping, Escaping::kUnderscores);
  EXPECT_FALSE(NegotiateForm("text/plain;escaping=roman").escaping.has_value());
  EXPECT_FALSE(NegotiateForm("image/png;escaping=dots").escaping.has_value());
}

TEST(NegotiateForm, IsTextWhateverTheClientSays) {
  for (const char* accept : {"", "image/png", "*/*;q=0", "text/plain;version=0.0.4", "\xff"}) {
    EXPECT_EQ(NegotiateForm(accept).format, Format::kText004) << accept;
  }
}

TEST(NegotiateForm, IsProtobufWhereTheClientLikesItBest) {
  EXPECT_EQ(FormatFor(CapturedHeader("prometheus_request_native-histograms.txt", "Accept")),
            Format::kProtobuf);
  constexpr std::string_view kDelimited =
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
      "encoding=delimited";
  EXPECT_EQ(FormatFor(kDelimited), Format::kProtobuf);
  EXPECT_EQ(FormatFor(std::string(kDelimited) + ";q=0.3, text/plain;version=0.0.4;q=0.5"),
            Format::kText004);
  EXPECT_EQ(FormatFor(std::string(kDelimited) + ";q=0"), Format::kText004);
  for (const char* other : {"encoding=text", "encoding=compact-text"}) {
    EXPECT_EQ(FormatFor(std::string("application/vnd.google.protobuf; "
                                    "proto=io.prometheus.client.MetricFamily; ") +
                        other),
              Format::kText004);
  }
}

std::string_view CodingFor(std::string_view accept_encoding) {
  static constexpr Coding kOffered[] = {Coding::kGzip, Coding::kZstd};
  return NameOf(NegotiateCoding(accept_encoding, kOffered));
}

TEST(NegotiateCoding, OfOneCodingOnlyWhereTheClientTakesItAndDoesNotLikeIdentityMore) {
  for (const std::string& gzip :
       {CapturedHeader("prometheus_request_default.txt", "Accept-Encoding"), std::string("GZIP"),
        std::string("deflate, x-gzip;q=0.2"), std::string("identity;q=0.5, gzip;q=0.5")}) {
    EXPECT_EQ(CodingFor(gzip), "gzip") << gzip;
  }
  for (const char* identity : {"", "gzip;q=0", "*;q=0", "identity, gzip;q=0.5", "gzip;q=high",
                               "gzipx", "br", "identity, *;q=0.9"}) {
    EXPECT_EQ(CodingFor(identity), "identity") << identity;
  }
  EXPECT_EQ(CodingFor("ZSTD"), "zstd");
  EXPECT_EQ(CodingFor("identity;q=0, zstd;q=0.1"), "zstd");
}

TEST(NegotiateCoding, TheHighestQWinsWhateverTheOrder) {
  EXPECT_EQ(CodingFor("gzip;q=0.8, zstd"), "zstd");
  EXPECT_EQ(CodingFor("zstd;q=0.9, gzip;q=0.8, br"), "zstd");
  EXPECT_EQ(CodingFor("zstd;q=0.8, gzip;q=0.9"), "gzip");
  EXPECT_EQ(CodingFor("zstd;q=0.2, identity;q=0.3, gzip;q=0.1"), "identity");
  EXPECT_EQ(CodingFor("gzip;q=0, zstd;q=0.001"), "zstd");
}

TEST(NegotiateCoding, OfEqualQsTheFirstThatIsOfferedWins) {
  EXPECT_EQ(CodingFor("zstd, gzip"), "gzip");
  EXPECT_EQ(CodingFor("*"), "gzip");
  static constexpr Coding kOffered[] = {Coding::kZstd, Coding::kGzip};
  EXPECT_EQ(NegotiateCoding("gzip, deflate, br, zstd", kOffered), Coding::kZstd);
}

TEST(NegotiateCoding, TheStarStandsForWhatIsNotNamed) {
  EXPECT_EQ(CodingFor("gzip;q=0.000, *"), "zstd");
  EXPECT_EQ(CodingFor("zstd;q=0.5, *;q=0.4"), "zstd");
  EXPECT_EQ(CodingFor("zstd;q=0.5, *;q=0.6"), "gzip");
}

TEST(NegotiateCoding, WithoutAnOfferItIsTheIdentity) {
  EXPECT_EQ(NegotiateCoding("gzip, *", {}), Coding::kIdentity);
}

}  // namespace
}  // namespace promplug
