// SPDX-License-Identifier: MIT
// Any bytes as an exporter's body, in pieces of any length. What comes out clean must be taken by
// the strict checker, must not depend on the pieces, and must come out the same from a second
// cleaning.
//
// Input: a byte for the length of the pieces, a byte of flags (1: drop go_*), the body.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "relay/relay.hpp"
#include "support/canned_http_client.hpp"
#include "support/exposition_checker.hpp"

namespace promplug::testing {
namespace {

struct Reading {
  RelayOutcome outcome;
  std::string out;
  size_t requests = 0;
};

Reading Read(const ForwardConfig& config, std::string_view body, size_t piece_length) {
  CannedHttpClient client;
  client.body = body;
  client.pieces = {piece_length};
  const auto relay = NewRelay(config, &client, nullptr);
  Reading reading;
  do {
    reading.out.clear();
    reading.outcome = relay->Read({}, std::chrono::seconds(1), [&](std::string_view piece) {
      reading.out.append(piece);
      return true;
    });
  } while (reading.outcome.read_again && client.requests.size() < 2);
  reading.requests = client.requests.size();
  return reading;
}

void Require(bool good, const char* what, const std::string& text) {
  if (good) return;
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

void Try(std::string_view input) {
  if (input.size() < 2) return;
  ForwardConfig config;
  config.url = "http://127.0.0.1/metrics";
  if ((input[1] & 1) != 0) config.drop = {"go_*"};
  const size_t piece_length = 1 + static_cast<unsigned char>(input[0]);
  const std::string_view body = input.substr(2);

  const Reading whole = Read(config, body, body.size() + 1);
  const Reading pieces = Read(config, body, piece_length);
  Require(whole.outcome.kind == pieces.outcome.kind, "pieces change the outcome", "");
  Require(whole.outcome.text == pieces.outcome.text, "pieces change the text", whole.outcome.text);
  Require(!whole.outcome.read_again, "a second reading did not help", whole.outcome.text);
  if (whole.outcome.kind != RelayOutcome::Kind::kClean) return;
  Require(whole.out == pieces.out, "pieces change what comes out", whole.out);
  Require(whole.outcome.families_left != whole.out.empty(), "families_left is wrong", whole.out);
  if (whole.out.empty()) return;
  const std::string wrong = ExpositionChecker::Check(whole.out);
  Require(wrong.empty(), wrong.c_str(), whole.out);
  const Reading again = Read(config, whole.out, whole.out.size());
  Require(again.out == whole.out, "a second cleaning changes it", whole.out + "----\n" + again.out);
  Require(again.requests == 1, "families came apart in what came out", whole.out);
}

}  // namespace
}  // namespace promplug::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  promplug::testing::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
