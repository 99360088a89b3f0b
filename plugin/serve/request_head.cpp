// SPDX-License-Identifier: MIT
#include "serve/request_head.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/optional.hpp>
#include <functional>

namespace promplug {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string_view View(BeastView text) { return {text.data(), text.size()}; }

// Collects what Boost.Beast finds, as views, and notes what is refused though it is valid HTTP.
class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser(std::string_view bytes, RequestHead* out) : bytes_(bytes), out_(out) {
    header_limit(kMaxHeadBytes);
  }

  // 0, or the status to refuse with.
  int Parse() {
    error_code error;
    put(boost::asio::const_buffer(bytes_.data(), bytes_.size()), error);
    if (error == http::error::bad_version) return 505;
    if (error == http::error::header_limit) return 431;
    // A body of any size is refused below, with its own status.
    if (error && error != http::error::body_limit) return refusal_ != 0 ? refusal_ : 400;
    if (refusal_ != 0) return refusal_;
    if (!is_header_done() && !error) return 400;
    if (has_transfer_encoding_ || n_content_lengths_ > 1) return 400;
    if (error || content_length().value_or(0) > 0) return 413;
    if (n_hosts_ > 1 || (n_hosts_ == 0 && out_->http11)) return 400;
    out_->keep_alive = out_->http11 && keep_alive();
    return 0;
  }

 private:
  void on_request_impl(http::verb, BeastView method, BeastView target, int version,
                       error_code&) override {
    out_->method = View(method);
    out_->http11 = version == 11;
    SplitTarget(View(target));
  }

  void on_field_impl(http::field field, BeastView name, BeastView value,
                     error_code& error) override {
    // A folded line is the one thing that does not stay where it was.
    if (!value.empty() && !IsInside(value.data())) return Refuse(400, &error);
    if (out_->headers.size() == kMaxHeadFields) return Refuse(431, &error);
    n_hosts_ += field == http::field::host ? 1 : 0;
    n_content_lengths_ += field == http::field::content_length ? 1 : 0;
    has_transfer_encoding_ |= field == http::field::transfer_encoding;
    out_->headers.emplace_back(View(name), View(value));
  }

  // The bytes end with the head, so that nothing of a body or an answer is ever parsed.
  void on_response_impl(int, BeastView, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(BeastView body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, BeastView, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, BeastView body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  void Refuse(int status, error_code* error) {
    refusal_ = status;
    *error = http::error::bad_field;
  }

  bool IsInside(const char* p) const {
    return std::greater_equal<>()(p, bytes_.data()) &&
           std::less<>()(p, bytes_.data() + bytes_.size());
  }

  void SplitTarget(std::string_view target) {
    if (!target.starts_with('/')) {
      const size_t scheme = target.find("://");
      if (scheme != std::string_view::npos) {
        const size_t path = target.find_first_of("/?", scheme + 3);
        target = path == std::string_view::npos ? "/" : target.substr(path);
      }
    }
    const size_t mark = target.find('?');
    out_->path = target.substr(0, mark);
    out_->query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  }

  const std::string_view bytes_;
  RequestHead* const out_;
  int refusal_ = 0;
  int n_hosts_ = 0;
  int n_content_lengths_ = 0;
  bool has_transfer_encoding_ = false;
};

}  // namespace

HeadParse ParseRequestHead(std::string_view bytes, size_t searched, RequestHead* out) {
  HeadParse result;
  // What cannot begin a request (a TLS handshake, say) is not worth waiting for its end.
  if (!bytes.empty() && (bytes[0] <= ' ' || bytes[0] >= 0x7f)) {
    result.kind = HeadParse::Kind::kRefused;
    result.refusal = 400;
    return result;
  }
  const size_t end = bytes.find(kHeadEnd, searched - std::min(searched, kHeadEnd.size() - 1));
  result.size = end + kHeadEnd.size();
  if (end == std::string_view::npos || result.size > kMaxHeadBytes) {
    if (bytes.size() < kMaxHeadBytes) return HeadParse();
    result.kind = HeadParse::Kind::kRefused;
    result.refusal = 431;
    return result;
  }
  *out = RequestHead();
  result.refusal = HeadParser(bytes.substr(0, result.size), out).Parse();
  result.kind = result.refusal == 0 ? HeadParse::Kind::kWhole : HeadParse::Kind::kRefused;
  return result;
}

}  // namespace promplug
