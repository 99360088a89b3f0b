// SPDX-License-Identifier: MIT
#include "http_server.hpp"

#include <sys/socket.h>

#include <charconv>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "json.hpp"
#include "log.hpp"

namespace sample {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kJson[] = "application/json";
constexpr char kText[] = "text/plain";

std::optional<uint64_t> ParseId(std::string_view text) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

void Say(httplib::Response& response, int status, const char* text) {
  response.status = status;
  response.set_content(std::string(text) + "\n", kText);
}

void NotFound(httplib::Response& response) { Say(response, 404, "not found"); }

}  // namespace

HttpServer::HttpServer(const HostConfig& config, PhotoStore& store, ThumbnailQueue& thumbnails,
                       AppMetrics& metrics, PluginBinding& binding)
    : config_(config),
      store_(store),
      thumbnails_(thumbnails),
      metrics_(metrics),
      binding_(binding) {
  AddPhotoRoutes();
  AddAlbumRoutes();
  AddOtherRoutes();
  const auto dispatch = [this](const httplib::Request& request, httplib::Response& response) {
    Dispatch(request, response);
  };
  // The routes are ours, so that each request has a template and an unknown one is counted too.
  constexpr char kEverything[] = R"([\s\S]*)";
  server_.Get(kEverything, dispatch);
  server_.Post(kEverything, dispatch);
  server_.Put(kEverything, dispatch);
  server_.Patch(kEverything, dispatch);
  server_.Delete(kEverything, dispatch);
  server_.Options(kEverything, dispatch);
  // A request with neither of the two has no body (RFC 9112, 6.3); cpp-httplib would wait for one.
  server_.set_pre_routing_handler([dispatch](const auto& request, auto& response) {
    if (request.has_header("Content-Length") || request.has_header("Transfer-Encoding")) {
      return httplib::Server::HandlerResponse::Unhandled;
    }
    dispatch(request, response);
    return httplib::Server::HandlerResponse::Handled;
  });
  server_.new_task_queue = [threads = config.threads] { return new httplib::ThreadPool(threads); };
  server_.set_payload_max_length(64u << 20);
  server_.set_tcp_nodelay(true);
  server_.set_keep_alive_max_count(1000);
  server_.set_keep_alive_timeout(1);  // A connection holds a thread, and a stop waits for it.
  // Without the SO_REUSEPORT that is the default: a busy port is to be an error.
  server_.set_socket_options([](socket_t socket) {
    const int yes = 1;
    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
}

uint16_t HttpServer::Bind() {
  if (config_.listen_port == 0) {
    const int port = server_.bind_to_any_port(config_.listen_host);
    return port > 0 ? static_cast<uint16_t>(port) : 0;
  }
  return server_.bind_to_port(config_.listen_host, config_.listen_port) ? config_.listen_port : 0;
}

bool HttpServer::Run() { return server_.listen_after_bind(); }

bool HttpServer::Stop() {
  if (!server_.is_running()) return false;
  server_.stop();
  return true;
}

void HttpServer::Dispatch(const httplib::Request& request, httplib::Response& response) {
  const auto begin = Clock::now();
  metrics_.RequestBegins();
  std::string_view route = "other";
  try {
    route = Answer(request, response);
  } catch (const std::exception& e) {
    LogLine("a request failed: " + std::string(e.what()));
    Say(response, 500, "internal error");
  }
  if (response.status == -1) response.status = 200;
  metrics_.RequestEnds(request.method, route, response.status, Clock::now() - begin);
}

std::string_view HttpServer::Answer(const httplib::Request& request, httplib::Response& response) {
  const auto match = routes_.Find(request.method, request.path);
  if (match.route != nullptr) {
    match.route->handler(request, response, match.id);
    return match.pattern;
  }
  if (!match.pattern.empty()) {
    Say(response, 405, "method not allowed");
    return match.pattern;
  }
  if (binding_.Answer(request, response)) return "/metrics";
  NotFound(response);
  return "other";
}

void HttpServer::AddPhotoRoutes() {
  routes_.Add("GET", "/photos", [this](const auto& request, auto& response, auto) {
    std::optional<uint64_t> album;
    if (request.has_param("album")) {
      album = ParseId(request.get_param_value("album"));
      if (!album || !store_.FindAlbum(*album)) return NotFound(response);
    }
    response.set_content(ToJson(store_.Photos(album)), kJson);
  });
  routes_.Add("POST", "/photos",
              [this](const auto& request, auto& response, auto) { Upload(request, response); });
  routes_.Add("GET", "/photos/{id}", [this](const auto&, auto& response, auto id_text) {
    const auto id = ParseId(id_text);
    const auto photo = id ? store_.FindPhoto(*id) : std::nullopt;
    if (!photo) return NotFound(response);
    response.set_content(*photo->bytes, "application/octet-stream");
  });
  routes_.Add("DELETE", "/photos/{id}", [this](const auto&, auto& response, auto id_text) {
    const auto id = ParseId(id_text);
    if (!id || !store_.RemovePhoto(*id)) return NotFound(response);
    response.status = 204;
  });
}

void HttpServer::AddAlbumRoutes() {
  routes_.Add("GET", "/albums", [this](const auto&, auto& response, auto) {
    response.set_content(ToJson(store_.Albums()), kJson);
  });
  routes_.Add("POST", "/albums", [this](const auto& request, auto& response, auto) {
    const std::string name = request.get_param_value("name");
    if (name.empty()) return Say(response, 400, "an album needs a name");
    response.status = 201;
    response.set_content(ToJson(store_.AddAlbum(name)) + "\n", kJson);
  });
  routes_.Add("GET", "/albums/{id}", [this](const auto&, auto& response, auto id_text) {
    const auto id = ParseId(id_text);
    const auto album = id ? store_.FindAlbum(*id) : std::nullopt;
    if (!album) return NotFound(response);
    response.set_content(ToJson(*album) + "\n", kJson);
  });
}

void HttpServer::AddOtherRoutes() {
  routes_.Add("GET", "/slow", [this](const auto&, auto& response, auto) {
    std::this_thread::sleep_for(config_.slow);
    Say(response, 200, "slow");
  });
  routes_.Add("GET", "/fail", [](const auto&, auto& response, auto) {
    Say(response, 500, "this route always fails");
  });
  routes_.Add("GET", "/healthz",
              [](const auto&, auto& response, auto) { Say(response, 200, "ok"); });
}

void HttpServer::Upload(const httplib::Request& request, httplib::Response& response) {
  std::optional<uint64_t> album = 1;
  if (request.has_param("album")) album = ParseId(request.get_param_value("album"));
  if (!album) return NotFound(response);
  if (request.body.empty()) return Say(response, 400, "the body is the photo, and it is empty");
  const auto added = store_.AddPhoto(*album, request.get_param_value("name"), request.body);
  if (const auto* refusal = std::get_if<PhotoStore::Refusal>(&added)) {
    if (*refusal == PhotoStore::Refusal::kNoSuchAlbum) return NotFound(response);
    return Say(response, 507, "the store is full");
  }
  const Photo& photo = std::get<Photo>(added);
  thumbnails_.Add(photo.bytes);
  response.status = 201;
  response.set_content(ToJson(photo) + "\n", kJson);
}

}  // namespace sample
