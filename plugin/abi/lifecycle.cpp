// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <new>

#include "abi/host_descriptors.hpp"
#include "abi/instance.hpp"
#include "abi/sized.hpp"
#include "abi/strings.hpp"
#include "abi/tables.hpp"

namespace promplug::abi {
namespace {

Status ToOptions(const promplug_options* from, RuntimeOptions* out) {
  out->input = SystemConfigInput();
  if (from == nullptr) return Status();
  promplug_options o;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_options, config_path), "options", &o);
  if (!status.ok()) return status;
  constexpr uint32_t kKnownFlags =
      PROMPLUG_F_LISTEN_FD | PROMPLUG_F_NO_LISTENER | PROMPLUG_F_NO_ENV;
  if ((o.flags & ~kKnownFlags) != 0) {
    return Status(Code::kInvalid, "options.flags has an unknown flag");
  }
  if (o.overrides == nullptr && o.n_overrides > 0) {
    return Status(Code::kInvalid, "options.overrides is NULL");
  }
  out->input.path = View(o.config_path);
  for (size_t i = 0; i < o.n_overrides; ++i) {
    out->input.overrides.emplace_back(View(o.overrides[i].key), View(o.overrides[i].value));
  }
  if ((o.flags & PROMPLUG_F_NO_ENV) != 0) out->input.environment = nullptr;
  out->no_listener = (o.flags & PROMPLUG_F_NO_LISTENER) != 0;
  if ((o.flags & PROMPLUG_F_LISTEN_FD) != 0) out->listen_fd = o.listen_fd;
  return status;
}

// The functions that the descriptors of the host stand for, where those that it gives in their
// place are NULL. *ready is for scrapes that bring none.
Status ToDescriptorHooks(const promplug_host& h, RuntimeHooks* out, std::function<void()>* ready) {
  if (h.log_fd < 0 || h.wake_fd < 0 || h.ready_fd < 0) {
    return Status(Code::kInvalid, "a descriptor of host is negative, expected 0 for none");
  }
  if (h.log_fd > 0 && h.log == nullptr) {
    Result<Log::Sink> sink = SocketSink(h.log_fd);
    if (!sink.ok()) return sink.status();
    out->log = std::move(sink).value();
  }
  Status status;
  if (h.wake_fd > 0 && h.wake == nullptr) status = EventWaker("wake_fd", h.wake_fd, &out->wake);
  if (status.ok() && h.ready_fd > 0) status = EventWaker("ready_fd", h.ready_fd, ready);
  return status;
}

Status ToHooks(const promplug_host* from, RuntimeHooks* out, std::function<void()>* ready) {
  out->log = Log::StderrSink();
  if (from == nullptr) return Status();
  promplug_host h;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_host, user), "host", &h);
  if (!status.ok()) return status;
  if (h.flags != 0) return Status(Code::kInvalid, "host.flags has an unknown flag");
  if (h.log != nullptr) {
    out->log = [log = h.log, user = h.user](LogLevel level, std::string_view text) {
      log(user, static_cast<int32_t>(level), text.data(), text.size());
    };
  }
  if (h.wake != nullptr) out->wake = [wake = h.wake, user = h.user] { wake(user); };
  if (h.thread_enter != nullptr) {
    out->thread_enter = [enter = h.thread_enter, user = h.user](const char* name) {
      enter(user, name);
    };
  }
  if (h.thread_leave != nullptr) {
    out->thread_leave = [leave = h.thread_leave, user = h.user] { leave(user); };
  }
  return ToDescriptorHooks(h, out, ready);
}

int32_t StateOf(const promplug_instance& p) {
  if (p.fork_watch.Forked()) return PROMPLUG_STATE_FORKED;
  switch (p.runtime->state()) {
    case Runtime::State::kCreated:
      return PROMPLUG_STATE_CREATED;
    case Runtime::State::kRunning:
      return PROMPLUG_STATE_RUNNING;
    case Runtime::State::kStopping:
      return PROMPLUG_STATE_STOPPING;
    case Runtime::State::kStopped:
      break;
  }
  return PROMPLUG_STATE_STOPPED;
}

uint32_t FlagsOf(const RuntimeStatus& status, const SelfMetrics::Counts& counts) {
  uint32_t flags = 0;
  const auto set = [&flags](bool on, uint32_t flag) { flags |= on ? flag : 0; };
  set(status.listening, PROMPLUG_S_LISTENING);
  set(status.pushing, PROMPLUG_S_PUSHING);
  set(status.forwarding, PROMPLUG_S_FORWARDING);
  set(counts.push_failing.load(), PROMPLUG_S_PUSH_FAILING);
  set(counts.forward_failing.load(), PROMPLUG_S_FORWARD_FAILING);
  set(status.collector_stuck, PROMPLUG_S_COLLECTOR_STUCK);
  return flags;
}

promplug_status StatusOf(promplug_instance& p) {
  Runtime& runtime = *p.runtime;
  const SelfMetrics::Counts& counts = runtime.self().counts();
  const RuntimeStatus parts = runtime.status();
  promplug_status out = {};
  out.state = StateOf(p);
  out.flags = FlagsOf(parts, counts);
  out.listen_port = parts.listen_port;
  out.scrapes = counts.scrapes.load();
  out.scrapes_refused = counts.scrapes_refused.load();
  out.pushes_ok = counts.pushes_ok.load();
  out.pushes_failed = counts.pushes_failed.load();
  out.forwards_ok = counts.forwards_ok.load();
  out.forwards_failed = counts.forwards_failed.load();
  out.forwards_skipped = counts.forwards_skipped.load();
  out.collector_failures = counts.collector_failures.load();
  out.collector_timeouts = counts.collector_timeouts.load();
  out.series = runtime.instruments().LiveSeries();
  out.series_refused = counts.series_refused.load() + runtime.instruments().RefusedSeries();
  out.updates_ignored = runtime.instruments().IgnoredUpdates();
  out.last_scrape_unix_ms = counts.last_scrape_unix_ms.load();
  out.last_push_unix_ms = counts.last_push_unix_ms.load();
  out.last_push_ok_unix_ms = counts.last_push_ok_unix_ms.load();
  return out;
}

}  // namespace

int32_t Create(const promplug_host* host, const promplug_options* options, promplug_instance** out,
               promplug_error* err) {
  if (out != nullptr) *out = nullptr;
  return Fence(err, [&]() -> Status {
    if (out == nullptr) return Status(Code::kInvalid, "out is NULL");
    RuntimeHooks hooks;
    RuntimeOptions own;
    auto instance = std::make_unique<promplug_instance>();
    Status status = ToHooks(host, &hooks, &instance->ready);
    if (status.ok()) status = ToOptions(options, &own);
    if (!status.ok()) return status;
    Result<Config> config = LoadConfig(own.input);
    if (!config.ok()) return config.status();
    instance->runtime = std::make_unique<Runtime>(std::move(config).value(), std::move(own),
                                                  std::move(hooks), instance.get());
    *out = instance.release();
    return status;
  });
}

int32_t Start(promplug_instance* p, promplug_error* err) {
  return CallOutside(p, err, [](Runtime& runtime) { return runtime.Start(); });
}

int32_t Stop(promplug_instance* p, uint32_t timeout_ms, promplug_error* err) {
  return CallOutside(p, err, [&](Runtime& runtime) {
    return runtime.Stop(std::chrono::milliseconds(timeout_ms));
  });
}

int32_t Destroy(promplug_instance* p) {
  return CallOutside(p, nullptr, [p](Runtime& runtime) -> Status {
    const Runtime::State state = runtime.state();
    if (state == Runtime::State::kRunning || state == Runtime::State::kStopping ||
        runtime.InUse()) {
      return Status(Code::kBusy, {});
    }
    delete p;
    return Status();
  });
}

int32_t Reload(promplug_instance* p, const promplug_options* options, promplug_error* err) {
  return CallOutside(p, err, [&](Runtime& runtime) -> Status {
    if (options == nullptr) return runtime.Reload(nullptr);
    RuntimeOptions own;
    Status status = ToOptions(options, &own);
    return status.ok() ? runtime.Reload(&own) : status;
  });
}

int32_t GetStatus(promplug_instance* p, promplug_status* out) {
  return Fence(nullptr, [&]() -> Status {
    if (p == nullptr) return Status(Code::kInvalid, {});
    promplug_status status = {};
    // A fork child may not touch the parts: their locks may be held for ever.
    if (p->fork_watch.Forked()) {
      status.state = PROMPLUG_STATE_FORKED;
    } else {
      status = StatusOf(*p);
    }
    return WriteResult(status, "out", out);
  });
}

size_t LastError(promplug_instance* p, char* buf, size_t cap) {
  size_t length = 0;
  Call(p, nullptr, [&](Runtime& runtime) {
    const std::string text = runtime.LastError();
    length = text.size();
    if (buf != nullptr && cap > 0) {
      const size_t copied = std::min(length, cap - 1);
      std::memcpy(buf, text.data(), copied);
      buf[copied] = '\0';
    }
    return Status();
  });
  return length;
}

const void* GetExtension(promplug_instance*, const char*) { return nullptr; }

int32_t ForkPrepare(promplug_instance* p) {
  return CallOutside(p, nullptr, [](Runtime& runtime) { return runtime.Park(); });
}

int32_t ForkParent(promplug_instance* p) {
  return Call(p, nullptr, [](Runtime& runtime) { return runtime.Unpark(); });
}

int32_t ForkChild(promplug_instance* p, int32_t mode, promplug_error* err) {
  return Fence(err, [&]() -> Status {
    if (p == nullptr) return Status(Code::kInvalid, "the instance is NULL");
    if (mode != PROMPLUG_CHILD_INERT && mode != PROMPLUG_CHILD_RESTART) {
      return Status(Code::kInvalid, "mode is not known");
    }
    if (!p->fork_watch.Forked()) return Status(Code::kState, "this is not a forked child");
    const int before = p->runtime->fork_generation();
    Status status = p->runtime->AfterFork(mode == PROMPLUG_CHILD_RESTART);
    // An inert child stays marked: it may update, and ask for its status, but nothing else.
    if (p->runtime->fork_generation() != before) p->fork_watch.Adopt();
    return status;
  });
}

int32_t StepDown(promplug_instance* p, promplug_error* err) {
  return CallOutside(p, err, [](Runtime& runtime) { return runtime.StepDown(); });
}

}  // namespace promplug::abi
