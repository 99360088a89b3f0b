// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "core.hpp"

namespace promplug::host {

namespace detail {

// One pinned series. Null, when default-constructed or made without a plugin: then every update
// does nothing. Movable; updates are thread-safe and [hot] unless said otherwise.
class Series {
 public:
  Series() = default;
  Series(CorePtr core, promplug_metric* metric) noexcept
      : core_(std::move(core)), api_(core_->api()), metric_(metric) {}
  Series(Series&& other) noexcept
      : core_(std::move(other.core_)),
        api_(std::exchange(other.api_, nullptr)),
        metric_(std::exchange(other.metric_, nullptr)) {}
  Series& operator=(Series&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(api_, other.api_);
    std::swap(metric_, other.metric_);
    return *this;
  }
  ~Series() {
    if (api_ != nullptr) api_->metric_release(metric_);
  }

  // Exposed no more; the next update makes it anew, from zero.
  void Remove() noexcept {
    if (api_ != nullptr) (void)api_->metric_remove(metric_);
  }

 protected:
  const promplug_api* api() const noexcept { return api_; }
  promplug_metric* metric() const noexcept { return metric_; }
  const CorePtr& core() const noexcept { return core_; }

 private:
  CorePtr core_;
  const promplug_api* api_ = nullptr;
  promplug_metric* metric_ = nullptr;
};

class Exemplar {
 public:
  explicit Exemplar(const Pairs& labels) {
    abi_.labels = labels.data();
    abi_.n_labels = labels.size();
  }
  const promplug_exemplar* get() const noexcept { return &abi_; }

 private:
  promplug_exemplar abi_ = Sized<promplug_exemplar>();
};

}  // namespace detail

// A number of a counter that is added to inline, without a call. kShared: any thread; kExclusive:
// one thread at a time, and cheaper. Null: adds to nothing.
template <uint32_t kKind>
class CounterCell {
 public:
  CounterCell() = default;
  CounterCell(detail::CorePtr core, promplug_metric* metric, uint64_t* cell) noexcept
      : core_(std::move(core)), metric_(metric), cell_(cell) {}
  CounterCell(CounterCell&& other) noexcept
      : core_(std::move(other.core_)),
        metric_(other.metric_),
        cell_(std::exchange(other.cell_, nullptr)) {}
  CounterCell& operator=(CounterCell&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(metric_, other.metric_);
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~CounterCell() {
    if (cell_ != nullptr) (void)core_->api()->cell_release(metric_, cell_);
  }

  void Add(uint64_t n = 1) noexcept {
    if (cell_ == nullptr) return;
    if constexpr (kKind == PROMPLUG_CELL_SHARED) {
      promplug_cell_add_shared(cell_, n);
    } else {
      promplug_cell_add_exclusive(cell_, n);
    }
  }

 private:
  detail::CorePtr core_;
  promplug_metric* metric_ = nullptr;
  uint64_t* cell_ = nullptr;
};
using SharedCell = CounterCell<PROMPLUG_CELL_SHARED>;
using ExclusiveCell = CounterCell<PROMPLUG_CELL_EXCLUSIVE>;

class Counter : public detail::Series {
 public:
  using Series::Series;
  void Inc() noexcept {
    if (api() != nullptr) api()->counter_inc(metric());
  }
  // REQUIRES: value >= 0, else it is ignored and counted.
  void Add(double value) noexcept {
    if (api() != nullptr) api()->counter_add(metric(), value);
  }
  // As Add(), with an exemplar. Not [hot].
  void Add(double value, std::initializer_list<Pair> exemplar) noexcept {
    if (api() == nullptr) return;
    const detail::Pairs pairs(exemplar);
    api()->counter_add_exemplar(metric(), value, detail::Exemplar(pairs).get());
  }
  Result<SharedCell> MakeSharedCell() const { return MakeCell<PROMPLUG_CELL_SHARED>(); }
  Result<ExclusiveCell> MakeExclusiveCell() const { return MakeCell<PROMPLUG_CELL_EXCLUSIVE>(); }

 private:
  template <uint32_t kKind>
  Result<CounterCell<kKind>> MakeCell() const {
    if (api() == nullptr) return CounterCell<kKind>();
    promplug_error error{};
    uint64_t* cell = nullptr;
    const int32_t code = api()->counter_cell(metric(), kKind, &cell, &error);
    if (code < 0) return detail::MakeError(code, error, "counter_cell");
    return CounterCell<kKind>(core(), metric(), cell);
  }
};

class Gauge : public detail::Series {
 public:
  using Series::Series;
  void Set(double value) noexcept {
    if (api() != nullptr) api()->gauge_set(metric(), value);
  }
  void Add(double value) noexcept {
    if (api() != nullptr) api()->gauge_add(metric(), value);
  }
  void Inc() noexcept { Add(1); }
  void Dec() noexcept { Add(-1); }
};

class Histogram : public detail::Series {
 public:
  using Series::Series;
  void Observe(double value) noexcept {
    if (api() != nullptr) api()->observe(metric(), value);
  }
  // With an exemplar. Not [hot].
  void Observe(double value, std::initializer_list<Pair> exemplar) noexcept {
    if (api() == nullptr) return;
    const detail::Pairs pairs(exemplar);
    api()->observe_exemplar(metric(), value, detail::Exemplar(pairs).get());
  }
};

class Summary : public detail::Series {
 public:
  using Series::Series;
  // Takes a short lock.
  void Observe(double value) noexcept {
    if (api() != nullptr) api()->observe(metric(), value);
  }
};

// The labels are the information; there is nothing to update.
class Info : public detail::Series {
 public:
  using Series::Series;
};

class Stateset : public detail::Series {
 public:
  using Series::Series;
  // `state` counts from 0, as the states were given.
  void Set(uint32_t state, bool on) noexcept {
    if (api() != nullptr) api()->state_set(metric(), state, on ? 1 : 0);
  }
};

namespace detail {

// What all families have. Copyable and thread-safe. Null, when default-constructed or made without
// a plugin: then it makes null series. A family whose making failed is null as well, and says why.
template <class S>
class Family {
 public:
  Family() = default;
  Family(CorePtr core, promplug_family* family) noexcept
      : core_(std::move(core)), family_(family) {}
  explicit Family(Error error) : error_(std::make_shared<const Error>(std::move(error))) {}

  // Why the family could not be made; PROMPLUG_E_EXISTS: the name is taken with another shape.
  Result<void> status() const {
    if (error_ != nullptr) return *error_;
    return {};
  }

  // The series with these label values, as many as the family has labels: texts or whole numbers.
  // Keep it where it is updated often. Beyond a limit, or with a wrong number of values, it is a
  // series that counts for nothing; Find() says so.
  template <class... Values>
  S Labels(const Values&... values) const {
    promplug_metric* metric = nullptr;
    (void)Lookup(nullptr, &metric, values...);
    return metric != nullptr ? S(core_, metric) : S();
  }
  template <class... Values>
  Result<S> Find(const Values&... values) const {
    promplug_metric* metric = nullptr;
    promplug_error error{};
    const int32_t code = Lookup(&error, &metric, values...);
    S series = metric != nullptr ? S(core_, metric) : S();
    if (code < 0) return MakeError(code, error, "metric");
    return series;
  }

  // Removes every series that has all of these labels; none given: all series. Returns how many.
  uint64_t RemoveMatching(std::initializer_list<Pair> labels) const {
    uint64_t removed = 0;
    if (family_ == nullptr) return removed;
    const Pairs pairs(labels);
    (void)core_->api()->remove_matching(family_, pairs.data(), pairs.size(), &removed);
    return removed;
  }

  // For promplug_update; NULL where the family is null.
  promplug_family* get() const noexcept { return family_; }

 protected:
  // Look-up and update in one call; `exemplar` may be NULL.
  template <class... Values>
  void Update(int32_t op, double value, const promplug_exemplar* exemplar,
              const Values&... values) const noexcept {
    if (family_ == nullptr) return;
    (void)WithValues(
        [&](const promplug_str* strs, size_t n) {
          return core_->api()->update(family_, strs, n, op, value, exemplar);
        },
        values...);
  }

 private:
  template <class... Values>
  int32_t Lookup(promplug_error* error, promplug_metric** out, const Values&... values) const {
    if (family_ == nullptr) return PROMPLUG_OK;
    return WithValues([&](const promplug_str* strs,
                          size_t n) { return core_->api()->metric(family_, strs, n, out, error); },
                      values...);
  }

  template <class F, class... Values>
  static int32_t WithValues(const F& call, const Values&... values) {
    // One more than there are, since an array of none is not allowed.
    const LabelValue made[] = {LabelValue(values)..., LabelValue("")};
    promplug_str strs[sizeof...(Values) + 1];
    for (size_t i = 0; i <= sizeof...(Values); ++i) strs[i] = Str(made[i].view());
    return call(strs, sizeof...(Values));
  }

  CorePtr core_;
  promplug_family* family_ = nullptr;
  std::shared_ptr<const Error> error_;
};

}  // namespace detail

// The families. Their own updates look the series up and update it in one call, for places that
// cannot keep a series: requests.Inc("GET", "/photos", 200).

class CounterFamily : public detail::Family<Counter> {
 public:
  using Family::Family;
  template <class... Values>
  void Inc(const Values&... values) const noexcept {
    Update(PROMPLUG_OP_ADD, 1, nullptr, values...);
  }
  template <class... Values>
  void Add(double value, const Values&... values) const noexcept {
    Update(PROMPLUG_OP_ADD, value, nullptr, values...);
  }
  // With an exemplar: bytes.Add(512, {{"trace_id", id}}, "GET").
  template <class... Values>
  void Add(double value, std::initializer_list<Pair> exemplar,
           const Values&... values) const noexcept {
    const detail::Pairs pairs(exemplar);
    Update(PROMPLUG_OP_ADD, value, detail::Exemplar(pairs).get(), values...);
  }
};

class GaugeFamily : public detail::Family<Gauge> {
 public:
  using Family::Family;
  template <class... Values>
  void Set(double value, const Values&... values) const noexcept {
    Update(PROMPLUG_OP_SET, value, nullptr, values...);
  }
  template <class... Values>
  void Add(double value, const Values&... values) const noexcept {
    Update(PROMPLUG_OP_ADD, value, nullptr, values...);
  }
};

template <class S>
class ObservingFamily : public detail::Family<S> {
 public:
  using detail::Family<S>::Family;
  template <class... Values>
  void Observe(double value, const Values&... values) const noexcept {
    this->Update(PROMPLUG_OP_OBSERVE, value, nullptr, values...);
  }
};
using SummaryFamily = ObservingFamily<Summary>;

class HistogramFamily : public ObservingFamily<Histogram> {
 public:
  using ObservingFamily::Observe;
  using ObservingFamily::ObservingFamily;
  // With an exemplar: times.Observe(0.3, {{"trace_id", id}}, "GET").
  template <class... Values>
  void Observe(double value, std::initializer_list<Pair> exemplar,
               const Values&... values) const noexcept {
    const detail::Pairs pairs(exemplar);
    Update(PROMPLUG_OP_OBSERVE, value, detail::Exemplar(pairs).get(), values...);
  }
};

using InfoFamily = detail::Family<Info>;
using StatesetFamily = detail::Family<Stateset>;

}  // namespace promplug::host
