// SPDX-License-Identifier: MIT
#include "abi/handles.hpp"
#include "abi/instance.hpp"
#include "abi/points.hpp"
#include "abi/sized.hpp"
#include "abi/strings.hpp"
#include "abi/tables.hpp"

namespace promplug::abi {
namespace {

// Exemplars are taken with the format that can carry them; none of today's formats can.
Status UpdateOne(promplug_family* f, const promplug_str* label_values, size_t n, int32_t op,
                 double value) {
  if (f == nullptr) return Status(Code::kInvalid, {});
  Family* family = FromHandle(f);
  Status status = Usable(InstanceOf(family));
  if (!status.ok()) return status;
  if (op < PROMPLUG_OP_ADD || op > PROMPLUG_OP_OBSERVE) return Status(Code::kInvalid, {});
  LabelValues values;
  status = ReadViews(label_values, n, values.views);
  if (!status.ok()) return status;
  return family->Update(values.views, n, static_cast<UpdateOp>(op), value);
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
  if (series->type() != MetricType::kSummary) [[likely]]
    return series->Observe(v);
  // A summary takes a lock and may allocate.
  QuickFence([&]() -> Status {
    Status status = Usable(InstanceOf(series->family()));
    if (status.ok()) series->Observe(v);
    return status;
  });
}

void StateSet(promplug_metric* m, uint32_t state, int32_t on) {
  if (m != nullptr) FromHandle(m)->StateSet(state, on != 0);
}

void CounterAddExemplar(promplug_metric* m, double v, const promplug_exemplar*) {
  CounterAdd(m, v);
}

void ObserveExemplar(promplug_metric* m, double v, const promplug_exemplar*) { Observe(m, v); }

int32_t Update(promplug_family* f, const promplug_str* label_values, size_t n, int32_t op,
               double value, const promplug_exemplar*) {
  return QuickFence([&] { return UpdateOne(f, label_values, n, op, value); });
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
