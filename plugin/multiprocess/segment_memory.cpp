// SPDX-License-Identifier: MIT
#include "multiprocess/segment_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/errno_text.hpp"

namespace promplug {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kFirstBytes = uint64_t{64} * 1024;
constexpr uint64_t kLargestStep = uint64_t{4} * 1024 * 1024;
// What is kept free for updates, at least and at most.
constexpr uint64_t kLeastRoom = uint64_t{16} * 1024;
constexpr uint64_t kMostRoom = uint64_t{1024} * 1024;

constexpr uint64_t RoundUp(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }

// Sizes of one kind share their free blocks whatever their alignment is.
constexpr uint64_t RoundedSize(uint64_t n, size_t alignment) {
  return RoundUp(n, std::max<size_t>(alignment, 16));
}

// Beyond the end of the file there is nothing yet, which is why the whole of it can be mapped.
void* MapFile(void* at, uint64_t bytes, int fd) {
  const int fixed = at != nullptr ? MAP_FIXED : 0;
  void* base = ::mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | fixed, fd, 0);
  return base == MAP_FAILED ? nullptr : base;
}

}  // namespace

Result<std::unique_ptr<SegmentMemory>> SegmentMemory::Create(const SetDirectory& directory,
                                                             uint64_t max_bytes,
                                                             const Clock& clock) {
  max_bytes = std::max(RoundUp(max_bytes, kPageBytes), kFirstBytes);
  Result<SetDirectory::NewSegment> made = directory.CreateSegment(kFirstBytes);
  if (!made.ok()) return made.status();
  void* base = MapFile(nullptr, max_bytes, made.value().fd.get());
  if (base == nullptr) {
    return Status(Code::kIo, "no address space for a segment of at most " +
                                 std::to_string(max_bytes) + " bytes: " + ErrnoText(errno));
  }
  std::unique_ptr<SegmentMemory> memory(
      new SegmentMemory(base, max_bytes, std::move(made.value().fd), clock));
  memory->InitializeHeader(made.value().uuid);
  return memory;
}

SegmentMemory::SegmentMemory(void* base, uint64_t max_bytes, OwnedFd fd, const Clock& clock)
    : base_(base),
      max_bytes_(max_bytes),
      clock_(clock),
      fd_(std::move(fd)),
      used_(RoundUp(sizeof(SegmentHeader), kPageBytes / 8)) {}

SegmentMemory::~SegmentMemory() { ::munmap(base_, max_bytes_); }

void SegmentMemory::InitializeHeader(const Uuid& uuid) {
  auto* header = new (base_) SegmentHeader;
  std::memcpy(header->magic, kSegmentMagic, sizeof header->magic);
  header->layout = kSegmentLayout;
  header->header_bytes = sizeof(SegmentHeader);
  header->uuid = uuid;
  header->owner_base = reinterpret_cast<uintptr_t>(base_);
  header->created_unix_ms = clock_.UnixMillis();
  header->phase.store(static_cast<uint32_t>(SegmentPhase::kCreated), std::memory_order_relaxed);
  header->bytes.store(kFirstBytes, std::memory_order_release);
}

bool SegmentMemory::GrowLocked(uint64_t wanted) noexcept {
  const uint64_t bytes = header()->bytes.load(std::memory_order_relaxed);
  if (wanted <= bytes) return true;
  if (wanted > max_bytes_ || fd_.get() < 0) return false;
  const uint64_t step = std::clamp(bytes / 2, kFirstBytes, kLargestStep);
  const uint64_t least = RoundUp(wanted, kPageBytes);
  const uint64_t most = std::min(std::max(least, RoundUp(bytes + step, kPageBytes)), max_bytes_);
  try {
    const Result<uint64_t> grown = SetDirectory::Grow(fd_.get(), least, most);
    if (!grown.ok()) return false;
    header()->bytes.store(std::min(grown.value(), max_bytes_), std::memory_order_release);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void* SegmentMemory::FreeBlockLocked(size_t size, size_t alignment) noexcept {
  const auto found = free_.find(size);
  if (found == free_.end()) return nullptr;
  auto& blocks = found->second;
  const auto fits = std::find_if(blocks.rbegin(), blocks.rend(), [alignment](const void* block) {
    return reinterpret_cast<uintptr_t>(block) % alignment == 0;
  });
  if (fits == blocks.rend()) return nullptr;
  void* block = *fits;
  blocks.erase(std::next(fits).base());
  std::memset(block, 0, size);
  return block;
}

void* SegmentMemory::Allocate(size_t bytes, size_t alignment) noexcept {
  const size_t size = RoundedSize(bytes, alignment);
  std::lock_guard lock(mutex_);
  if (void* block = FreeBlockLocked(size, alignment)) return block;
  const uint64_t offset = RoundedSize(used_, alignment);
  if (!GrowLocked(offset + size)) {
    shortage_ = true;
    return nullptr;
  }
  used_ = offset + size;
  return static_cast<char*>(base_) + offset;
}

void* SegmentMemory::TryAllocate(size_t bytes, size_t alignment) noexcept {
  const size_t size = RoundedSize(bytes, alignment);
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return nullptr;
  tried_ = true;
  if (void* block = FreeBlockLocked(size, alignment)) return block;
  const uint64_t offset = RoundedSize(used_, alignment);
  if (offset + size > header()->bytes.load(std::memory_order_relaxed)) {
    starved_ = true;
    return nullptr;
  }
  used_ = offset + size;
  return static_cast<char*>(base_) + offset;
}

void SegmentMemory::MakeRoom() noexcept {
  std::lock_guard lock(mutex_);
  if (!std::exchange(tried_, false)) return;
  const bool starved = std::exchange(starved_, false);
  const uint64_t bytes = header()->bytes.load(std::memory_order_relaxed);
  if (bytes - used_ >= std::clamp(bytes / 4, kLeastRoom, kMostRoom)) return;
  if (!GrowLocked(bytes + 1) && starved) shortage_ = true;
}

void SegmentMemory::Free(void* block, size_t bytes, size_t alignment) noexcept {
  if (block == nullptr) return;
  const size_t size = RoundedSize(bytes, alignment);
  std::lock_guard lock(mutex_);
  try {
    free_[size].push_back(block);
  } catch (const std::bad_alloc&) {
    // The block is lost; the file ends with the process.
  }
}

void SegmentMemory::Publish(FamilyRecord* record) {
  std::lock_guard lock(mutex_);
  record->next.store(header()->families.load(std::memory_order_relaxed), std::memory_order_relaxed);
  header()->families.store(record, std::memory_order_release);
}

uint64_t SegmentMemory::used_bytes() const {
  std::lock_guard lock(mutex_);
  return used_;
}

bool SegmentMemory::TakeShortage() {
  std::lock_guard lock(mutex_);
  return std::exchange(shortage_, false);
}

Status SegmentMemory::LockForFork() {
  mutex_.lock();
  try {
    const char* begin = static_cast<const char*>(base_);
    copy_.assign(begin, begin + used_);
    return Status();
  } catch (const std::bad_alloc&) {
    mutex_.unlock();
    return Status(Code::kNoMemory, {});
  }
}

void SegmentMemory::UnlockAfterFork() {
  copy_ = std::vector<char>();
  mutex_.unlock();
}

Status SegmentMemory::MoveAfterFork(const SetDirectory& directory) {
  const uint64_t bytes = RoundUp(std::max<uint64_t>(copy_.size(), kFirstBytes), kPageBytes);
  Result<SetDirectory::NewSegment> made = directory.CreateSegment(bytes);
  Status status = made.status();
  if (status.ok() && MapFile(base_, max_bytes_, made.value().fd.get()) == nullptr) {
    status = Status(Code::kIo, "no mapping of a new segment: " + ErrnoText(errno));
  }
  if (!status.ok()) {
    // Nothing that is there is unmapped before the new mapping stands, so this can fail only by a
    // lack of memory for page tables; then the child goes on counting into its parent's file.
    void* own = ::mmap(base_, max_bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (own == MAP_FAILED) return Status(Code::kNoMemory, status.text());
    std::memcpy(base_, copy_.data(), copy_.size());
    header()->bytes.store(max_bytes_, std::memory_order_relaxed);
    fd_.Reset();
    return status;
  }
  std::memcpy(base_, copy_.data(), copy_.size());
  FamilyRecord* families = header()->families.load(std::memory_order_relaxed);
  InitializeHeader(made.value().uuid);
  header()->families.store(families, std::memory_order_release);
  header()->bytes.store(bytes, std::memory_order_release);
  fd_ = std::move(made.value().fd);
  return status;
}

}  // namespace promplug
