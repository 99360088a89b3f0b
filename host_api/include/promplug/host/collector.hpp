// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core.hpp"

namespace promplug::host {

// What a collector says its families and points to. Used only during the collector's call, on its
// thread. Every call answers whether to go on: false means that the run is lost (out of memory,
// beyond the limit of output, too late), and then further calls do nothing. A family or point that
// is not valid is refused and counted, and costs nothing else.
class Writer {
 public:
  using Labels = std::vector<Pair>;

  explicit Writer(const promplug_writer* writer) noexcept : writer_(writer) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Opens a family; the points that follow are its.
  bool Counter(std::string_view name, std::string_view help, std::string_view unit = {}) {
    return Family(PROMPLUG_COUNTER, name, help, unit);
  }
  bool Gauge(std::string_view name, std::string_view help, std::string_view unit = {}) {
    return Family(PROMPLUG_GAUGE, name, help, unit);
  }
  // Any PROMPLUG_COUNTER.. type.
  bool Family(int32_t type, std::string_view name, std::string_view help,
              std::string_view unit = {}) {
    auto head = detail::Sized<promplug_family_head>();
    head.type = type;
    head.name = detail::Str(name);
    head.help = detail::Str(help);
    head.unit = detail::Str(unit);
    return Family(head);
  }
  bool Family(const promplug_family_head& head) {
    return Say([&] { return writer_->family(writer_, &head); });
  }

  // A point of a counter, gauge, untyped or info family.
  bool Sample(double value) { return Sample(Labels(), value); }
  bool Sample(const Labels& labels, double value) {
    const detail::Pairs pairs(labels);
    return Say([&] { return writer_->sample(writer_, pairs.data(), pairs.size(), value); });
  }
  // A point of any type, with all that the ABI knows.
  bool Point(const promplug_point& point) {
    return Say([&] { return writer_->point(writer_, &point); });
  }

  // Until the output is given up; not positive: it is late already.
  std::chrono::milliseconds time_left() const {
    return std::chrono::milliseconds(writer_->time_left_ms(writer_));
  }
  // The first result that lost the run, or PROMPLUG_OK.
  int32_t result() const noexcept { return result_; }

 private:
  template <class F>
  bool Say(const F& call) {
    if (result_ != PROMPLUG_OK) return false;
    const int32_t code = call();
    if (code != PROMPLUG_E_INVAL) result_ = code;
    return result_ == PROMPLUG_OK;
  }

  const promplug_writer* writer_;
  int32_t result_ = PROMPLUG_OK;
};

struct CollectorOptions {
  bool on_loop = false;      // run only inside Plugin::RunPending(); needs Options::wake
  bool one_process = false;  // of many workers, only the leader runs it
  std::chrono::milliseconds timeout{0};       // 0: the configured one
  std::chrono::milliseconds min_interval{0};  // > 0: the last output is used again for this long
};

// Registered as long as this object lives. Move-only.
class Registration {
 public:
  Registration() = default;
  Registration(detail::CorePtr core, promplug_reg id) noexcept : core_(std::move(core)), id_(id) {}
  Registration(Registration&& other) noexcept
      : core_(std::move(other.core_)), id_(std::exchange(other.id_, 0)) {}
  Registration& operator=(Registration&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(id_, other.id_);
    return *this;
  }
  // Waits for a running call, five seconds at most. What the callback refers to must be good for
  // longer than that where the callback may block for longer. Not from inside a callback, and
  // holding no lock that the callback takes.
  ~Registration() { (void)Unregister(std::chrono::seconds(5)); }

  // No call begins from now on; waits for a running one. After a success what the callback refers
  // to may go away. PROMPLUG_E_TIMEOUT: it is still inside, a second call waits again.
  Result<void> Unregister(std::chrono::milliseconds timeout) {
    if (id_ == 0) return {};
    promplug_error error{};
    const int32_t code =
        core_->api()->unregister(core_->instance(), id_, detail::Milliseconds(timeout), &error);
    if (code == PROMPLUG_OK || code == PROMPLUG_E_NOT_FOUND) id_ = 0;
    return detail::ToResult(code, error, "unregister");
  }

 private:
  detail::CorePtr core_;
  promplug_reg id_ = 0;
};

// Where a value comes from: a function, or a cell of the host that the plugin reads by itself and
// that must outlive the registration.
class ValueSource {
 public:
  // double(), any arithmetic type. What it throws leaves the series out of that scrape.
  template <class F, std::enable_if_t<std::is_invocable_r_v<double, F&>, int> = 0>
  ValueSource(F function) : function_(std::move(function)) {}
  // An integer of 64 bits or a double.
  template <class T>
  ValueSource(const std::atomic<T>& cell) : ValueSource(reinterpret_cast<const T*>(&cell)) {
    static_assert(sizeof(std::atomic<T>) == sizeof(T) && std::atomic<T>::is_always_lock_free);
  }
  // Written with atomic stores, as __atomic_store_n does.
  template <class T>
  ValueSource(const T* cell) : kind_(KindOf<T>()), cell_(cell) {}

  int32_t kind() const noexcept { return kind_; }
  const void* cell() const noexcept { return cell_; }
  std::function<double()>& function() noexcept { return function_; }

 private:
  template <class T>
  static constexpr int32_t KindOf() {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) == 8, "a cell has 64 bits");
    if (std::is_floating_point_v<T>) return PROMPLUG_SRC_F64;
    return std::is_signed_v<T> ? PROMPLUG_SRC_I64 : PROMPLUG_SRC_U64;
  }

  int32_t kind_ = PROMPLUG_SRC_FN;
  const void* cell_ = nullptr;
  std::function<double()> function_;
};

namespace detail {

// The collector's function as the ABI calls it; owned by the plugin once registered.
template <class F>
struct CollectCall {
  static int32_t Run(void* user, const promplug_writer* abi_writer) noexcept {
    try {
      Writer writer(abi_writer);
      auto& function = *static_cast<F*>(user);
      if constexpr (std::is_same_v<std::invoke_result_t<F&, Writer&>, bool>) {
        if (!function(writer) && writer.result() == PROMPLUG_OK) return PROMPLUG_E_CANCELLED;
      } else {
        function(writer);
      }
      return writer.result();
    } catch (const std::bad_alloc&) {
      return PROMPLUG_E_NOMEM;
    } catch (...) {
      return PROMPLUG_E_INTERNAL;
    }
  }
  static void Release(void* user) noexcept { delete static_cast<F*>(user); }
};

template <class F>
Result<Registration> RegisterCollector(const CorePtr& core, std::string_view name, F function,
                                       const CollectorOptions& options) {
  if (core == nullptr) return Registration();
  auto owned = std::make_unique<F>(std::move(function));
  auto abi = Sized<promplug_collector>();
  if (options.on_loop) abi.flags |= PROMPLUG_COLLECT_ON_LOOP;
  if (options.one_process) abi.flags |= PROMPLUG_COLLECT_ONE_PROCESS;
  abi.name = Str(name);
  abi.collect = &CollectCall<F>::Run;
  abi.release = &CollectCall<F>::Release;
  abi.user = owned.get();
  abi.timeout_ms = Milliseconds(options.timeout);
  abi.min_interval_ms = Milliseconds(options.min_interval);
  promplug_reg id = 0;
  promplug_error error{};
  const int32_t code = core->api()->register_collector(core->instance(), &abi, &id, &error);
  if (code < 0) return MakeError(code, error, "register_collector");
  (void)owned.release();
  return Registration(core, id);
}

struct ValueCall {
  static int32_t Run(void* user, double* out) noexcept {
    try {
      *out = (*static_cast<std::function<double()>*>(user))();
      return PROMPLUG_OK;
    } catch (...) {
      return PROMPLUG_E_INTERNAL;
    }
  }
  static void Release(void* user) noexcept { delete static_cast<std::function<double()>*>(user); }
};

inline Result<Registration> RegisterValue(const CorePtr& core, int32_t type, std::string_view name,
                                          std::string_view help, ValueSource source,
                                          const std::vector<Pair>& labels, int32_t process_mode) {
  if (core == nullptr) return Registration();
  const Pairs pairs(labels);
  auto abi = Sized<promplug_value>();
  abi.type = type;
  abi.process_mode = process_mode;
  abi.name = Str(name);
  abi.help = Str(help);
  abi.labels = pairs.data();
  abi.n_labels = pairs.size();
  abi.source = source.kind();
  abi.addr = source.cell();
  std::unique_ptr<std::function<double()>> owned;
  if (source.kind() == PROMPLUG_SRC_FN) {
    owned = std::make_unique<std::function<double()>>(std::move(source.function()));
    abi.fn = &ValueCall::Run;
    abi.release = &ValueCall::Release;
    abi.user = owned.get();
  }
  promplug_reg id = 0;
  promplug_error error{};
  const int32_t code = core->api()->register_value(core->instance(), &abi, &id, &error);
  if (code < 0) return MakeError(code, error, "register_value");
  (void)owned.release();
  return Registration(core, id);
}

}  // namespace detail
}  // namespace promplug::host
