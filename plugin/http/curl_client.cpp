// SPDX-License-Identifier: MIT
#include <curl/curl.h>
#include <dlfcn.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <exception>

#include "http/http_client.hpp"
#include "http/response_reader.hpp"
#include "http/url.hpp"

namespace promplug {
namespace {

// What is used of libcurl. Filled once per process and never given back: its threads and TLS
// library cannot be unloaded safely.
struct Curl {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_setopt) setopt;
  decltype(&curl_easy_getinfo) getinfo;
  decltype(&curl_easy_reset) reset;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_strerror) strerror;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_multi_init) multi_init;
  decltype(&curl_multi_cleanup) multi_cleanup;
  decltype(&curl_multi_add_handle) add;
  decltype(&curl_multi_remove_handle) remove;
  decltype(&curl_multi_perform) perform;
  decltype(&curl_multi_poll) poll;
  decltype(&curl_multi_wakeup) wakeup;
  decltype(&curl_multi_info_read) info_read;
};

template <typename F>
bool Find(void* library, const char* name, F* function) {
  *function = reinterpret_cast<F>(::dlsym(library, name));
  return *function != nullptr;
}

struct LoadedCurl {
  Curl curl{};
  std::string error;  // empty: usable
};

LoadedCurl Load() {
  LoadedCurl loaded;
  void* const library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    loaded.error =
        "libcurl.so.4 cannot be loaded; install the package libcurl4 (Debian, Ubuntu) or libcurl";
    return loaded;
  }
  Curl& c = loaded.curl;
  const bool complete = Find(library, "curl_global_init", &c.global_init) &&
                        Find(library, "curl_easy_init", &c.easy_init) &&
                        Find(library, "curl_easy_setopt", &c.setopt) &&
                        Find(library, "curl_easy_getinfo", &c.getinfo) &&
                        Find(library, "curl_easy_reset", &c.reset) &&
                        Find(library, "curl_easy_cleanup", &c.easy_cleanup) &&
                        Find(library, "curl_easy_strerror", &c.strerror) &&
                        Find(library, "curl_slist_append", &c.slist_append) &&
                        Find(library, "curl_slist_free_all", &c.slist_free_all) &&
                        Find(library, "curl_multi_init", &c.multi_init) &&
                        Find(library, "curl_multi_cleanup", &c.multi_cleanup) &&
                        Find(library, "curl_multi_add_handle", &c.add) &&
                        Find(library, "curl_multi_remove_handle", &c.remove) &&
                        Find(library, "curl_multi_perform", &c.perform) &&
                        Find(library, "curl_multi_poll", &c.poll) &&
                        Find(library, "curl_multi_wakeup", &c.wakeup) &&
                        Find(library, "curl_multi_info_read", &c.info_read);
  if (!complete) {
    loaded.error = "libcurl.so.4 is older than 7.68; install a newer package libcurl4";
  } else if (c.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    loaded.error = "libcurl.so.4 cannot be initialised";
  }
  return loaded;
}

const LoadedCurl& Library() {
  // Leaked, because clients may be used until the process is gone.
  static const LoadedCurl* const loaded = new LoadedCurl(Load());
  return *loaded;
}

// No exception may pass through the frames of libcurl.
template <typename T, typename F>
T Fenced(T if_thrown, F function) {
  try {
    return function();
  } catch (const std::exception&) {
    return if_thrown;
  }
}

size_t ReadBody(char* to, size_t size, size_t count, void* user) {
  return Fenced<size_t>(CURL_READFUNC_ABORT,
                        [&] { return static_cast<HttpBody*>(user)->Read(to, size * count); });
}

// libcurl asks for the first byte again when a kept connection turns out to be dead.
int SeekBody(void* user, curl_off_t offset, int origin) {
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  return Fenced<int>(CURL_SEEKFUNC_FAIL, [&] {
    static_cast<HttpBody*>(user)->Rewind();
    return CURL_SEEKFUNC_OK;
  });
}

// So that most bodies leave in one piece: each wakes the peer, and is waited for.
long UploadBufferBytes(uint64_t body_bytes) {
  constexpr long kLeast = 16L * 1024;  // of libcurl
  constexpr long kMost = 256L * 1024;
  return body_bytes < kMost ? std::max(static_cast<long>(body_bytes), kLeast) : kMost;
}

// Both: anything but the full size makes libcurl end the exchange.
size_t TakeBody(char* data, size_t size, size_t count, void* user) {
  const std::string_view bytes(data, size * count);
  return Fenced<size_t>(bytes.size() + 1, [&] {
    return static_cast<ResponseReader*>(user)->TakeBody(bytes) ? bytes.size() : bytes.size() + 1;
  });
}

size_t TakeHeader(char* data, size_t size, size_t count, void* user) {
  const std::string_view line(data, size * count);
  return Fenced<size_t>(line.size() + 1, [&] {
    return static_cast<ResponseReader*>(user)->TakeHeader(line) ? line.size() : line.size() + 1;
  });
}

// Not inherited by what the host executes.
curl_socket_t OpenSocket(void* /*user*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(const Curl& curl)
      : curl_(curl), easy_(curl.easy_init()), multi_(curl.multi_init()) {}
  ~CurlClient() override {
    if (easy_ != nullptr) curl_.easy_cleanup(easy_);
    if (multi_ != nullptr) curl_.multi_cleanup(multi_);
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  bool usable() const { return easy_ != nullptr && multi_ != nullptr; }

  Result<HttpResponse> Perform(const HttpRequest& request) override;

  void Interrupt() override {
    interrupted_.store(true);
    curl_.wakeup(multi_);
  }
  void ClearInterrupt() override { interrupted_.store(false); }

 private:
  bool SetTransport(const HttpRequest& request);
  bool SetTarget(const HttpRequest& request);
  bool SetPayload(const HttpRequest& request, ResponseReader* reader);
  bool SetHeaders(const HttpRequest& request);
  template <typename T>
  bool Set(CURLoption option, T value) {
    return curl_.setopt(easy_, option, value) == CURLE_OK;
  }
  bool Set(CURLoption option, bool value) { return Set(option, value ? 1L : 0L); }
  CURLcode Run();
  Status Failure(CURLcode code, const ResponseReader& reader) const;

  const Curl& curl_;
  CURL* const easy_;
  CURLM* const multi_;  // keeps the connections
  curl_slist* headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
  std::atomic<bool> interrupted_{false};
};

bool CurlClient::SetTransport(const HttpRequest& request) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(request.timeout).count();
  const long timeout = std::clamp<int64_t>(milliseconds, 1, INT_MAX);
#if LIBCURL_VERSION_NUM >= 0x075500
  const bool protocols = Set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
  const bool protocols =
      Set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
  // Else a name server that does not answer would hold an interrupted exchange for as long as the
  // resolver likes. A libcurl that is older than its header refuses this; then it is so.
  (void)Set(CURLOPT_QUICK_EXIT, true);
#endif
  const bool proxy = request.use_proxy || (Set(CURLOPT_PROXY, "") && Set(CURLOPT_NOPROXY, "*"));
  return protocols && proxy && Set(CURLOPT_NOSIGNAL, true) && Set(CURLOPT_TIMEOUT_MS, timeout) &&
         Set(CURLOPT_FOLLOWLOCATION, false) && Set(CURLOPT_USERAGENT, "promplug") &&
         Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) &&
         Set(CURLOPT_SSL_VERIFYPEER, true) && Set(CURLOPT_SSL_VERIFYHOST, 2L) &&
         Set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket) &&
         Set(CURLOPT_ERRORBUFFER, static_cast<char*>(error_));
}

bool CurlClient::SetTarget(const HttpRequest& request) {
  const UrlParts parts = SplitCredentials(request.url);
  // A grouping key may hold "..", which must reach the server as it is.
  bool ok = Set(CURLOPT_URL, parts.url.c_str()) && Set(CURLOPT_PATH_AS_IS, true);
  if (ok && parts.has_credentials) {
    ok = Set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC)) &&
         Set(CURLOPT_USERNAME, parts.user.c_str()) && Set(CURLOPT_PASSWORD, parts.password.c_str());
  }
  return ok;
}

bool CurlClient::SetPayload(const HttpRequest& request, ResponseReader* reader) {
  bool ok = Set(CURLOPT_WRITEFUNCTION, &TakeBody) &&
            Set(CURLOPT_WRITEDATA, static_cast<void*>(reader)) &&
            Set(CURLOPT_HEADERFUNCTION, &TakeHeader) &&
            Set(CURLOPT_HEADERDATA, static_cast<void*>(reader));
  if (ok && request.body != nullptr) {
    ok = Set(CURLOPT_UPLOAD, true) && Set(CURLOPT_READFUNCTION, &ReadBody) &&
         Set(CURLOPT_READDATA, static_cast<void*>(request.body)) &&
         Set(CURLOPT_SEEKFUNCTION, &SeekBody) &&
         Set(CURLOPT_SEEKDATA, static_cast<void*>(request.body)) &&
         Set(CURLOPT_UPLOAD_BUFFERSIZE, UploadBufferBytes(request.body->size())) &&
         Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
  }
  return ok && Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

bool CurlClient::SetHeaders(const HttpRequest& request) {
  const auto append = [this](const std::string& line) {
    curl_slist* const longer = curl_.slist_append(headers_, line.c_str());
    if (longer != nullptr) headers_ = longer;
    return longer != nullptr;
  };
  bool ok = append("Expect:");
  for (const auto& [name, value] : request.headers) {
    std::string line = name;
    // A semicolon is libcurl's way to say a header without a value.
    line.append(value.empty() ? ";" : ": ").append(value);
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return false;
    ok = ok && append(line);
  }
  return ok && Set(CURLOPT_HTTPHEADER, headers_);
}

// REQUIRES: easy_ is in multi_. CURLE_ABORTED_BY_CALLBACK stands for Interrupt().
CURLcode CurlClient::Run() {
  for (;;) {
    if (interrupted_.load()) return CURLE_ABORTED_BY_CALLBACK;
    int running = 0;
    if (curl_.perform(multi_, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_.info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (running == 0) return CURLE_FAILED_INIT;
    constexpr int kTurnMs = 1000;
    if (curl_.poll(multi_, nullptr, 0, kTurnMs, nullptr) != CURLM_OK) return CURLE_FAILED_INIT;
  }
}

Status CurlClient::Failure(CURLcode code, const ResponseReader& reader) const {
  if (reader.limit() != nullptr) return Status(Code::kLimit, reader.limit());
  std::string text = error_[0] != '\0' ? error_ : curl_.strerror(code);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Status(Code::kCancelled, "interrupted");
    case CURLE_OPERATION_TIMEDOUT:
      return Status(Code::kTimeout, std::move(text));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Status(Code::kInvalid, std::move(text));
    case CURLE_OUT_OF_MEMORY:
      return Status(Code::kNoMemory, std::move(text));
    default:
      break;
  }
  long os_error = 0;
  curl_.getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  if (code == CURLE_COULDNT_CONNECT && os_error == ECONNREFUSED) {
    return Status(Code::kNotFound, std::move(text));
  }
  return Status(Code::kIo, std::move(text));
}

Result<HttpResponse> CurlClient::Perform(const HttpRequest& request) {
  ResponseReader reader(request.sink);
  error_[0] = '\0';
  curl_.reset(easy_);
  if (request.body != nullptr) request.body->Rewind();
  CURLcode code = CURLE_FAILED_INIT;
  const bool prepared = SetTransport(request) && SetTarget(request) &&
                        SetPayload(request, &reader) && SetHeaders(request);
  if (prepared && curl_.add(multi_, easy_) == CURLM_OK) {
    code = Run();
    curl_.remove(multi_, easy_);
  }
  curl_.slist_free_all(headers_);
  headers_ = nullptr;
  if (!prepared) return Status(Code::kInvalid, "the request has a value that HTTP cannot carry");
  if (code != CURLE_OK) return Failure(code, reader);
  return reader.Finish();
}

}  // namespace

Result<std::unique_ptr<HttpClient>> NewCurlClient() {
  const LoadedCurl& library = Library();
  if (!library.error.empty()) return Status(Code::kIo, library.error);
  auto client = std::make_unique<CurlClient>(library.curl);
  if (!client->usable()) return Status(Code::kNoMemory, "libcurl has no memory for a client");
  return std::unique_ptr<HttpClient>(std::move(client));
}

}  // namespace promplug
