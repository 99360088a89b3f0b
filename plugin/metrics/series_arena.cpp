// SPDX-License-Identifier: MIT
#include "metrics/series_arena.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace promplug {

namespace {

constexpr uint32_t kFirstChunkBytes = 512;
constexpr uint32_t kLargestChunkBytes = 256 * 1024;

}  // namespace

SeriesArena::~SeriesArena() {
  for (Chunk* chunk = record_.chunks.load(); chunk != nullptr;) {
    Chunk* next = chunk->next.load();
    memory_.Free(chunk, sizeof(Chunk) + chunk->capacity, alignof(Chunk));
    chunk = next;
  }
}

Chunk* SeriesArena::NewChunk(uint32_t capacity) {
  void* block = memory_.Allocate(sizeof(Chunk) + capacity, alignof(Chunk));
  if (block == nullptr) return nullptr;
  auto* chunk = new (block) Chunk;
  chunk->capacity = capacity;
  return chunk;
}

Series* SeriesArena::FromFreeList(uint32_t bytes) {
  const auto found = free_.find(bytes);
  if (found == free_.end() || found->second.empty()) return nullptr;
  Series* series = found->second.back();
  found->second.pop_back();
  std::memset(static_cast<void*>(series->cell()), 0, bytes - sizeof(Series));
  return series;
}

Series* SeriesArena::Allocate(Family* family, MetricType type, size_t cell_words,
                              size_t label_bytes) {
  const auto bytes =
      static_cast<uint32_t>((sizeof(Series) + cell_words * sizeof(Word) + label_bytes + 7) / 8 * 8);
  if (Series* series = FromFreeList(bytes)) return series;
  if (last_ == nullptr || last_->capacity - last_->used.load() < bytes) {
    const uint32_t grown = last_ == nullptr ? kFirstChunkBytes : last_->capacity * 2;
    Chunk* chunk = NewChunk(std::max(std::min(grown, kLargestChunkBytes), bytes));
    if (chunk == nullptr) return nullptr;
    (last_ == nullptr ? record_.chunks : last_->next).store(chunk, std::memory_order_release);
    last_ = chunk;
  }
  const uint32_t offset = last_->used.load(std::memory_order_relaxed);
  auto* series = new (last_->bytes() + offset) Series(family, type, bytes);
  series->route_.store(Series::kRemoved | Series::kDead, std::memory_order_relaxed);
  last_->used.store(offset + bytes, std::memory_order_release);
  return series;
}

void SeriesArena::Free(Series* series) { free_[series->entry_bytes_].push_back(series); }

SeriesArena::Walk SeriesArena::Begin() const {
  Walk walk;
  walk.chunk_ = record_.chunks.load(std::memory_order_acquire);
  return walk;
}

}  // namespace promplug
