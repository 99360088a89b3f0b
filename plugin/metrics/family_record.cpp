// SPDX-License-Identifier: MIT
#include "metrics/family_record.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>

#include "base/text.hpp"
#include "metrics/names.hpp"

namespace promplug {
namespace {

class Writer {
 public:
  explicit Writer(std::string* out) : out_(*out) {}

  void Number(uint64_t n) { out_.append(reinterpret_cast<const char*>(&n), sizeof n); }
  void Text(std::string_view text) {
    Number(text.size());
    out_.append(text);
  }
  void Doubles(const std::vector<double>& values) {
    Number(values.size());
    for (const double v : values) Number(std::bit_cast<uint64_t>(v));
  }

 private:
  std::string& out_;
};

// After the first thing that is not there everything is empty, and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  uint64_t Number() {
    uint64_t n = 0;
    if (rest_.size() < sizeof n) return Fail();
    std::memcpy(&n, rest_.data(), sizeof n);
    rest_.remove_prefix(sizeof n);
    return n;
  }
  std::string Text() {
    const uint64_t size = Number();
    if (size > rest_.size()) return Fail(), std::string();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  std::vector<double> Doubles() {
    std::vector<double> values(Count(sizeof(double)));
    for (double& v : values) v = std::bit_cast<double>(Number());
    return values;
  }
  // A number of things that take at least so many bytes each.
  size_t Count(size_t least_bytes) {
    const uint64_t n = Number();
    return n <= rest_.size() / least_bytes ? n : Fail();
  }
  uint64_t Fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

bool AreTexts(const FamilyShape& shape) {
  return IsUtf8Name(shape.name) && IsValidUtf8(shape.help) && IsValidUtf8(shape.unit) &&
         shape.states.size() <= kMostStates &&
         std::all_of(shape.states.begin(), shape.states.end(),
                     [](const std::string& state) { return IsValidUtf8(state); });
}

bool AreNumbers(const FamilyShape& shape) {
  return AreBounds(shape.buckets) && AreQuantiles(shape.quantiles) &&
         shape.native.level <= kCoarsestLevel && shape.native.max_buckets <= kMostNativeBuckets &&
         shape.native.zero_threshold >= 0 && std::isfinite(shape.native.zero_threshold);
}

}  // namespace

FamilyRecord::Owner FamilyRecord::Make(const FamilyShape& shape, uint32_t words_per_cell,
                                       MetricMemory& memory) {
  const std::string bytes = memory.shared() ? EncodeShape(shape) : std::string();
  void* block = memory.Allocate(sizeof(FamilyRecord) + bytes.size(), alignof(FamilyRecord));
  if (block == nullptr) throw std::bad_alloc();
  Owner record(new (block) FamilyRecord, Delete{&memory});
  record->words_per_cell = words_per_cell;
  record->shape_bytes = static_cast<uint32_t>(bytes.size());
  std::memcpy(static_cast<void*>(record.get() + 1), bytes.data(), bytes.size());
  return record;
}

std::string EncodeShape(const FamilyShape& shape) {
  std::string out;
  Writer writer(&out);
  writer.Number(static_cast<uint64_t>(shape.type));
  writer.Number(static_cast<uint64_t>(shape.process_mode));
  writer.Number(shape.quoted_labels ? 1 : 0);
  writer.Number(shape.native.max_buckets);
  writer.Number(shape.native.level);
  writer.Number(std::bit_cast<uint64_t>(shape.native.zero_threshold));
  writer.Text(shape.name);
  writer.Text(shape.help);
  writer.Text(shape.unit);
  writer.Doubles(shape.buckets);
  writer.Doubles(shape.quantiles);
  writer.Number(shape.states.size());
  for (const std::string& state : shape.states) writer.Text(state);
  return out;
}

std::optional<FamilyShape> DecodeShape(std::string_view bytes) {
  Reader reader(bytes);
  FamilyShape shape;
  const uint64_t type = reader.Number();
  const uint64_t mode = reader.Number();
  const uint64_t quoted = reader.Number();
  shape.native.max_buckets = static_cast<uint32_t>(reader.Number());
  shape.native.level = static_cast<uint32_t>(reader.Number());
  shape.native.zero_threshold = std::bit_cast<double>(reader.Number());
  shape.name = reader.Text();
  shape.help = reader.Text();
  shape.unit = reader.Text();
  shape.buckets = reader.Doubles();
  shape.quantiles = reader.Doubles();
  const size_t states = reader.Count(sizeof(uint64_t));
  for (size_t i = 0; i < states; ++i) shape.states.push_back(reader.Text());
  const bool known = type >= static_cast<uint64_t>(MetricType::kCounter) &&
                     type <= static_cast<uint64_t>(MetricType::kGaugeHistogram) &&
                     mode <= static_cast<uint64_t>(ProcessMode::kPerWorker) && quoted <= 1;
  if (!reader.ok() || !known || !AreTexts(shape) || !AreNumbers(shape)) return std::nullopt;
  shape.type = static_cast<MetricType>(type);
  shape.process_mode = static_cast<ProcessMode>(mode);
  shape.quoted_labels = quoted != 0;
  return shape;
}

}  // namespace promplug
