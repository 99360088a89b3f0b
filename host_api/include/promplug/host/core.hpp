// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "library.hpp"

namespace promplug::host {

enum class LogLevel : int32_t {
  kDebug = PROMPLUG_LOG_DEBUG,
  kInfo = PROMPLUG_LOG_INFO,
  kWarn = PROMPLUG_LOG_WARN,
  kError = PROMPLUG_LOG_ERROR,
};

// What the host says of itself and of its configuration. Every field may be left out. What the
// functions throw is swallowed.
struct Options {
  std::string config_path;  // empty: PROMPLUG_CONFIG of the environment, else none
  StringPairs overrides;    // key as in docs/config.md; they win over environment and file
  bool no_listener = false;
  bool no_environment = false;
  std::optional<int> listen_fd;  // a listening socket for the plugin's own listener

  std::string host_name;
  std::string host_version;
  // One line. Any thread, concurrently; must not call the plugin. Empty: stderr.
  std::function<void(LogLevel, std::string_view)> log;
  // First and last on each plugin thread that runs callbacks.
  std::function<void(std::string_view thread_name)> thread_enter;
  std::function<void()> thread_leave;
  // A collector that runs on the host's loop is due: call RunPending() there soon. Any thread;
  // must not block.
  std::function<void()> wake;

  // How long the destructor of Plugin waits for a stop, including the last push.
  std::chrono::milliseconds stop_timeout{5000};
};

namespace detail {

inline uint32_t Milliseconds(std::chrono::milliseconds duration) noexcept {
  if (duration.count() <= 0) return 0;
  return duration.count() > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(duration.count());
}

template <class F, class... Args>
void CallQuietly(const F& function, Args&&... args) noexcept {
  try {
    if (function) function(std::forward<Args>(args)...);
  } catch (...) {  // R7: nothing may be thrown through the plugin.
  }
}

// The options as the ABI takes them. Refers to the Options.
class AbiOptions {
 public:
  explicit AbiOptions(const Options& options) : overrides_(options.overrides) {
    abi_.config_path = Str(options.config_path);
    abi_.overrides = overrides_.data();
    abi_.n_overrides = overrides_.size();
    if (options.no_listener) abi_.flags |= PROMPLUG_F_NO_LISTENER;
    if (options.no_environment) abi_.flags |= PROMPLUG_F_NO_ENV;
    if (options.listen_fd) {
      abi_.flags |= PROMPLUG_F_LISTEN_FD;
      abi_.listen_fd = *options.listen_fd;
    }
  }
  const promplug_options* get() const noexcept { return &abi_; }

 private:
  Pairs overrides_;
  promplug_options abi_ = Sized<promplug_options>();
};

// One instance of the plugin. Shared by Plugin and by every handle, so that no handle can dangle:
// the instance is destroyed with the last of them.
class Core {
 public:
  static Result<std::shared_ptr<Core>> Create(Library library, Options options) {
    auto core = std::shared_ptr<Core>(new Core(std::move(library), std::move(options)));
    const promplug_host host = core->HostTable();
    const AbiOptions abi_options(*core->options_);
    promplug_error error{};
    const int32_t code = core->api()->create(&host, abi_options.get(), &core->instance_, &error);
    if (code < 0) return MakeError(code, error, "create");
    return core;
  }

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() {
    if (instance_ == nullptr) return;
    // Where the instance cannot end yet, in a fork child or behind a stuck callback, the plugin
    // may still call what is in the options.
    if (api()->destroy(instance_) != PROMPLUG_OK) (void)options_.release();
  }

  const promplug_api* api() const noexcept { return library_.api(); }
  promplug_instance* instance() const noexcept { return instance_; }
  const Options& options() const noexcept { return *options_; }

 private:
  Core(Library library, Options options)
      : library_(std::move(library)), options_(std::make_unique<Options>(std::move(options))) {}

  promplug_host HostTable() const {
    auto host = Sized<promplug_host>();
    host.user = options_.get();
    host.name = Str(options_->host_name);
    host.version = Str(options_->host_version);
    if (options_->log) host.log = &Log;
    if (options_->thread_enter) host.thread_enter = &ThreadEnter;
    if (options_->thread_leave) host.thread_leave = &ThreadLeave;
    if (options_->wake) host.wake = &Wake;
    return host;
  }

  static const Options& Of(void* user) noexcept { return *static_cast<const Options*>(user); }
  static void Log(void* user, int32_t level, const char* text, size_t len) noexcept {
    CallQuietly(Of(user).log, static_cast<LogLevel>(level), std::string_view(text, len));
  }
  static void ThreadEnter(void* user, const char* name) noexcept {
    CallQuietly(Of(user).thread_enter, std::string_view(name));
  }
  static void ThreadLeave(void* user) noexcept { CallQuietly(Of(user).thread_leave); }
  static void Wake(void* user) noexcept { CallQuietly(Of(user).wake); }

  Library library_;
  std::unique_ptr<Options> options_;
  promplug_instance* instance_ = nullptr;
};

using CorePtr = std::shared_ptr<Core>;

}  // namespace detail
}  // namespace promplug::host
