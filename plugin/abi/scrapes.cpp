// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "abi/instance.hpp"
#include "abi/sized.hpp"
#include "abi/strings.hpp"
#include "abi/tables.hpp"
#include "serve/scrape.hpp"

// What the host's handle of a scrape that never blocks points to.
struct promplug_scrape {
  promplug_instance* instance;
  int fork_generation;
  std::unique_ptr<promplug::Scrape> scrape;
  std::vector<promplug_kv> headers;
  std::string_view rest;  // of the last piece, not yet read by the host
};

namespace promplug::abi {
namespace {

constexpr size_t kMaxHeaders = 256;

Status ToRequest(const promplug_request* from, ScrapeRequest* out) {
  promplug_request r;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_request, n_headers), "request", &r);
  if (!status.ok()) return status;
  constexpr uint32_t kKnownFlags = PROMPLUG_REQ_MOUNTED | PROMPLUG_REQ_NEED_LENGTH;
  if ((r.flags & ~kKnownFlags) != 0) {
    return Status(Code::kInvalid, "request.flags has an unknown flag");
  }
  if ((r.headers == nullptr && r.n_headers > 0) || r.n_headers > kMaxHeaders) {
    return Status(Code::kInvalid, "request.headers is NULL or has more than 256 elements");
  }
  out->method = View(r.method);
  out->path = View(r.path);
  out->query = View(r.query);
  for (size_t i = 0; i < r.n_headers; ++i) {
    out->headers.emplace_back(View(r.headers[i].key), View(r.headers[i].value));
  }
  out->ignore_path = (r.flags & PROMPLUG_REQ_MOUNTED) != 0;
  out->need_length = (r.flags & PROMPLUG_REQ_NEED_LENGTH) != 0;
  out->timeout = std::chrono::milliseconds(r.timeout_ms);
  return status;
}

std::vector<promplug_kv> ToKvs(const ResponseHead& head) {
  std::vector<promplug_kv> headers;
  headers.reserve(head.headers.size());
  for (const auto& [name, value] : head.headers) headers.push_back({Str(name), Str(value)});
  return headers;
}

// Begins an answer; *out stays empty where the request is not for the plugin.
Status Begin(Runtime& runtime, const promplug_request* req, std::function<void()> ready,
             std::unique_ptr<Scrape>* out) {
  ScrapeRequest request;
  Status status = ToRequest(req, &request);
  if (!status.ok()) return status;
  if (!runtime.running()) return Status(Code::kState, "the plugin is not running");
  *out = runtime.handler().Begin(request, std::move(ready));
  return status;
}

Status Deliver(Scrape& scrape, const promplug_response& res, bool head_only) {
  const ResponseHead* head = nullptr;
  scrape.Wait();
  if (scrape.Head(&head) != Scrape::Progress::kOk) return Status(Code::kInternal, "no answer");
  const std::vector<promplug_kv> headers = ToKvs(*head);
  if (res.begin(res.user, head->status, headers.data(), headers.size(), head->content_length) !=
      0) {
    return Status(Code::kCancelled, "begin() asked to stop");
  }
  while (!head_only) {
    std::string_view piece;
    switch (scrape.Read(&piece)) {
      case Scrape::Progress::kOk:
        if (res.write(res.user, piece.data(), piece.size()) != 0) {
          return Status(Code::kCancelled, "write() asked to stop");
        }
        break;
      case Scrape::Progress::kEnd:
        return Status();
      case Scrape::Progress::kAgain:
        scrape.Wait();
        break;
      case Scrape::Progress::kFailed:
        return Status(Code::kInternal, "the answer broke off; abort the connection");
    }
  }
  return Status();
}

}  // namespace

int32_t HandleRequest(promplug_instance* p, const promplug_request* req,
                      const promplug_response* res, promplug_error* err) {
  bool handled = true;
  const int32_t result = CallOutside(p, err, [&](Runtime& runtime) -> Status {
    const User user(runtime);
    promplug_response response;
    Status status =
        CopyOptions(res, PROMPLUG_UP_TO(promplug_response, write), "response", &response);
    if (!status.ok()) return status;
    if (response.begin == nullptr || response.write == nullptr) {
      return Status(Code::kInvalid, "response.begin or response.write is NULL");
    }
    std::unique_ptr<Scrape> scrape;
    status = Begin(runtime, req, nullptr, &scrape);
    if (!status.ok()) return status;
    handled = scrape != nullptr;
    return handled ? Deliver(*scrape, response, View(req->method) == "HEAD") : status;
  });
  return result == PROMPLUG_OK && !handled ? PROMPLUG_NOT_HANDLED : result;
}

int32_t ScrapeBegin(promplug_instance* p, const promplug_request* req, promplug_ready_fn ready,
                    void* user, promplug_scrape** out, promplug_error* err) {
  if (out != nullptr) *out = nullptr;
  bool handled = true;
  bool waiting = false;
  const int32_t result = CallOutside(p, err, [&](Runtime& runtime) -> Status {
    const User this_call(runtime);
    if (out == nullptr || (ready == nullptr && !p->ready)) {
      return Status(Code::kInvalid, "out or ready is NULL");
    }
    auto own = std::make_unique<promplug_scrape>();
    own->instance = p;
    own->fork_generation = runtime.fork_generation();
    std::function<void()> on_ready = p->ready;
    if (ready != nullptr) on_ready = [ready, user] { ready(user); };
    Status status = Begin(runtime, req, std::move(on_ready), &own->scrape);
    if (!status.ok()) return status;
    handled = own->scrape != nullptr;
    if (!handled) return status;
    const ResponseHead* head = nullptr;
    waiting = own->scrape->Head(&head) == Scrape::Progress::kAgain;
    runtime.Enter();
    *out = own.release();
    return status;
  });
  if (result != PROMPLUG_OK) return result;
  return !handled ? PROMPLUG_NOT_HANDLED : (waiting ? PROMPLUG_AGAIN : PROMPLUG_OK);
}

int32_t ScrapeHead(promplug_scrape* s, promplug_scrape_head_info* out) {
  bool waiting = false;
  const int32_t result = Fence(nullptr, [&]() -> Status {
    if (s == nullptr) return Status(Code::kInvalid, {});
    Status status = Usable(s->instance);
    if (!status.ok()) return status;
    const ResponseHead* head = nullptr;
    switch (s->scrape->Head(&head)) {
      case Scrape::Progress::kOk:
        break;
      case Scrape::Progress::kAgain:
        waiting = true;
        return Status();
      default:
        return Status(Code::kInternal, {});
    }
    s->headers = ToKvs(*head);
    promplug_scrape_head_info info = {};
    info.status = head->status;
    info.headers = s->headers.data();
    info.n_headers = s->headers.size();
    info.content_length = head->content_length;
    return WriteResult(info, "out", out);
  });
  return result == PROMPLUG_OK && waiting ? PROMPLUG_AGAIN : result;
}

int32_t ScrapeRead(promplug_scrape* s, void* buf, size_t cap, size_t* n) {
  Scrape::Progress progress = Scrape::Progress::kOk;
  const int32_t result = Fence(nullptr, [&]() -> Status {
    if (s == nullptr || buf == nullptr || cap == 0 || n == nullptr) {
      return Status(Code::kInvalid, {});
    }
    *n = 0;
    Status status = Usable(s->instance);
    if (!status.ok()) return status;
    if (s->rest.empty()) progress = s->scrape->Read(&s->rest);
    if (progress == Scrape::Progress::kFailed) return Status(Code::kInternal, {});
    if (progress != Scrape::Progress::kOk) return status;
    *n = std::min(cap, s->rest.size());
    std::memcpy(buf, s->rest.data(), *n);
    s->rest.remove_prefix(*n);
    return status;
  });
  if (result != PROMPLUG_OK || progress == Scrape::Progress::kOk) return result;
  return progress == Scrape::Progress::kAgain ? PROMPLUG_AGAIN : PROMPLUG_END;
}

void ScrapeEnd(promplug_scrape* s) {
  if (s == nullptr) return;
  Fence(nullptr, [s]() -> Status {
    Status status = Usable(s->instance);
    // What belongs to threads that a fork left behind cannot be ended in the child.
    if (!status.ok()) return status;
    Runtime& runtime = *s->instance->runtime;
    if (s->fork_generation != runtime.fork_generation()) return status;
    delete s;
    runtime.Leave();
    return status;
  });
}

}  // namespace promplug::abi
