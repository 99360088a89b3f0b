// SPDX-License-Identifier: MIT
#include "gather/sources.hpp"

#include <atomic>
#include <map>
#include <utility>

#include "base/text.hpp"
#include "gather/callback.hpp"
#include "gather/callback_engine.hpp"
#include "gather/kept_outputs.hpp"
#include "gather/merge.hpp"
#include "gather/name_filter.hpp"
#include "gather/point_check.hpp"
#include "gather/process_source.hpp"
#include "gather/refusals.hpp"
#include "gather/set_run.hpp"
#include "gather/value_points.hpp"
#include "metrics/shape.hpp"
#include "multiprocess/merge_rules.hpp"

namespace promplug {
namespace {

// What a run needs of the Sources it comes from.
struct Origin {
  Registry& instruments;
  SelfMetrics* self;
  CallbackEngine& engine;
  std::shared_ptr<Refusals> refusals;
};

class SourcesRun final : public GatherRun {
 public:
  SourcesRun(const Origin& origin, GatherRequest request, bool self_metrics)
      : origin_(origin),
        sources_(request.sources),
        scope_(request.scope),
        self_metrics_(self_metrics && origin.self != nullptr),
        filter_(std::move(request.names)),
        kept_(request.kept),
        state_(std::make_shared<GatherState>()) {
    state_->deadline = request.deadline;
  }
  ~SourcesRun() override {
    if (asked_) origin_.engine.Cancel(state_);
  }
  SourcesRun(const SourcesRun&) = delete;
  SourcesRun& operator=(const SourcesRun&) = delete;

  void Ask(std::function<void()> ready, const std::shared_ptr<Callback>& process) {
    state_->ready = std::move(ready);
    asked_ = true;
    const auto wants = [this](const Callback& callback) {
      if ((sources_ & kGatherCollectors) == 0) return false;
      if (scope_ != GatherScope::kInstance &&
          callback.one_process != (scope_ == GatherScope::kOneForAll)) {
        return false;
      }
      return callback.series == nullptr ||
             filter_.Matches(callback.series->type, callback.series->name);
    };
    origin_.engine.Ask(state_, wants, process);
  }

  bool Ready() const override { return origin_.engine.Finished(*state_); }
  void Wait() override { origin_.engine.Wait(state_); }

  Gathering Take() override {
    std::vector<SourceFamily> families;
    std::vector<std::shared_ptr<const void>> keep_alive;
    if ((sources_ & kGatherInstruments) != 0)
      AddRegistry(origin_.instruments, "instruments", &families);
    AddSlots(&families, &keep_alive);
    if ((sources_ & kGatherSelf) != 0 && self_metrics_) {
      AddRegistry(origin_.self->registry(), "self metrics", &families);
    }
    Gathering gathering = Merge(std::move(families), filter_, origin_.refusals);
    gathering.keep_alive = std::move(keep_alive);
    return gathering;
  }

 private:
  static void AddRegistry(const Registry& registry, std::string_view source,
                          std::vector<SourceFamily>* families) {
    for (Family* family : registry.Families()) {
      families->push_back({family->head(), source, [family] { return family->Read(); }});
    }
  }

  void AddSlots(std::vector<SourceFamily>* families,
                std::vector<std::shared_ptr<const void>>* keep_alive) {
    std::map<std::string_view, ValueSlot> values;
    for (GatherSlot& slot : state_->slots) {
      const CallbackOutput* said = slot.has_output ? &slot.output : nullptr;
      if (kept_ != nullptr) said = kept_->Update(slot);
      if (said == nullptr) continue;
      const auto counts = [&slot](MetricType type) {
        return slot.has_output || IsCumulative(type);
      };
      if (slot.callback->series != nullptr) {
        if (!counts(slot.callback->series->type)) continue;
        keep_alive->push_back(slot.callback->series);
        AddValue(*slot.callback->series, *said, &values, families, keep_alive);
        continue;
      }
      const CollectedOutput* output = said->families.get();
      keep_alive->push_back(said->families);
      for (size_t i = 0; i < output->n_families(); ++i) {
        if (!counts(output->type(i))) continue;
        families->push_back(
            {output->Head(i), slot.callback->name, [output, i] { return output->Read(i); }});
      }
    }
    if (kept_ != nullptr) kept_->EndGather();
  }

  struct ValueSlot {
    std::shared_ptr<ValueFamily> family;
    size_t number = 0;  // among all families
  };

  static void AddValue(const ValueSeries& series, const CallbackOutput& said,
                       std::map<std::string_view, ValueSlot>* values,
                       std::vector<SourceFamily>* families,
                       std::vector<std::shared_ptr<const void>>* keep_alive) {
    ValueSlot& at = (*values)[series.name];
    if (at.family == nullptr) {
      at.family = std::make_shared<ValueFamily>();
      at.number = families->size();
      keep_alive->push_back(at.family);
      families->push_back({{series.type, series.name, series.help, {}, series.process_mode},
                           "values",
                           [values = at.family.get()] { return values->Read(); }});
    }
    if (series.quoted_labels) (*families)[at.number].head.quoted_labels = true;
    at.family->Add(series.labels, said);
  }

  const Origin& origin_;
  const uint32_t sources_;
  const GatherScope scope_;
  const bool self_metrics_;
  const NameFilter filter_;
  KeptOutputs* const kept_;
  const std::shared_ptr<GatherState> state_;
  bool asked_ = false;
};

Status CheckValue(const ValueSpec& spec) {
  if (spec.type != MetricType::kCounter && spec.type != MetricType::kGauge) {
    return Status(Code::kInvalid, "value " + Quoted(spec.name) + " is neither counter nor gauge");
  }
  if (!spec.read && spec.cell == nullptr) {
    return Status(Code::kInvalid, "value " + Quoted(spec.name) + " without a function or cell");
  }
  if (!spec.read && reinterpret_cast<uintptr_t>(spec.cell) % sizeof(uint64_t) != 0) {
    return Status(Code::kInvalid, "the cell of value " + Quoted(spec.name) + " is not aligned");
  }
  if (!HasProcessMode(spec.type, spec.process_mode)) {
    return Status(Code::kInvalid, "value " + Quoted(spec.name) +
                                      ": the process modes max, min and latest are for gauges");
  }
  return CheckFamilyHead({spec.type, spec.name, spec.help, {}, spec.process_mode});
}

}  // namespace

class Sources::Impl {
 public:
  Impl(Registry& instruments, SelfMetrics* self, const Log& log, const Clock& clock,
       const SourcesOptions& options, SourcesHooks hooks)
      : can_wake(static_cast<bool>(hooks.wake)),
        engine(self, log, clock, std::move(hooks)),
        origin{instruments, self, engine, std::make_shared<Refusals>(self, log)},
        process(std::make_shared<Callback>()) {
    process->name = "process";
    process->internal = true;
    process->collect = [this](CollectorWriter& writer) { return process_source.Collect(writer); };
    SetOptions(options);
  }

  void SetOptions(const SourcesOptions& changed) {
    engine.SetLimits(changed.collector_timeout, changed.max_output_bytes);
    process_metrics.store(changed.process_metrics, std::memory_order_relaxed);
    self_metrics.store(changed.self_metrics, std::memory_order_relaxed);
  }

  const bool can_wake;
  ProcessSource process_source;
  CallbackEngine engine;
  const Origin origin;
  const std::shared_ptr<Callback> process;
  std::atomic<bool> process_metrics{true};
  std::atomic<bool> self_metrics{true};
  std::atomic<SetLoop*> set{nullptr};
};

Sources::Sources(Registry& instruments, SelfMetrics* self, const Log& log, const Clock& clock,
                 SourcesOptions options, SourcesHooks hooks)
    : impl_(std::make_unique<Impl>(instruments, self, log, clock, options, std::move(hooks))) {}

Sources::~Sources() = default;

void Sources::SetOptions(const SourcesOptions& options) { impl_->SetOptions(options); }

Result<uint64_t> Sources::RegisterCollector(CollectorSpec spec) {
  if (spec.name.empty() || !IsValidUtf8(spec.name)) {
    return Status(Code::kInvalid, "collector name " + Quoted(spec.name) + " is empty or not UTF-8");
  }
  if (!spec.collect) {
    return Status(Code::kInvalid, "collector " + Quoted(spec.name) + " without a function");
  }
  if (spec.on_loop && !impl_->can_wake) {
    return Status(Code::kUnsupported,
                  "collector " + Quoted(spec.name) + " on the loop of a host that has no wake");
  }
  auto callback = std::make_shared<Callback>();
  callback->name = std::move(spec.name);
  callback->collect = std::move(spec.collect);
  callback->release = std::move(spec.release);
  callback->timeout = spec.timeout;
  callback->min_interval = spec.min_interval;
  callback->on_loop = spec.on_loop;
  callback->one_process = spec.one_process;
  return impl_->engine.Add(std::move(callback));
}

Result<uint64_t> Sources::RegisterValue(ValueSpec spec) {
  Status status = CheckValue(spec);
  if (!status.ok()) return status;
  auto series = std::make_shared<ValueSeries>();
  status = AppendRenderedLabels(&series->labels, spec.labels.data(), spec.labels.size(),
                                &series->quoted_labels);
  if (!status.ok()) return status;
  series->type = spec.type;
  series->name = spec.name;
  series->help = spec.help;
  series->process_mode = spec.process_mode;
  auto callback = std::make_shared<Callback>();
  callback->name = spec.name;
  callback->cell = spec.read ? nullptr : spec.cell;
  callback->read = std::move(spec.read);
  callback->cell_type = spec.cell_type;
  callback->series = std::move(series);
  callback->release = std::move(spec.release);
  return impl_->engine.Add(std::move(callback));
}

Status Sources::Unregister(uint64_t id, Duration timeout) {
  return impl_->engine.Remove(id, timeout);
}

bool Sources::InsideCallback() const { return impl_->engine.InsideCallback(); }
bool Sources::RunPending(Duration max) { return impl_->engine.RunPending(max); }
bool Sources::AnyStuck() const { return impl_->engine.AnyStuck(); }

void Sources::Refuse(std::string_view reason, std::string_view family, const std::string& text) {
  impl_->origin.refusals->Refuse(reason, family, text);
}

void Sources::UseSet(SetLoop* set) { impl_->set.store(set, std::memory_order_release); }

std::unique_ptr<GatherRun> Sources::Start(GatherRequest request, std::function<void()> ready) {
  SetLoop* set = impl_->set.load(std::memory_order_acquire);
  if (set != nullptr && request.scope == GatherScope::kInstance) {
    return NewSetRun(*set, std::move(request), impl_->origin.refusals, std::move(ready));
  }
  const bool with_process = (request.sources & kGatherProcess) != 0 &&
                            impl_->process_metrics.load(std::memory_order_relaxed);
  auto run = std::make_unique<SourcesRun>(impl_->origin, std::move(request),
                                          impl_->self_metrics.load(std::memory_order_relaxed));
  run->Ask(std::move(ready), with_process ? impl_->process : nullptr);
  return run;
}

Status Sources::StartThreads() { return impl_->engine.StartThreads(); }
Status Sources::Stop(Duration timeout) { return impl_->engine.Stop(timeout); }

Status Sources::Park(Duration timeout) {
  Status status = impl_->engine.Park(timeout);
  // Merging runs on threads of the host.
  if (status.ok()) impl_->origin.refusals->LockForFork();
  return status;
}

Status Sources::Unpark() {
  impl_->origin.refusals->UnlockAfterFork();
  return impl_->engine.Unpark();
}

void Sources::AbandonAfterFork() {
  impl_->origin.refusals->UnlockAfterFork();
  impl_->engine.AbandonAfterFork();
}

}  // namespace promplug
