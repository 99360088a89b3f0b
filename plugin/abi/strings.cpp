// SPDX-License-Identifier: MIT
#include "abi/strings.hpp"

namespace promplug::abi {
namespace {

Status CheckArray(const void* array, size_t n) {
  if (n > kMaxLabels) return Status(Code::kInvalid, "more than 64 labels");
  if (array == nullptr && n > 0) return Status(Code::kInvalid, "the array of labels is NULL");
  return Status();
}

}  // namespace

Status ReadViews(const promplug_str* from, size_t n, std::string_view* out) {
  Status status = CheckArray(from, n);
  if (!status.ok()) return status;
  for (size_t i = 0; i < n; ++i) out[i] = View(from[i]);
  return status;
}

Status ReadLabels(const promplug_kv* from, size_t n, Label* out) {
  Status status = CheckArray(from, n);
  if (!status.ok()) return status;
  for (size_t i = 0; i < n; ++i) out[i] = {View(from[i].key), View(from[i].value)};
  return status;
}

void ToKvs(std::string_view rendered, std::vector<std::string>* texts,
           std::vector<promplug_kv>* out) {
  texts->clear();
  out->clear();
  for (LabelReader reader(rendered); reader.Next();) {
    AppendUnescapedLabelValue(&texts->emplace_back(), reader.escaped_name());
    AppendUnescapedLabelValue(&texts->emplace_back(), reader.escaped_value());
  }
  // Only now: growing the vector moves short strings.
  for (size_t i = 0; i < texts->size(); i += 2) {
    out->push_back({Str((*texts)[i]), Str((*texts)[i + 1])});
  }
}

}  // namespace promplug::abi
