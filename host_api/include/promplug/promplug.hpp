// SPDX-License-Identifier: MIT
#pragma once

// The C++17 side of promplug.h: loads the plugin, holds what it gives. Header-only; knows the
// standard library and dlfcn. Link with ${CMAKE_DL_LIBS}.
//
//   using promplug::host::Plugin;
//   auto loaded = Plugin::Load("/opt/app/promplug.so");
//   if (!loaded) log(loaded.error().what());
//   Plugin plugin = std::move(loaded).ValueOr(Plugin());
//   auto requests = plugin.Counter("http_requests_total", "Requests.", {"method", "status"});
//   if (auto started = plugin.Start(); !started) log(started.error().what());
//   requests.Inc("GET", 200);
//
// A Plugin that was not loaded is null, and so is all that it makes: every call on it does nothing
// and succeeds, so that a host runs on without the plugin and without a test anywhere.
// No function throws unless its name says OrThrow, but for std::bad_alloc and for what the host's
// own functions throw where they are said to come back.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/collector.hpp"
#include "host/core.hpp"
#include "host/instruments.hpp"
#include "host/result.hpp"
#include "host/scrape.hpp"

namespace promplug::host {

// What a family may have beyond name, help and labels.
struct FamilyOptions {
  std::string unit;
  StringPairs const_labels;
  uint32_t max_series = 0;  // 0: the configured limit
  int32_t process_mode = PROMPLUG_MODE_DEFAULT;
  // Histogram; empty: 0.005 to 10, or with native buckets none beside them.
  std::vector<double> buckets;
  uint32_t native_max_buckets = 0;         // histogram; > 0 asks for native buckets too
  double native_growth = 0;                // ratio of neighbouring native bounds, at most; 0: 1.1
  double native_zero_width = 0;            // values so near to zero count as zero; 0: 2^-128
  std::vector<double> quantiles;           // summary
  std::chrono::seconds summary_window{0};  // 0: ten minutes
};

// Move-only owner of one instance of the plugin. Making families, series, collectors and values,
// handling requests and asking for the status is thread-safe; Start, Stop, Reload and the fork
// hooks are for one thread at a time. Handles may outlive the Plugin; they count on unseen.
class Plugin {
 public:
  using Labels = std::vector<std::string>;

  // Null.
  Plugin() = default;
  // Loads the shared object and makes an instance: reads and checks its configuration, starts
  // nothing. The error's text says what to do.
  static Result<Plugin> Load(const std::string& path, Options options = {}) {
    auto library = detail::Library::Open(path);
    if (!library) return library.error();
    auto core = detail::Core::Create(std::move(*library), std::move(options));
    if (!core) return core.error();
    return Plugin(std::move(*core));
  }
  Plugin(Plugin&&) noexcept = default;
  Plugin& operator=(Plugin&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
  }
  // Stops, waiting at most Options::stop_timeout.
  ~Plugin() {
    if (core_ != nullptr) (void)Stop(core_->options().stop_timeout);
  }

  bool loaded() const noexcept { return core_ != nullptr; }
  std::string_view version() const noexcept {
    return loaded() ? std::string_view(api()->version) : std::string_view();
  }

  // Starts listener, push and threads, as configured. PROMPLUG_E_IO: something of it failed, such
  // as a busy port; the rest runs, the host may go on.
  Result<void> Start() {
    return Call("start", [](auto* api, auto* p, auto* error) { return api->start(p, error); });
  }
  // The last push, then the end of every plugin thread. PROMPLUG_E_TIMEOUT: call it again.
  Result<void> Stop(std::chrono::milliseconds timeout) {
    return Call("stop", [&](auto* api, auto* p, auto* error) {
      return api->stop(p, detail::Milliseconds(timeout), error);
    });
  }
  // Reads the configuration again; on an error the old one stays.
  Result<void> Reload() {
    return Call("reload",
                [](auto* api, auto* p, auto* error) { return api->reload(p, nullptr, error); });
  }
  // With another configuration path and other overrides. What else is wanted of `options`
  // (listen_fd, no_listener, no_environment) has to be said again; log and hooks stay.
  Result<void> Reload(const Options& options) {
    const detail::AbiOptions abi(options);
    return Call("reload",
                [&](auto* api, auto* p, auto* error) { return api->reload(p, abi.get(), error); });
  }

  // The family of that name, made if need be.
  CounterFamily Counter(std::string_view name, std::string_view help, const Labels& labels = {},
                        const FamilyOptions& options = {}) {
    return MakeFamily<CounterFamily>(PROMPLUG_COUNTER, name, help, labels, options);
  }
  GaugeFamily Gauge(std::string_view name, std::string_view help, const Labels& labels = {},
                    const FamilyOptions& options = {}) {
    return MakeFamily<GaugeFamily>(PROMPLUG_GAUGE, name, help, labels, options);
  }
  HistogramFamily Histogram(std::string_view name, std::string_view help, const Labels& labels = {},
                            const FamilyOptions& options = {}) {
    return MakeFamily<HistogramFamily>(PROMPLUG_HISTOGRAM, name, help, labels, options);
  }
  SummaryFamily Summary(std::string_view name, std::string_view help, const Labels& labels = {},
                        const FamilyOptions& options = {}) {
    return MakeFamily<SummaryFamily>(PROMPLUG_SUMMARY, name, help, labels, options);
  }
  InfoFamily Info(std::string_view name, std::string_view help, const Labels& labels,
                  const FamilyOptions& options = {}) {
    return MakeFamily<InfoFamily>(PROMPLUG_INFO, name, help, labels, options);
  }
  StatesetFamily Stateset(std::string_view name, std::string_view help, const Labels& states,
                          const Labels& labels = {}, const FamilyOptions& options = {}) {
    return MakeFamily<StatesetFamily>(PROMPLUG_STATESET, name, help, labels, options, states);
  }

  // Runs `collect` for scrapes and pushes, on the plugin's collector thread, never twice at once.
  // void(Writer&), or bool(Writer&) where false drops the run. What it throws drops the run.
  // Copies and moves of it are its own matter; it is destroyed when it can never run again.
  template <class F>
  Result<Registration> Collector(std::string_view name, F collect,
                                 const CollectorOptions& options = {}) {
    return detail::RegisterCollector(core_, name, std::move(collect), options);
  }
  // One series whose value is read when it is needed. process_mode: PROMPLUG_MODE_*, the same for
  // all series of a name.
  Result<Registration> CounterValue(std::string_view name, std::string_view help,
                                    ValueSource source, const std::vector<Pair>& labels = {},
                                    int32_t process_mode = PROMPLUG_MODE_DEFAULT) {
    return detail::RegisterValue(core_, PROMPLUG_COUNTER, name, help, std::move(source), labels,
                                 process_mode);
  }
  Result<Registration> GaugeValue(std::string_view name, std::string_view help, ValueSource source,
                                  const std::vector<Pair>& labels = {},
                                  int32_t process_mode = PROMPLUG_MODE_DEFAULT) {
    return detail::RegisterValue(core_, PROMPLUG_GAUGE, name, help, std::move(source), labels,
                                 process_mode);
  }

  // Answers a scrape on this thread, waiting for collectors until the deadline.
  // on_head(ResponseHead) comes once and first, on_body(string_view) as often as there is more;
  // both answer whether to go on, and what they throw comes back out of here.
  // False: not the plugin's path, neither was called. A failure after on_head means: abort the
  // connection.
  template <class OnHead, class OnBody>
  Result<bool> Handle(const Request& request, OnHead&& on_head, OnBody&& on_body) {
    if (!loaded()) return false;
    detail::ResponseCall<OnHead, OnBody> call{on_head, on_body};
    auto response = detail::Sized<promplug_response>();
    response.user = &call;
    response.begin = &call.Begin;
    response.write = &call.Write;
    promplug_error error{};
    const int32_t code = api()->handle_request(core_->instance(), detail::AbiRequest(request).get(),
                                               &response, &error);
    call.guarded.Rethrow();
    if (code < 0) return detail::MakeError(code, error, "handle_request");
    return code != PROMPLUG_NOT_HANDLED;
  }
  // The same, whole in memory. Empty: not the plugin's path.
  Result<std::optional<Response>> Handle(const Request& request) {
    Response response;
    const auto on_head = [&](ResponseHead head) {
      response.head = std::move(head);
      return true;
    };
    const auto on_body = [&](std::string_view piece) {
      response.body.append(piece);
      return true;
    };
    auto handled = Handle(request, on_head, on_body);
    if (!handled) return handled.error();
    if (!*handled) return std::optional<Response>();
    return std::optional<Response>(std::move(response));
  }
  // For event loops: never waits. `ready` is called from a plugin thread, once for each kAgain; it
  // must not block. It lives until the Scrape ends.
  Result<Scrape> BeginScrape(const Request& request, std::function<void()> ready) {
    return Scrape::Begin(core_, request, std::move(ready));
  }
  // Runs the due collectors with on_loop here, beginning none after `limit`. True: some are left.
  Result<bool> RunPending(std::chrono::milliseconds limit) {
    if (!loaded()) return false;
    const int32_t code = api()->run_pending(core_->instance(), detail::Milliseconds(limit));
    if (code < 0) return detail::MakeError(code, {}, "run_pending");
    return code == PROMPLUG_AGAIN;
  }

  // Shows every family of the sources (PROMPLUG_GATHER_*, 0: all) to on_family(const
  // promplug_family_head&) and its points to on_point(const promplug_point&), on this thread. Both
  // answer whether to go on, and what they throw comes back out of here.
  template <class OnFamily, class OnPoint>
  Result<void> Gather(OnFamily&& on_family, OnPoint&& on_point, uint32_t sources = 0,
                      std::chrono::milliseconds timeout = std::chrono::seconds(10)) const {
    if (!loaded()) return {};
    struct Visit {
      OnFamily& on_family;
      OnPoint& on_point;
      detail::Guarded guarded{};
    } visit{on_family, on_point};
    auto visitor = detail::Sized<promplug_visitor>();
    visitor.sources = sources;
    visitor.user = &visit;
    visitor.family = [](void* user, const promplug_family_head* head) -> int32_t {
      auto& self = *static_cast<Visit*>(user);
      return self.guarded([&] { return self.on_family(*head); });
    };
    visitor.point = [](void* user, const promplug_point* point) -> int32_t {
      auto& self = *static_cast<Visit*>(user);
      return self.guarded([&] { return self.on_point(*point); });
    };
    promplug_error error{};
    const int32_t code =
        api()->gather(core_->instance(), &visitor, detail::Milliseconds(timeout), &error);
    visit.guarded.Rethrow();
    return detail::ToResult(code, error, "gather");
  }

  // Updates many series in one call; each element gets its result.
  int32_t UpdateMany(promplug_update* updates, size_t n) noexcept {
    return loaded() ? api()->update_many(updates, n) : PROMPLUG_OK;
  }

  // Pushes now and waits. PROMPLUG_E_STATE: push is off.
  Result<void> PushNow(std::chrono::milliseconds timeout,
                       uint32_t targets = PROMPLUG_PUSH_APPLICATION | PROMPLUG_PUSH_FORWARDS) {
    return Call("push_now", [&](auto* api, auto* p, auto* error) {
      return api->push_now(p, targets, detail::Milliseconds(timeout), error);
    });
  }

  // All zero without a plugin.
  promplug_status Status() const noexcept {
    auto status = detail::Sized<promplug_status>();
    if (loaded()) (void)api()->status(core_->instance(), &status);
    return status;
  }
  // The last failure in the background, or empty.
  std::string LastError() const {
    std::string text;
    if (!loaded()) return text;
    text.resize(512);
    const size_t length = api()->last_error(core_->instance(), text.data(), text.size());
    text.resize(std::min(length, text.size() - 1));
    return text;
  }

  // Around fork(): prepare, then in each process its own. `mode` is PROMPLUG_CHILD_*.
  Result<void> ForkPrepare() {
    return Call("fork_prepare", [](auto* api, auto* p, auto*) { return api->fork_prepare(p); });
  }
  Result<void> ForkParent() {
    return Call("fork_parent", [](auto* api, auto* p, auto*) { return api->fork_parent(p); });
  }
  Result<void> ForkChild(int32_t mode) {
    return Call("fork_child",
                [&](auto* api, auto* p, auto* error) { return api->fork_child(p, mode, error); });
  }

  // Leaves pushing and listening to the other processes of the set: for one that is to end and has
  // work to finish first.
  Result<void> StepDown() {
    return Call("step_down",
                [](auto* api, auto* p, auto* error) { return api->step_down(p, error); });
  }

  // The raw ABI, for what is not here; NULL without a plugin.
  const promplug_api* api() const noexcept { return loaded() ? core_->api() : nullptr; }
  promplug_instance* instance() const noexcept { return loaded() ? core_->instance() : nullptr; }

 private:
  explicit Plugin(detail::CorePtr core) noexcept : core_(std::move(core)) {}

  template <class F>
  Result<void> Call(const char* name, const F& call) {
    if (!loaded()) return {};
    promplug_error error{};
    return detail::ToResult(call(api(), core_->instance(), &error), error, name);
  }

  template <class Family>
  Family MakeFamily(int32_t type, std::string_view name, std::string_view help,
                    const Labels& labels, const FamilyOptions& options, const Labels& states = {}) {
    if (!loaded()) return Family();
    const auto label_names = detail::Strs(labels);
    const auto state_names = detail::Strs(states);
    const detail::Pairs const_labels(options.const_labels);
    auto abi = detail::Sized<promplug_family_desc>();
    abi.type = type;
    abi.name = detail::Str(name);
    abi.help = detail::Str(help);
    abi.unit = detail::Str(options.unit);
    abi.label_names = label_names.data();
    abi.n_label_names = label_names.size();
    abi.const_labels = const_labels.data();
    abi.n_const_labels = const_labels.size();
    abi.buckets = options.buckets.data();
    abi.n_buckets = options.buckets.size();
    abi.quantiles = options.quantiles.data();
    abi.n_quantiles = options.quantiles.size();
    abi.summary_window_seconds = static_cast<uint32_t>(options.summary_window.count());
    abi.max_series = options.max_series;
    abi.states = state_names.data();
    abi.n_states = state_names.size();
    abi.process_mode = options.process_mode;
    abi.native_max_buckets = options.native_max_buckets;
    abi.native_growth = options.native_growth;
    abi.native_zero_width = options.native_zero_width;
    promplug_family* family = nullptr;
    promplug_error error{};
    const int32_t code = api()->family(core_->instance(), &abi, &family, &error);
    if (code < 0) return Family(detail::MakeError(code, error, "family"));
    return Family(core_, family);
  }

  detail::CorePtr core_;
};

}  // namespace promplug::host
