// SPDX-License-Identifier: MIT
#include "multiprocess/segment_view.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/errno_text.hpp"
#include "multiprocess/segment_points.hpp"

namespace promplug {

Result<std::unique_ptr<SegmentView>> SegmentView::Map(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Status(Code::kIo, ErrnoText(errno));
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size < sizeof(SegmentHeader)) return Status(Code::kInvalid, "it is too short for a segment");
  void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return Status(Code::kIo, ErrnoText(errno));
  std::unique_ptr<SegmentView> view(new SegmentView(base, size));
  const SegmentHeader& header = view->header();
  if (std::memcmp(header.magic, kSegmentMagic, sizeof header.magic) != 0) {
    return Status(Code::kInvalid, "it does not begin like a segment");
  }
  if (header.layout != kSegmentLayout || header.header_bytes != sizeof(SegmentHeader)) {
    return Status(Code::kVersion, "it has the layout " + std::to_string(header.layout) +
                                      ", this plugin reads " + std::to_string(kSegmentLayout));
  }
  return view;
}

SegmentView::~SegmentView() { ::munmap(const_cast<void*>(base_), size_); }

ForeignMemory SegmentView::memory() const {
  const uint64_t bytes = header().bytes.load(std::memory_order_acquire);
  return ForeignMemory(base_, std::min(size_, bytes), header().owner_base);
}

void SegmentView::FindNewFamilies(const ForeignMemory& memory) {
  const FamilyRecord* newest = header().families.load(std::memory_order_acquire);
  std::vector<std::unique_ptr<KnownFamily>> found;
  for (const FamilyRecord* at = newest; at != newest_ && at != nullptr;) {
    const FamilyRecord* record = memory.At(at);
    // A list that is longer than the file has bytes for goes round.
    if (record == nullptr || found.size() > size_ / sizeof(FamilyRecord)) break;
    auto family = std::make_unique<KnownFamily>();
    family->record = record;
    if (memory.At(at, record->bytes()) != nullptr) {
      std::optional<FamilyShape> shape = DecodeShape({record->shape(), record->shape_bytes});
      if (shape.has_value() && SegmentPoints::Fits(*shape, record->words_per_cell)) {
        family->shape = std::move(*shape);
        family->states.assign(family->shape.states.begin(), family->shape.states.end());
        family->good = true;
      }
    }
    found.push_back(std::move(family));
    at = record->next.load(std::memory_order_relaxed);
  }
  newest_ = newest;
  families_.insert(families_.end(), std::make_move_iterator(found.rbegin()),
                   std::make_move_iterator(found.rend()));
}

void SegmentView::ForEach(TimePoint now, const Use& use) {
  const ForeignMemory memory = this->memory();
  FindNewFamilies(memory);
  for (const std::unique_ptr<KnownFamily>& family : families_) {
    if (!family->good) continue;
    const FamilyShape& shape = family->shape;
    PartHead head;
    head.head = {shape.type, shape.name,         shape.help,
                 shape.unit, shape.process_mode, shape.quoted_labels};
    head.native_max_buckets = shape.native.max_buckets;
    SegmentPoints points(memory, *family->record, shape, family->states, now);
    use(head, &points);
  }
}

}  // namespace promplug
