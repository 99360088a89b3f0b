// SPDX-License-Identifier: MIT
// Whatever a client of the listener can say: the head of a request, and its headers.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "serve/accept.hpp"
#include "serve/query.hpp"
#include "serve/request_head.hpp"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

bool IsInside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using promplug::HeadParse;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  promplug::RequestHead head;
  const HeadParse parse = promplug::ParseRequestHead(input, 0, &head);
  if (parse.kind == HeadParse::Kind::kWhole) {
    Require(parse.size <= input.size() && parse.size <= promplug::kMaxHeadBytes);
    Require(head.headers.size() <= promplug::kMaxHeadFields);
    Require(IsInside(head.method, input) && IsInside(head.query, input));
    for (const auto& [name, value] : head.headers) {
      Require(IsInside(name, input) && IsInside(value, input));
      Require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
      for (const promplug::AcceptItem& item : promplug::ParseAccept(value)) {
        Require(!item.value.empty() && item.q >= 0 && item.q <= 1000);
      }
      promplug::NegotiateCoding(value, promplug::CompressingCodings());
      promplug::NegotiateForm(value);
    }
    promplug::QueryValues(head.query, "name[]");

    // However the bytes come, the answer is the same.
    promplug::RequestHead again;
    const HeadParse later = promplug::ParseRequestHead(input, parse.size - 1, &again);
    Require(later.kind == parse.kind && later.size == parse.size);
    const HeadParse early = promplug::ParseRequestHead(input.substr(0, parse.size - 1), 0, &again);
    Require(early.kind == HeadParse::Kind::kIncomplete);
  } else if (parse.kind == HeadParse::Kind::kRefused) {
    Require(parse.refusal >= 400 && parse.refusal < 600);
  }
  promplug::ParseAccept(input);
  promplug::QueryValues(input, "name[]");
  return 0;
}
