// SPDX-License-Identifier: MIT
#include "exposition/shortest_fraction.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "exposition/digits.hpp"

namespace promplug {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr int kMantissaBits = 52;
constexpr uint64_t kHiddenBit = uint64_t{1} << kMantissaBits;
constexpr int kExponentBias = 1023 + kMantissaBits;
constexpr size_t kDigits = 16;

// How doubles are scaled that are c * 2^q with 2^52 <= c < 2^53, by their q. The step from one to
// the next is 2^q.
struct Scale {
  // c << shift, less what is carried out of it, is the fraction in units of 2^-64; where the step
  // is smaller than that, in steps. Times `power` it is in units of 2^-64 * 10^-decimals.
  uint64_t power;
  uint64_t half_step;   // in the same units
  uint64_t to_sixteen;  // makes `decimals` decimals 16, where they are fewer
  uint8_t shift;
  uint8_t decimals;       // the most for which a unit of the last is more than a step
  uint8_t leading_zeros;  // what is before the last 16 decimals; these are zeros
};

constexpr int kMinQ = -66;
constexpr int kMaxQ = -1;

constexpr Scale ScaleOf(int q) {
  Scale scale{};
  uint64_t ten_to_decimals = 1;
  while ((Uint128{ten_to_decimals} * 10) >> -q == 0) {
    ten_to_decimals *= 10;
    ++scale.decimals;
  }
  const int shift = 64 + q;
  scale.shift = static_cast<uint8_t>(shift > 0 ? shift : 0);
  // Nothing but zeros is shifted out.
  scale.power = shift > 0 ? ten_to_decimals : ten_to_decimals >> -shift;
  scale.half_step = shift > 0 ? ten_to_decimals << (shift - 1) : ten_to_decimals >> (1 - shift);
  scale.to_sixteen = 1;
  for (size_t i = scale.decimals; i < kDigits; ++i) scale.to_sixteen *= 10;
  for (size_t i = kDigits; i < scale.decimals; ++i) ++scale.leading_zeros;
  return scale;
}

constexpr auto kScales = [] {
  std::array<Scale, kMaxQ - kMinQ + 1> scales{};
  for (int q = kMinQ; q <= kMaxQ; ++q) scales[static_cast<size_t>(q - kMinQ)] = ScaleOf(q);
  return scales;
}();

// In tenths of 2^64; of two that are as near the even one.
uint64_t NearestTenth(uint64_t v) {
  constexpr uint64_t kHalf = uint64_t{1} << 63;
  const Uint128 ten_times = Uint128{v} * 10;
  const auto tenth = static_cast<uint64_t>(ten_times >> 64);
  return tenth + static_cast<uint64_t>(static_cast<uint64_t>(ten_times) > kHalf - (tenth & 1));
}

}  // namespace

char* WriteShortestFraction(char* out, double magnitude) {
  const auto bits = std::bit_cast<uint64_t>(magnitude);
  const uint64_t c = kHiddenBit | (bits & (kHiddenBit - 1));
  const Scale& scale = kScales[(bits >> kMantissaBits) - (kExponentBias + kMinQ)];

  // All exact: the decimals as a whole number, and what is behind them in units of 2^-64.
  const Uint128 scaled = Uint128{c << scale.shift} * scale.power;
  auto decimals = static_cast<uint64_t>(scaled >> 64);
  const auto rest = static_cast<uint64_t>(scaled);
  // What reads back as c is up to half a step away, this half itself included where c is even.
  // Below a power of two it is a quarter; but one that has a fraction is itself written in fewer
  // decimals than that needs.
  const uint64_t reach = scale.half_step - (c & 1);
  const bool below = rest <= reach;
  const bool above = -rest <= reach;
  decimals += static_cast<uint64_t>(above & !below);

  static_assert(kScales[0].leading_zeros == 3);
  std::memcpy(out, "000", 4);
  char* const sixteen = out + scale.leading_zeros;
  const size_t used = digits::WriteSixteen(sixteen, decimals * scale.to_sixteen);
  if (below || above) return sixteen + used;
  // The nearest number with one decimal more is near enough: its unit is less than a step.
  out[scale.decimals] = static_cast<char>('0' + NearestTenth(rest));
  return out + scale.decimals + 1;
}

}  // namespace promplug
