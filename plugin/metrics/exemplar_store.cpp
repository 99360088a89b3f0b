// SPDX-License-Identifier: MIT
#include "metrics/exemplar_store.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "metrics/labels.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxCharacters = 128;
constexpr size_t kTextStep = 64;

class NodeChange {
 public:
  explicit NodeChange(ExemplarNode* node) : node_(*node) {
    node_.version.fetch_add(1, std::memory_order_acq_rel);
  }
  ~NodeChange() { node_.version.fetch_add(1, std::memory_order_release); }
  NodeChange(const NodeChange&) = delete;
  NodeChange& operator=(const NodeChange&) = delete;

 private:
  ExemplarNode& node_;
};

size_t CountCharacters(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

bool IsGoodExemplar(std::string_view rendered_labels) {
  size_t characters = 0;
  std::string plain;
  for (LabelReader reader(rendered_labels); reader.Next();) {
    plain.clear();
    AppendUnescapedLabelValue(&plain, reader.escaped_value());
    if (reader.is_quoted()) return false;
    characters += reader.escaped_name().size() + CountCharacters(plain);
  }
  return characters > 0 && characters <= kMaxCharacters;
}

ExemplarStore::~ExemplarStore() {
  for (ExemplarNode* node = record_.exemplars.load(); node != nullptr;) {
    ExemplarNode* next = node->next;
    memory_.Free(node, sizeof(ExemplarNode) + node->capacity, alignof(ExemplarNode));
    node = next;
  }
}

ExemplarNode* ExemplarStore::NewNode(size_t text_bytes) {
  const auto fits =
      std::find_if(free_.begin(), free_.end(),
                   [text_bytes](const ExemplarNode* node) { return node->capacity >= text_bytes; });
  if (fits != free_.end()) {
    ExemplarNode* node = *fits;
    free_.erase(fits);
    return node;
  }
  const size_t capacity = (text_bytes + kTextStep - 1) / kTextStep * kTextStep;
  // So that every node can be given back without memory.
  free_.reserve(n_nodes_ + 1);
  void* block = memory_.Allocate(sizeof(ExemplarNode) + capacity, alignof(ExemplarNode));
  if (block == nullptr) throw std::bad_alloc();
  auto* node = new (block) ExemplarNode;
  node->capacity = static_cast<uint32_t>(capacity);
  node->next = record_.exemplars.load(std::memory_order_relaxed);
  record_.exemplars.store(node, std::memory_order_release);
  ++n_nodes_;
  return node;
}

ExemplarNode* ExemplarStore::Place(const Series* series, uint32_t bucket,
                                   size_t text_bytes) noexcept {
  try {
    return PlaceIn(&rows_[series], series, bucket, text_bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

ExemplarNode* ExemplarStore::PlaceIn(std::vector<ExemplarNode*>* into, const Series* series,
                                     uint32_t bucket, size_t text_bytes) {
  std::vector<ExemplarNode*>& row = *into;
  const auto at = std::lower_bound(row.begin(), row.end(), bucket,
                                   [](const ExemplarNode* node, uint32_t wanted) {
                                     return node->bucket.load(std::memory_order_relaxed) < wanted;
                                   });
  const bool there = at != row.end() && (*at)->bucket.load(std::memory_order_relaxed) == bucket;
  if (there && (*at)->capacity >= text_bytes) return *at;
  const auto place = at - row.begin();
  // Before the node is made, which nobody would know if there was no room for it.
  if (!there) row.reserve(row.size() + 1);
  ExemplarNode* node = NewNode(text_bytes);
  if (there) {
    Release(std::exchange(row[static_cast<size_t>(place)], node));
  } else {
    row.insert(row.begin() + place, node);
  }
  const NodeChange change(node);
  node->length.store(0, std::memory_order_relaxed);
  node->bucket.store(bucket, std::memory_order_relaxed);
  node->series.store(series, std::memory_order_relaxed);
  return node;
}

void ExemplarStore::Write(ExemplarNode* node, double value, int64_t unix_ms,
                          std::string_view labels) {
  const NodeChange change(node);
  node->value_bits.store(std::bit_cast<uint64_t>(value), std::memory_order_relaxed);
  node->unix_ms.store(unix_ms, std::memory_order_relaxed);
  std::memcpy(node->text(), labels.data(), labels.size());
  node->length.store(static_cast<uint32_t>(labels.size()), std::memory_order_relaxed);
}

void ExemplarStore::Release(ExemplarNode* node) {
  const NodeChange change(node);
  node->series.store(nullptr, std::memory_order_relaxed);
  free_.push_back(node);
}

void ExemplarStore::Forget(const Series* series) {
  const auto found = rows_.find(series);
  if (found == rows_.end()) return;
  for (ExemplarNode* node : found->second) Release(node);
  rows_.erase(found);
}

void ExemplarStore::ForgetAll() {
  for (auto& [series, row] : rows_) {
    for (ExemplarNode* node : row) Release(node);
  }
  rows_.clear();
}

const std::vector<ExemplarNode*>* ExemplarStore::Find(const Series* series) const {
  const auto found = rows_.find(series);
  return found == rows_.end() ? nullptr : &found->second;
}

}  // namespace promplug
