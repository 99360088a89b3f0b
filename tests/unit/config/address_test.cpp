// SPDX-License-Identifier: MIT
#include "config/address.hpp"

#include <gmock/gmock.h>

namespace promplug {
namespace {

std::string Gateway(std::string_view text) {
  const Result<std::string> url = NormalizeGatewayUrl(text);
  return url.ok() ? url.value() : "refused: " + url.status().text();
}

std::string Exporter(std::string_view text) {
  const Result<std::string> url = NormalizeExporterUrl(text);
  return url.ok() ? url.value() : "refused";
}

std::string Listen(std::string_view text) {
  const Result<std::string> address = NormalizeListen(text);
  return address.ok() ? address.value() : "refused";
}

TEST(GatewayUrl, IsNormalized) {
  EXPECT_EQ(Gateway("pushgateway:9091"), "http://pushgateway:9091");
  EXPECT_EQ(Gateway("pushgateway"), "http://pushgateway");
  EXPECT_EQ(Gateway("HTTPS://Push.example"), "https://Push.example");
  EXPECT_EQ(Gateway("http://h:9091///"), "http://h:9091");
  EXPECT_EQ(Gateway("http://h/a/b/"), "http://h/a/b");
  EXPECT_EQ(Gateway("h/prefix"), "http://h/prefix");
  EXPECT_EQ(Gateway("u:p%40ss@h:1/x"), "http://u:p%40ss@h:1/x");
  EXPECT_EQ(Gateway("http://a@b@h"), "http://a@b@h");
  EXPECT_EQ(Gateway("http://[::1]:9091"), "http://[::1]:9091");
  EXPECT_EQ(Gateway("http://[fe80::1%25eth0]"), "http://[fe80::1%25eth0]");
  EXPECT_EQ(Gateway("http://my_service.ns-1:80"), "http://my_service.ns-1:80");
  EXPECT_EQ(Gateway("http://h/metrics"), "http://h/metrics");
  EXPECT_EQ(Gateway("http://h/metrics/jobs"), "http://h/metrics/jobs");
}

TEST(GatewayUrl, IsRefusedWhereItCannotBeOne) {
  using ::testing::HasSubstr;
  for (const char* text : {"ftp://h", "://h", "unix://h", "file:///x"}) {
    EXPECT_THAT(Gateway(text), HasSubstr("http:// or https://")) << text;
  }
  for (const char* text :
       {"", "/", "http://", "http:///x", "//h:9091", "http://u:p@", "http://:80", "http://[::g]",
        "http://[::1", "http://300.1.1.1", "http://1.2.3", "http://h,i", "http://[::1]x:80"}) {
    EXPECT_THAT(Gateway(text), HasSubstr("with a host")) << text;
  }
  for (const char* text :
       {"h:", "h:0", "h:65536", "h:x", "h:80:80", "h:-1", "unix:/run/x", "http:/h", "mailto:x"}) {
    EXPECT_THAT(Gateway(text), HasSubstr("a port from 1 to 65535")) << text;
  }
  for (const char* text : {" http://h", "http://h ", "http://h/a b", "http://h\n", "http://h\x7f",
                           "http://h\xc3\xbc", "http://h/%", "http://h/%4", "http://h/%zz",
                           "http://h/<x>", "http://h\\x", "http://h/{a}"}) {
    EXPECT_THAT(Gateway(text), HasSubstr("without spaces")) << text;
  }
  EXPECT_THAT(Gateway(std::string_view("http://h\0", 9)), HasSubstr("without spaces"));
  EXPECT_THAT(Gateway("http://h/?a=b"), HasSubstr("without \"?\""));
  EXPECT_THAT(Gateway("http://h/#a"), HasSubstr("without \"#\""));
  EXPECT_THAT(Gateway("http://u:1/2@h"), HasSubstr("%2F for \"/\" in the password"));
  for (const char* text : {"http://h/a//b", "http://h/../b", "http://h/a/./b", "http://h/.."}) {
    EXPECT_THAT(Gateway(text), HasSubstr("without \"//\"")) << text;
  }
  for (const char* text : {"http://h/metrics/job", "h/metrics/job/x", "h/p/metrics/job/x/",
                           "h/metrics/job@base64/eA"}) {
    EXPECT_THAT(Gateway(text), HasSubstr("the base URL of the Pushgateway")) << text;
  }
}

TEST(ExporterUrl, HasMetricsAsItsPathWhereItHasNone) {
  EXPECT_EQ(Exporter("127.0.0.1:9100"), "http://127.0.0.1:9100/metrics");
  EXPECT_EQ(Exporter("http://h/"), "http://h/");
  EXPECT_EQ(Exporter("http://h?collect[]=cpu"), "http://h/metrics?collect[]=cpu");
  EXPECT_EQ(Exporter("https://h/probe?target=a&x=b@c"), "https://h/probe?target=a&x=b@c");
  EXPECT_EQ(Exporter("http://h/metrics/job/x"), "http://h/metrics/job/x");
  for (const char* text : {"", "http://", "ftp://h", "h:x", "http://h/#x", "a b"}) {
    EXPECT_EQ(Exporter(text), "refused") << text;
  }
}

TEST(ListenAddress, IsNumericWithAPort) {
  EXPECT_EQ(Listen(""), "");
  EXPECT_EQ(Listen(":9400"), "127.0.0.1:9400");
  EXPECT_EQ(Listen("localhost:9400"), "127.0.0.1:9400");
  EXPECT_EQ(Listen("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(Listen("[::]:9400"), "[::]:9400");
  for (const char* text : {"9400", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1",
                           "127.0.0.1:1 ", "::1:9400", "[::1]", "[::1]9400", "[::1]:x", "host:1",
                           "*:9400", "http://127.0.0.1:1", "[fe80::1%lo]:1", "[127.0.0.1]:1"}) {
    EXPECT_EQ(Listen(text), "refused") << text;
  }
  EXPECT_EQ(Listen(std::string_view("127.0.0.1\0:1", 12)), "refused");
}

TEST(RedactAnyUrl, HidesAllThatCouldBeAPassword) {
  EXPECT_EQ(RedactAnyUrl("http://u:p@h/x"), "http://xxxxx@h/x");
  EXPECT_EQ(RedactAnyUrl("u:p@h"), "xxxxx@h");
  EXPECT_EQ(RedactAnyUrl("http://u:a/b@h/x"), "http://xxxxx@h/x");
  EXPECT_EQ(RedactAnyUrl("http:/u:p@h"), "xxxxx@h");
  EXPECT_EQ(RedactAnyUrl("h?token=abc&b=c"), "h?token=xxxxx&b=xxxxx");
  EXPECT_EQ(RedactAnyUrl("http://h:9091/x"), "http://h:9091/x");
}

}  // namespace
}  // namespace promplug
