// SPDX-License-Identifier: MIT
#include "gather/set_run.hpp"

#include <utility>
#include <vector>

#include "gather/merge.hpp"

namespace promplug {
namespace {

uint32_t SourceOf(PartKind kind) {
  switch (kind) {
    case PartKind::kInstruments:
      return kGatherInstruments;
    case PartKind::kCollectors:
      return kGatherCollectors;
    case PartKind::kProcess:
      return kGatherProcess;
    case PartKind::kSelf:
      return kGatherSelf;
  }
  return 0;
}

std::string_view NameOf(PartKind kind) {
  switch (kind) {
    case PartKind::kInstruments:
      return "instruments";
    case PartKind::kCollectors:
      return "collectors";
    case PartKind::kProcess:
      return "process";
    case PartKind::kSelf:
      return "self metrics";
  }
  return {};
}

class SetRun final : public GatherRun {
 public:
  SetRun(SetLoop& set, GatherRequest request, std::shared_ptr<Refusals> refusals,
         std::function<void()> ready)
      : sources_(request.sources),
        filter_(std::move(request.names)),
        refusals_(std::move(refusals)),
        answer_(set.Ask(std::move(ready))) {}
  ~SetRun() override { answer_->Cancel(); }
  SetRun(const SetRun&) = delete;
  SetRun& operator=(const SetRun&) = delete;

  bool Ready() const override { return answer_->Ready(); }
  void Wait() override { answer_->Wait(); }

  Gathering Take() override {
    const std::shared_ptr<const SetMerge> view = answer_->view();
    if (view == nullptr) {
      Gathering nothing;
      nothing.status = Status(Code::kIo, "the processes of the set cannot be read");
      return nothing;
    }
    Gathering gathering = Merge(Families(*view), filter_, refusals_);
    gathering.keep_alive.push_back(view);
    return gathering;
  }

 private:
  // In the order of precedence of one process.
  std::vector<SourceFamily> Families(const SetMerge& view) const {
    std::vector<SourceFamily> families;
    for (const PartKind kind :
         {PartKind::kInstruments, PartKind::kCollectors, PartKind::kProcess, PartKind::kSelf}) {
      if ((sources_ & SourceOf(kind)) == 0) continue;
      for (size_t i = 0; i < view.n_families(); ++i) {
        const PartHead& head = view.Head(i);
        if (head.kind != kind) continue;
        families.push_back({head.head, NameOf(kind), [&view, i] { return view.Read(i); }});
      }
    }
    return families;
  }

  const uint32_t sources_;
  const NameFilter filter_;
  const std::shared_ptr<Refusals> refusals_;
  const std::shared_ptr<SetAnswer> answer_;
};

}  // namespace

std::unique_ptr<GatherRun> NewSetRun(SetLoop& set, GatherRequest request,
                                     std::shared_ptr<Refusals> refusals,
                                     std::function<void()> ready) {
  return std::make_unique<SetRun>(set, std::move(request), std::move(refusals), std::move(ready));
}

}  // namespace promplug
