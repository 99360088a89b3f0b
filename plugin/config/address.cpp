// SPDX-License-Identifier: MIT
#include "config/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/text.hpp"

namespace promplug {
namespace {

Status Expected(std::string text) { return {Code::kConfig, std::move(text)}; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool IsIp(int family, std::string_view text) {
  // A NUL would end the text early for inet_pton().
  if (text.find('\0') != std::string_view::npos) return false;
  in6_addr address;
  return inet_pton(family, std::string(text).c_str(), &address) == 1;
}

bool IsPort(std::string_view text, uint32_t lowest) {
  uint32_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && stop == end && port >= lowest && port <= 65535;
}

// "host", "host:port", "[v6]" or "[v6]:port" in two parts; the port keeps its ':'.
struct HostPort {
  std::string_view host;
  std::string_view port;
};

HostPort SplitHostPort(std::string_view text) {
  const size_t bracket = text.rfind(']');
  const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon)};
}

bool IsBracketedIpv6(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  const std::string_view address = host.substr(1, host.size() - 2);
  return IsIp(AF_INET6, address.substr(0, address.find('%')));
}

bool IsHost(std::string_view host) {
  if (host.empty()) return false;
  if (host.front() == '[') return IsBracketedIpv6(host);
  const bool numeric =
      std::all_of(host.begin(), host.end(), [](char c) { return IsDigit(c) || c == '.'; });
  if (numeric) return IsIp(AF_INET, host);
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

// RFC 3986 characters, "[]" for hosts and for name[] in queries, and whole escapes.
bool HasUrlCharacters(std::string_view text) {
  constexpr std::string_view kAllowed = "-._~:/?#[]@!$&'()*+,;=%";
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsAlphanumeric(text[i]) && kAllowed.find(text[i]) == std::string_view::npos) return false;
    if (text[i] == '%' && (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2]))) {
      return false;
    }
  }
  return true;
}

struct UrlParts {
  std::string scheme;  // "http" or "https"
  std::string_view authority;
  std::string_view path;   // empty, or begins with '/'
  std::string_view query;  // empty, or begins with '?'
};

Result<UrlParts> SplitUrl(std::string_view text) {
  if (!HasUrlCharacters(text)) {
    return Expected("a URL without spaces, control characters and non-ASCII (as %XX)");
  }
  UrlParts url;
  url.scheme = "http";
  if (const size_t end = text.find("://");
      end != std::string_view::npos && end < text.find_first_of("/?#@")) {
    const std::string_view scheme = text.substr(0, end);
    if (EqualsIgnoreCase(scheme, "https")) {
      url.scheme = "https";
    } else if (!EqualsIgnoreCase(scheme, "http")) {
      return Expected("a URL that begins with http:// or https://");
    }
    text.remove_prefix(end + 3);
  }
  if (text.find('#') != std::string_view::npos) return Expected("a URL without \"#\"");
  const size_t authority_end = std::min(text.find_first_of("/?"), text.size());
  const size_t path_end = std::min(text.find('?'), text.size());
  url.authority = text.substr(0, authority_end);
  url.path = text.substr(authority_end, path_end - authority_end);
  url.query = text.substr(path_end);
  // RedactUrl() finds the user and the password before the first '/' only.
  if (url.path.find('@') != std::string_view::npos) {
    return Expected("a URL with %40 for \"@\" in the path and %2F for \"/\" in the password");
  }
  const size_t at = url.authority.rfind('@');
  const HostPort host =
      SplitHostPort(at == std::string_view::npos ? url.authority : url.authority.substr(at + 1));
  if (!IsHost(host.host)) return Expected("a URL with a host, like http://pushgateway:9091");
  if (!host.port.empty() && !IsPort(host.port.substr(1), 1)) {
    return Expected("a URL with a port from 1 to 65535, like http://pushgateway:9091");
  }
  return url;
}

// The Pushgateway answers such a path with a redirect to another one.
bool HasOddSegment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty() || segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

bool HasGroup(std::string_view url) {
  constexpr std::string_view kGroup = "/metrics/job";
  const size_t at = url.find(kGroup);
  if (at == std::string_view::npos) return false;
  const std::string_view rest = url.substr(at + kGroup.size());
  return rest.empty() || rest[0] == '/' || rest[0] == '@';
}

}  // namespace

Result<std::string> NormalizeGatewayUrl(std::string_view text) {
  if (HasGroup(text)) {
    return Expected(
        "the base URL of the Pushgateway, like http://pushgateway:9091: /metrics/job/... is added "
        "from pushgateway.job, pushgateway.instance and pushgateway.labels");
  }
  Result<UrlParts> parts = SplitUrl(text);
  if (!parts.ok()) return parts.status();
  const UrlParts& url = parts.value();
  if (text.find('?') != std::string_view::npos) {
    return Expected("a URL without \"?\": the group is appended to it");
  }
  std::string_view path = url.path;
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (HasOddSegment(path)) return Expected("a URL without \"//\", \".\" and \"..\" in the path");
  return (url.scheme + "://").append(url.authority).append(path);
}

Result<std::string> NormalizeExporterUrl(std::string_view text) {
  Result<UrlParts> parts = SplitUrl(text);
  if (!parts.ok()) return parts.status();
  const UrlParts& url = parts.value();
  return (url.scheme + "://")
      .append(url.authority)
      .append(url.path.empty() ? "/metrics" : url.path)
      .append(url.query);
}

Result<std::string> NormalizeListen(std::string_view text) {
  if (text.empty()) return std::string();
  const HostPort parts = SplitHostPort(text);
  if (parts.port.empty() || !IsPort(parts.port.substr(1), 0)) {
    return Expected("a port from 0 to 65535 at the end, like \"127.0.0.1:9400\" or \":9400\"");
  }
  std::string_view host = parts.host;
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  const bool zone = host.find('%') != std::string_view::npos;
  if (zone || (!IsIp(AF_INET, host) && !IsBracketedIpv6(host))) {
    return Expected(
        "an address and a port, like \"127.0.0.1:9400\", \"[::1]:9400\" or \":9400\" (loopback); "
        "a host name is not looked up");
  }
  return std::string(host).append(parts.port);
}

std::string RedactAnyUrl(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos) return RedactUrl(text);
  const size_t scheme = text.find("://");
  const size_t begin = scheme != std::string_view::npos && scheme < at ? scheme + 3 : 0;
  return RedactUrl(std::string(text.substr(0, begin)).append("xxxxx").append(text.substr(at)));
}

}  // namespace promplug
