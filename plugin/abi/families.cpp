// SPDX-License-Identifier: MIT
#include "abi/handles.hpp"
#include "abi/instance.hpp"
#include "abi/points.hpp"
#include "abi/sized.hpp"
#include "abi/strings.hpp"
#include "abi/tables.hpp"

namespace promplug::abi {
namespace {

Status CheckArrays(const promplug_family_desc& d) {
  const bool null = (d.label_names == nullptr && d.n_label_names > 0) ||
                    (d.const_labels == nullptr && d.n_const_labels > 0) ||
                    (d.buckets == nullptr && d.n_buckets > 0) ||
                    (d.quantiles == nullptr && d.n_quantiles > 0) ||
                    (d.states == nullptr && d.n_states > 0);
  if (null) return Status(Code::kInvalid, "an array of the description is NULL");
  return Status();
}

Status FromDesc(const promplug_family_desc* from, FamilyDescription* out) {
  promplug_family_desc d;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_family_desc, help), "desc", &d);
  if (status.ok()) status = CheckArrays(d);
  if (status.ok()) {
    status = ToProcessMode(d.process_mode, "desc.process_mode", &out->process_mode);
  }
  if (!status.ok()) return status;
  if (d.type < PROMPLUG_COUNTER || d.type > PROMPLUG_GAUGE_HISTOGRAM) {
    return Status(Code::kInvalid, "desc.type " + std::to_string(d.type) + " is not known");
  }
  out->type = static_cast<MetricType>(d.type);
  out->name = View(d.name);
  out->help = View(d.help);
  out->unit = View(d.unit);
  for (size_t i = 0; i < d.n_label_names; ++i) out->label_names.push_back(View(d.label_names[i]));
  for (size_t i = 0; i < d.n_const_labels; ++i) {
    out->const_labels.push_back({View(d.const_labels[i].key), View(d.const_labels[i].value)});
  }
  out->buckets.assign(d.buckets, d.buckets + d.n_buckets);
  out->quantiles.assign(d.quantiles, d.quantiles + d.n_quantiles);
  out->summary_window_seconds = d.summary_window_seconds;
  out->max_series = d.max_series;
  out->native_max_buckets = d.native_max_buckets;
  out->native_growth = d.native_growth;
  out->native_zero_width = d.native_zero_width;
  for (size_t i = 0; i < d.n_states; ++i) out->states.push_back(View(d.states[i]));
  return status;
}

}  // namespace

int32_t MakeFamily(promplug_instance* p, const promplug_family_desc* d, promplug_family** out,
                   promplug_error* err) {
  if (out != nullptr) *out = nullptr;
  return Call(p, err, [&](Runtime& runtime) -> Status {
    if (out == nullptr) return Status(Code::kInvalid, "out is NULL");
    FamilyDescription description;
    Status status = FromDesc(d, &description);
    if (!status.ok()) return status;
    Result<Family*> family = runtime.instruments().FindOrMake(description);
    if (family.ok()) *out = ToHandle(family.value());
    return family.status();
  });
}

int32_t MakeMetric(promplug_family* f, const promplug_str* label_values, size_t n,
                   promplug_metric** out, promplug_error* err) {
  if (out != nullptr) *out = nullptr;
  return Fence(err, [&]() -> Status {
    if (f == nullptr || out == nullptr) return Status(Code::kInvalid, "family or out is NULL");
    Family* family = FromHandle(f);
    // Until all is well, and in a fork child, the caller holds the sink.
    *out = ToHandle(family->sink());
    Status status = Usable(InstanceOf(family));
    std::string_view values[kMaxLabels];
    if (status.ok()) status = ReadViews(label_values, n, values);
    if (!status.ok()) return status;
    Series* series = nullptr;
    status = family->FindOrMake(values, n, &series);
    *out = ToHandle(series);
    return status;
  });
}

void MetricRelease(promplug_metric* m) {
  if (m == nullptr) return;
  QuickFence([m]() -> Status {
    Series* series = FromHandle(m);
    Status status = Usable(InstanceOf(series->family()));
    if (status.ok()) series->family()->Unpin(series);
    return status;
  });
}

int32_t MetricRemove(promplug_metric* m) {
  return Fence(nullptr, [&]() -> Status {
    if (m == nullptr) return Status(Code::kInvalid, {});
    Series* series = FromHandle(m);
    Status status = Usable(InstanceOf(series->family()));
    if (status.ok()) series->family()->Remove(series);
    return status;
  });
}

int32_t RemoveMatching(promplug_family* f, const promplug_kv* labels, size_t n, uint64_t* removed) {
  return Fence(nullptr, [&]() -> Status {
    if (f == nullptr) return Status(Code::kInvalid, {});
    Family* family = FromHandle(f);
    Status status = Usable(InstanceOf(family));
    Label wanted[kMaxLabels];
    if (status.ok()) status = ReadLabels(labels, n, wanted);
    if (!status.ok()) return status;
    const uint64_t gone = family->RemoveMatching(wanted, n);
    if (removed != nullptr) *removed = gone;
    return status;
  });
}

int32_t CounterCell(promplug_metric* m, uint32_t kind, uint64_t** out, promplug_error* err) {
  return Fence(err, [&]() -> Status {
    if (m == nullptr || out == nullptr) return Status(Code::kInvalid, "metric or out is NULL");
    *out = nullptr;
    Series* series = FromHandle(m);
    Status status = Usable(InstanceOf(series->family()));
    if (!status.ok()) return status;
    if (series->type() != MetricType::kCounter || kind > PROMPLUG_CELL_EXCLUSIVE) {
      return Status(Code::kInvalid, "not a counter, or an unknown kind of cell");
    }
    *out = series->family()->AddHostCell(series);
    return *out != nullptr ? Status() : Status(Code::kNoMemory, {});
  });
}

int32_t CellRelease(promplug_metric* m, uint64_t* cell) {
  return Fence(nullptr, [&]() -> Status {
    if (m == nullptr) return Status(Code::kInvalid, {});
    Series* series = FromHandle(m);
    Status status = Usable(InstanceOf(series->family()));
    return status.ok() ? series->family()->ReleaseHostCell(series, cell) : status;
  });
}

}  // namespace promplug::abi
