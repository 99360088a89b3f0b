// SPDX-License-Identifier: MIT
#include "metrics/sketch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <new>

#include "metrics/foreign_memory.hpp"

namespace promplug {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <typename T>
void Set(std::atomic<T>& word, T value) {
  word.store(value, std::memory_order_relaxed);
}

// Readers in other processes look again where it was odd, or is another one behind.
class Change {
 public:
  explicit Change(SketchPages* pages) : pages_(*pages) {
    pages_.version.fetch_add(1, std::memory_order_acq_rel);
  }
  ~Change() { pages_.version.fetch_add(1, std::memory_order_release); }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

 private:
  SketchPages& pages_;
};

int64_t Nanoseconds(TimePoint t) { return t.time_since_epoch().count(); }

}  // namespace

Sketch* Sketch::Make(Duration window, TimePoint now, MetricMemory& memory) {
  void* block = memory.Allocate(sizeof(SketchPages), alignof(SketchPages));
  if (block == nullptr) return nullptr;
  auto* pages = new (block) SketchPages;
  const Duration slice =
      std::max<Duration>(window / SketchPages::kSlices, std::chrono::milliseconds(1));
  Set(pages->slice_nanoseconds, int64_t{slice.count()});
  Set(pages->current_ends, Nanoseconds(now + slice));
  auto* sketch = new (std::nothrow) Sketch(pages, memory);
  if (sketch == nullptr) {
    memory.Free(pages, sizeof(SketchPages), alignof(SketchPages));
    return nullptr;
  }
  // For the first observation, which does not wait for memory.
  void* page = memory.Allocate(sizeof(SketchPage), alignof(SketchPage));
  if (page != nullptr) sketch->free_ = new (page) SketchPage;
  return sketch;
}

Sketch::~Sketch() {
  if (pages_ == nullptr) return;
  for (uint32_t i = 0; i < SketchPages::kSlices; ++i) Clear(i);
  while (free_ != nullptr) {
    SketchPage* next = free_->next.load(std::memory_order_relaxed);
    memory_.Free(free_, sizeof(SketchPage), alignof(SketchPage));
    free_ = next;
  }
  memory_.Free(pages_, sizeof(SketchPages), alignof(SketchPages));
}

void Sketch::Clear(uint32_t slice) {
  SketchPage* page = pages_->slices[slice].exchange(nullptr, std::memory_order_relaxed);
  while (page != nullptr) {
    SketchPage* next = page->next.load(std::memory_order_relaxed);
    page->next.store(free_, std::memory_order_relaxed);
    free_ = page;
    page = next;
  }
}

void Sketch::MoveOn(TimePoint now) {
  const uint32_t expired = pages_->Expired(Nanoseconds(now));
  if (expired == 0) return;
  const int64_t length = pages_->slice_nanoseconds.load(std::memory_order_relaxed);
  uint32_t current = pages_->current.load(std::memory_order_relaxed);
  for (uint32_t i = 0; i < expired; ++i) {
    current = (current + 1) % SketchPages::kSlices;
    Clear(current);
  }
  const int64_t ends = pages_->current_ends.load(std::memory_order_relaxed) + expired * length;
  const int64_t at = Nanoseconds(now);
  Set(pages_->current, current);
  Set(pages_->current_ends, ends > at ? ends : at + length);
}

SketchPage* Sketch::NewPage(int64_t number) {
  SketchPage* page = free_;
  if (page != nullptr) {
    free_ = page->next.load(std::memory_order_relaxed);
    for (std::atomic<uint64_t>& count : page->counts) Set(count, uint64_t{0});
  } else {
    void* block = memory_.TryAllocate(sizeof(SketchPage), alignof(SketchPage));
    if (block == nullptr) return nullptr;
    page = new (block) SketchPage;
  }
  Set(page->number, number);
  return page;
}

SketchPage* Sketch::PageFor(int64_t number) {
  std::atomic<SketchPage*>* at = &pages_->slices[pages_->current.load(std::memory_order_relaxed)];
  SketchPage* page = at->load(std::memory_order_relaxed);
  while (page != nullptr && page->number.load(std::memory_order_relaxed) < number) {
    at = &page->next;
    page = at->load(std::memory_order_relaxed);
  }
  if (page != nullptr && page->number.load(std::memory_order_relaxed) == number) return page;
  SketchPage* made = NewPage(number);
  if (made == nullptr) return nullptr;
  Set(made->next, page);
  at->store(made, std::memory_order_release);
  return made;
}

void Sketch::Observe(double value, TimePoint now) {
  const int64_t bucket = SketchBucketOf(value);
  std::lock_guard lock(mutex_);
  const Change change(pages_);
  MoveOn(now);
  const double sum = std::bit_cast<double>(pages_->sum_bits.load(std::memory_order_relaxed));
  Set(pages_->sum_bits, std::bit_cast<uint64_t>(sum + value));
  Set(pages_->count, pages_->count.load(std::memory_order_relaxed) + 1);
  SketchPage* page = PageFor(SketchPage::NumberOf(bucket));
  if (page == nullptr) return;
  page->counts[bucket & (SketchPage::kBuckets - 1)].fetch_add(1, std::memory_order_relaxed);
}

Sketch::Totals Sketch::Read(const double* quantiles, size_t n, double* values, TimePoint now) {
  std::lock_guard lock(mutex_);
  const OwnMemory own;
  uint64_t in_window = 0;
  pages_->ForEach(own, now, [&](int64_t, uint64_t count) { in_window += count; });
  for (size_t q = 0; q < n; ++q) {
    const double rank = std::ceil(quantiles[q] * static_cast<double>(in_window));
    uint64_t left = std::max<uint64_t>(1, static_cast<uint64_t>(rank));
    values[q] = kNaN;
    pages_->ForEach(own, now, [&](int64_t bucket, uint64_t count) {
      if (left != 0 && count >= left) values[q] = SketchValueOf(bucket);
      left -= std::min(left, count);
    });
  }
  return {pages_->count.load(std::memory_order_relaxed),
          std::bit_cast<double>(pages_->sum_bits.load(std::memory_order_relaxed))};
}

void Sketch::Reset(TimePoint now) {
  std::lock_guard lock(mutex_);
  const Change change(pages_);
  for (uint32_t i = 0; i < SketchPages::kSlices; ++i) Clear(i);
  const int64_t length = pages_->slice_nanoseconds.load(std::memory_order_relaxed);
  Set(pages_->current_ends, Nanoseconds(now) + length);
  Set(pages_->count, uint64_t{0});
  Set(pages_->sum_bits, uint64_t{0});
}

}  // namespace promplug
