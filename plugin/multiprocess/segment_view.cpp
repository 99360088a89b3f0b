// SPDX-License-Identifier: MIT
#include "multiprocess/segment_view.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>

#include "base/errno_text.hpp"

namespace promplug {

namespace {

// A page of any system that this runs on; what is aligned here is aligned there.
constexpr uint64_t kLeastPageBytes = 4096;

}  // namespace

Result<SegmentView::Mapping> SegmentView::Mapping::Make(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Status(Code::kIo, ErrnoText(errno));
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size < sizeof(SegmentHeader)) return Status(Code::kInvalid, "it is too short for a segment");
  void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return Status(Code::kIo, ErrnoText(errno));
  Mapping mapping(base, size);
  const SegmentHeader& header = mapping.header();
  if (std::memcmp(header.magic, kSegmentMagic, sizeof header.magic) != 0) {
    return Status(Code::kInvalid, "it does not begin like a segment");
  }
  if (header.layout != kSegmentLayout || header.header_bytes != sizeof(SegmentHeader)) {
    return Status(Code::kVersion, "it has the layout " + std::to_string(header.layout) +
                                      ", this plugin reads " + std::to_string(kSegmentLayout));
  }
  return mapping;
}

SegmentView::Mapping::~Mapping() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

Result<std::unique_ptr<SegmentView>> SegmentView::Map(int fd, Reopen reopen) {
  Result<Mapping> mapping = Mapping::Make(fd);
  if (!mapping.ok()) return mapping.status();
  std::unique_ptr<SegmentView> view(new SegmentView(std::move(mapping).value(), std::move(reopen)));
  if (view->owner_base_ % kLeastPageBytes != 0) {
    return Status(Code::kInvalid, "its owner has it at no page");
  }
  return view;
}

SegmentView::SegmentView(Mapping mapping, Reopen reopen)
    : mapping_(std::move(mapping)),
      reopen_(std::move(reopen)),
      owner_base_(mapping_.header().owner_base) {}

Status SegmentView::MapAgain() {
  const Result<OwnedFd> fd = reopen_();
  if (!fd.ok()) return fd.status();
  Result<Mapping> longer = Mapping::Make(fd.value().get());
  if (!longer.ok()) return longer.status();
  const SegmentHeader& header = longer.value().header();
  if (longer.value().size() > mapping_.size() && header.uuid == this->header().uuid) {
    mapping_ = std::move(longer).value();
  }
  return Status();
}

// A pointer that was read before this leads into the memory, since the owner makes the file longer
// before it hands out what is new. The length that the file tells is believed only as far as it
// reaches.
Status SegmentView::UpdateMemory() {
  const uint64_t bytes = header().bytes.load(std::memory_order_acquire);
  if (bytes > mapping_.size() && reopen_) {
    Status status = MapAgain();
    if (status.code() == Code::kIo) return status;
  }
  memory_ = ForeignMemory(mapping_.base(), std::min(mapping_.size(), bytes), owner_base_);
  return Status();
}

Status SegmentView::FindNewFamilies() {
  const FamilyRecord* newest = header().families.load(std::memory_order_acquire);
  Status status = UpdateMemory();
  if (!status.ok() || (newest != nullptr && memory_.At(newest) == nullptr)) return status;
  std::vector<std::unique_ptr<KnownFamily>> found;
  for (const FamilyRecord* at = newest; at != newest_ && at != nullptr;) {
    const FamilyRecord* record = memory_.At(at);
    if (record == nullptr) break;
    const uint32_t shape_bytes = record->shape_bytes;
    const size_t bytes = sizeof(FamilyRecord) + shape_bytes;
    const bool whole = memory_.At(at, bytes) != nullptr;
    // Records that are more than the file has bytes for go round.
    family_bytes_ += whole ? bytes : sizeof(FamilyRecord);
    if (family_bytes_ > memory_.size()) break;
    std::optional<FamilyShape> shape =
        whole ? DecodeShape({record->shape(), shape_bytes}) : std::nullopt;
    if (shape.has_value() && SegmentPoints::Fits(*shape, record->words_per_cell)) {
      auto family = std::make_unique<KnownFamily>();
      family->record = at;
      family->shape = std::move(*shape);
      family->states.assign(family->shape.states.begin(), family->shape.states.end());
      found.push_back(std::move(family));
    }
    at = record->next.load(std::memory_order_relaxed);
  }
  newest_ = newest;
  families_.insert(families_.end(), std::make_move_iterator(found.rbegin()),
                   std::make_move_iterator(found.rend()));
  return status;
}

// All of them before the memory is to hold what they lead to.
Status SegmentView::FindLists() {
  std::vector<SegmentLists> newest;
  newest.reserve(families_.size());
  for (const std::unique_ptr<KnownFamily>& family : families_) {
    const FamilyRecord* record = memory_.At(family->record);
    newest.emplace_back();
    if (record == nullptr) continue;
    newest.back() = {record->exemplars.load(std::memory_order_acquire),
                     record->host_cells.load(std::memory_order_acquire)};
  }
  Status status = UpdateMemory();
  for (size_t i = 0; i < families_.size(); ++i) {
    SegmentLists& lists = families_[i]->lists;
    if (memory_.At(newest[i].exemplars) != nullptr) lists.exemplars = newest[i].exemplars;
    if (memory_.At(newest[i].host_cells) != nullptr) lists.host_cells = newest[i].host_cells;
  }
  return status;
}

Status SegmentView::ForEach(TimePoint now, const Use& use) {
  Status status = FindNewFamilies();
  if (status.ok()) status = FindLists();
  if (!status.ok()) return status;
  LimitedMemory memory(memory_);
  for (const std::unique_ptr<KnownFamily>& family : families_) {
    const FamilyRecord* record = memory.Look(family->record);
    if (record == nullptr) continue;
    const FamilyShape& shape = family->shape;
    PartHead head;
    head.head = {shape.type, shape.name,         shape.help,
                 shape.unit, shape.process_mode, shape.quoted_labels};
    head.native_max_buckets = shape.native.max_buckets;
    SegmentPoints points(&memory, *record, family->lists, shape, family->states, now);
    use(head, &points);
  }
  return status;
}

}  // namespace promplug
