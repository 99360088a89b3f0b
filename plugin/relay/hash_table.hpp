// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace promplug {

// A set of words that are hashes already. At most 15 bytes a word, also while it grows. Used by one
// thread.
class WordTable {
 public:
  // Two words are the same where they agree in the bits of `identity`, which has the upper 56.
  explicit WordTable(uint64_t identity) : identity_(identity) {}

  // nullptr: not there. Valid until the next Insert() or Clear(); the bits outside of `identity`
  // may be changed through it.
  // REQUIRES of both: word & identity is not 0
  uint64_t* Find(uint64_t word);
  // False: it was there already, and is left as it was.
  bool Insert(uint64_t word);

  // Keeps a little memory, so that small sets cost no allocation.
  void Clear();

 private:
  struct Shard {
    std::vector<uint64_t> slots;  // 0: free
    size_t used = 0;
  };

  Shard& ShardOf(uint64_t word) { return shards_[(word >> 8) % kShards]; }
  // The slot that has the word, or the free one where it belongs.
  uint64_t* SlotOf(Shard& shard, uint64_t word) const;
  void Grow(Shard& shard) const;

  // Shards grow one at a time, so that old and new slots together are never much more than one.
  static constexpr size_t kShards = 16;

  const uint64_t identity_;
  std::array<Shard, kShards> shards_;
};

// The series of one family, as hashes. Most families are small: those need no table.
class SeenSeries {
 public:
  // False: it was there already.
  bool Insert(uint64_t hash);
  void Clear();

 private:
  bool InsertIntoMany(uint64_t hash);

  std::array<uint64_t, 16> few_{};
  size_t few_count_ = 0;
  bool is_many_ = false;  // many_ has them all
  WordTable many_{~uint64_t{0}};
};

}  // namespace promplug
