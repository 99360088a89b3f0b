// SPDX-License-Identifier: MIT
#include "abi/host_writer.hpp"
#include "abi/instance.hpp"
#include "abi/points.hpp"
#include "abi/sized.hpp"
#include "abi/strings.hpp"
#include "abi/tables.hpp"
#include "base/text.hpp"

namespace promplug::abi {
namespace {

Status CollectWith(const promplug_collector& c, CollectorWriter& writer) {
  HostWriter host_writer(&writer);
  const int32_t result = c.collect(c.user, host_writer.table());
  if (result == PROMPLUG_OK) return Status();
  return Status(Code::kCancelled, "collect() returned " + std::to_string(result));
}

std::function<void()> ReleaseOf(promplug_release_fn release, void* user) {
  if (release == nullptr) return nullptr;
  return [release, user] { release(user); };
}

Status ToSpec(const promplug_collector* from, CollectorSpec* out) {
  promplug_collector c;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_collector, user), "collector", &c);
  if (!status.ok()) return status;
  constexpr uint32_t kKnownFlags = PROMPLUG_COLLECT_ON_LOOP | PROMPLUG_COLLECT_ONE_PROCESS;
  if ((c.flags & ~kKnownFlags) != 0) {
    return Status(Code::kInvalid, "collector.flags has an unknown flag");
  }
  if (c.collect == nullptr) return Status(Code::kInvalid, "collector.collect is NULL");
  out->name = View(c.name);
  out->collect = [c](CollectorWriter& writer) { return CollectWith(c, writer); };
  out->release = ReleaseOf(c.release, c.user);
  out->timeout = std::chrono::milliseconds(c.timeout_ms);
  out->min_interval = std::chrono::milliseconds(c.min_interval_ms);
  out->on_loop = (c.flags & PROMPLUG_COLLECT_ON_LOOP) != 0;
  out->one_process = (c.flags & PROMPLUG_COLLECT_ONE_PROCESS) != 0;
  return status;
}

Status SetSource(const promplug_value& v, ValueSpec* out) {
  switch (v.source) {
    case PROMPLUG_SRC_FN:
      if (v.fn == nullptr) return Status(Code::kInvalid, "value.fn is NULL");
      out->read = [fn = v.fn, user = v.user](double* value) {
        return fn(user, value) == PROMPLUG_OK ? Status() : Status(Code::kCancelled, {});
      };
      return Status();
    case PROMPLUG_SRC_U64:
      out->cell_type = CellType::kU64;
      break;
    case PROMPLUG_SRC_I64:
      out->cell_type = CellType::kI64;
      break;
    case PROMPLUG_SRC_F64:
      out->cell_type = CellType::kF64;
      break;
    default:
      return Status(Code::kInvalid, "value.source " + std::to_string(v.source) + " is not known");
  }
  if (v.addr == nullptr) return Status(Code::kInvalid, "value.addr is NULL");
  out->cell = v.addr;
  return Status();
}

Status ToSpec(const promplug_value* from, ValueSpec* out) {
  promplug_value v;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_value, user), "value", &v);
  if (!status.ok()) return status;
  if (v.type != PROMPLUG_COUNTER && v.type != PROMPLUG_GAUGE) {
    return Status(Code::kInvalid, "value.type must be a counter or a gauge");
  }
  status = ToProcessMode(v.process_mode, "value.process_mode", &out->process_mode);
  if (!status.ok()) return status;
  Label labels[kMaxLabels];
  status = ReadLabels(v.labels, v.n_labels, labels);
  if (!status.ok()) return status;
  out->type = static_cast<MetricType>(v.type);
  out->name = View(v.name);
  out->help = View(v.help);
  out->labels.assign(labels, labels + v.n_labels);
  out->release = ReleaseOf(v.release, v.user);
  return SetSource(v, out);
}

Status Take(Result<uint64_t> id, promplug_reg* out) {
  if (id.ok()) *out = id.value();
  return id.status();
}

}  // namespace

int32_t RegisterCollector(promplug_instance* p, const promplug_collector* c, promplug_reg* out,
                          promplug_error* err) {
  return CallOutside(p, err, [&](Runtime& runtime) -> Status {
    if (out == nullptr) return Status(Code::kInvalid, "out is NULL");
    CollectorSpec spec;
    Status status = ToSpec(c, &spec);
    return status.ok() ? Take(runtime.sources().RegisterCollector(std::move(spec)), out) : status;
  });
}

int32_t RegisterValue(promplug_instance* p, const promplug_value* v, promplug_reg* out,
                      promplug_error* err) {
  return CallOutside(p, err, [&](Runtime& runtime) -> Status {
    if (out == nullptr) return Status(Code::kInvalid, "out is NULL");
    ValueSpec spec;
    Status status = ToSpec(v, &spec);
    return status.ok() ? Take(runtime.sources().RegisterValue(std::move(spec)), out) : status;
  });
}

int32_t Unregister(promplug_instance* p, promplug_reg reg, uint32_t timeout_ms,
                   promplug_error* err) {
  return CallOutside(p, err, [&](Runtime& runtime) {
    return runtime.sources().Unregister(reg, std::chrono::milliseconds(timeout_ms));
  });
}

int32_t RunPending(promplug_instance* p, uint32_t max_ms) {
  bool left = false;
  const int32_t result = CallOutside(p, nullptr, [&](Runtime& runtime) {
    left = runtime.sources().RunPending(std::chrono::milliseconds(max_ms));
    return Status();
  });
  return result == PROMPLUG_OK && left ? PROMPLUG_AGAIN : result;
}

}  // namespace promplug::abi
