// SPDX-License-Identifier: MIT
#include "metrics/hash_seed.hpp"

#include <random>

namespace promplug {

uint64_t RandomSeed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

uint64_t ProcessSeed() {
  static const uint64_t seed = RandomSeed();
  return seed;
}

}  // namespace promplug
