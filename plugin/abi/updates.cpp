// SPDX-License-Identifier: MIT
#include "abi/handles.hpp"
#include "abi/instance.hpp"
#include "abi/points.hpp"
#include "abi/sized.hpp"
#include "abi/strings.hpp"
#include "abi/tables.hpp"
#include "metrics/family_look_up.hpp"

namespace promplug::abi {
namespace {

// One without labels, which is dropped, where that of the host is not valid.
Exemplar ExemplarOf(const promplug_exemplar* from, std::string* labels) {
  promplug_exemplar whole;
  Exemplar read;
  const bool good = CopyOptions(from, sizeof whole, "exemplar", &whole).ok() &&
                    ReadExemplar(whole, labels, &read).ok();
  return good ? read : Exemplar();
}

// The usual update, of a series that is there: without what the others need for exemplars and for
// what may fail. False, and nothing was counted: it is not that.
[[gnu::always_inline]] inline bool UpdatePresent(promplug_family* f,
                                                 const promplug_str* label_values, size_t n,
                                                 int32_t op, double value) {
  if (f == nullptr || (label_values == nullptr && n > 0)) return false;
  Family* family = FromHandle(f);
  if (InstanceOf(family)->fork_watch.Forked()) return false;
  const auto value_at = [label_values](size_t i) { return View(label_values[i]); };
  return family->UpdatePresent(n, value_at, static_cast<UpdateOp>(op), value);
}

Status UpdateOne(promplug_family* f, const promplug_str* label_values, size_t n, int32_t op,
                 double value, const promplug_exemplar* e) {
  if (f == nullptr) return Status(Code::kInvalid, {});
  Family* family = FromHandle(f);
  Status status = Usable(InstanceOf(family));
  if (!status.ok()) return status;
  if (op < PROMPLUG_OP_ADD || op > PROMPLUG_OP_OBSERVE) return Status(Code::kInvalid, {});
  LabelValues values;
  status = ReadViews(label_values, n, values.views);
  if (!status.ok()) return status;
  if (e == nullptr) return family->Update(values.views, n, static_cast<UpdateOp>(op), value);
  std::string labels;
  const Exemplar exemplar = ExemplarOf(e, &labels);
  return family->Update(values.views, n, static_cast<UpdateOp>(op), value, &exemplar);
}

[[gnu::noinline]] int32_t UpdateAny(promplug_family* f, const promplug_str* label_values, size_t n,
                                    int32_t op, double value, const promplug_exemplar* e) {
  return QuickFence([&] { return UpdateOne(f, label_values, n, op, value, e); });
}

// False: nothing was counted. The family's locks are not for a fork child, and memory may be short.
bool CountWithExemplar(Series* series, MetricType type, UpdateOp op, double v,
                       const promplug_exemplar* e) {
  if (e == nullptr) return false;
  if (series->type() != type) {
    series->family()->ExemplarDropped();
    return false;
  }
  const int32_t result = QuickFence([&]() -> Status {
    Status status = Usable(InstanceOf(series->family()));
    if (!status.ok()) return status;
    std::string labels;
    return series->family()->Apply(series, op, v, ExemplarOf(e, &labels));
  });
  return result == PROMPLUG_OK;
}

// It takes a lock and may allocate.
[[gnu::noinline]] void ObserveSummary(Series* series, double v) {
  QuickFence([&]() -> Status {
    Status status = Usable(InstanceOf(series->family()));
    if (status.ok()) series->Observe(v);
    return status;
  });
}

}  // namespace

void CounterInc(promplug_metric* m) {
  if (m != nullptr) FromHandle(m)->CounterInc();
}

void CounterAdd(promplug_metric* m, double v) {
  if (m != nullptr) FromHandle(m)->CounterAdd(v);
}

void GaugeSet(promplug_metric* m, double v) {
  if (m != nullptr) FromHandle(m)->GaugeSet(v);
}

void GaugeAdd(promplug_metric* m, double v) {
  if (m != nullptr) FromHandle(m)->GaugeAdd(v);
}

void Observe(promplug_metric* m, double v) {
  if (m == nullptr) return;
  Series* series = FromHandle(m);
  if (series->IsSummary()) [[unlikely]]
    return ObserveSummary(series, v);
  series->Observe(v);
}

void StateSet(promplug_metric* m, uint32_t state, int32_t on) {
  if (m != nullptr) FromHandle(m)->StateSet(state, on != 0);
}

void CounterAddExemplar(promplug_metric* m, double v, const promplug_exemplar* e) {
  if (m == nullptr) return;
  if (CountWithExemplar(FromHandle(m), MetricType::kCounter, UpdateOp::kAdd, v, e)) return;
  CounterAdd(m, v);
}

void ObserveExemplar(promplug_metric* m, double v, const promplug_exemplar* e) {
  if (m == nullptr) return;
  if (CountWithExemplar(FromHandle(m), MetricType::kHistogram, UpdateOp::kObserve, v, e)) return;
  Observe(m, v);
}

int32_t Update(promplug_family* f, const promplug_str* label_values, size_t n, int32_t op,
               double value, const promplug_exemplar* exemplar) {
  if (exemplar != nullptr) [[unlikely]]
    return UpdateAny(f, label_values, n, op, value, exemplar);
  if (UpdatePresent(f, label_values, n, op, value)) [[likely]]
    return PROMPLUG_OK;
  return UpdateAny(f, label_values, n, op, value, nullptr);
}

int32_t UpdateMany(promplug_update* updates, size_t n) {
  if (updates == nullptr && n > 0) return PROMPLUG_E_INVAL;
  int32_t first = PROMPLUG_OK;
  for (size_t i = 0; i < n; ++i) {
    promplug_update& each = updates[i];
    each.result = Update(each.family, each.label_values, each.n_label_values, each.op, each.value,
                         each.exemplar);
    if (first == PROMPLUG_OK) first = each.result;
  }
  return first;
}

}  // namespace promplug::abi
