// SPDX-License-Identifier: MIT
#include "abi/host_writer.hpp"

#include "abi/fence.hpp"
#include "abi/strings.hpp"

namespace promplug::abi {

HostWriter::HostWriter(CollectorWriter* writer) : table_(), writer_(writer) {
  table_.struct_size = sizeof table_;
  table_.family = BeginFamily;
  table_.point = AddPoint;
  table_.sample = AddSample;
  table_.time_left_ms = TimeLeftMs;
}

HostWriter& HostWriter::Of(const promplug_writer* table) {
  return *reinterpret_cast<HostWriter*>(const_cast<promplug_writer*>(table));
}

int32_t HostWriter::BeginFamily(const promplug_writer* w, const promplug_family_head* head) {
  return QuickFence([&]() -> Status {
    HostWriter& self = Of(w);
    FamilyHead own;
    Status status = FromHead(head, &own);
    if (!status.ok()) return self.writer_->RefuseFamily(status);
    self.type_ = own.type;
    return self.writer_->BeginFamily(own);
  });
}

int32_t HostWriter::AddPoint(const promplug_writer* w, const promplug_point* point) {
  return QuickFence([&]() -> Status {
    HostWriter& self = Of(w);
    Point own;
    Status status = self.points_.Read(point, self.type_, &own);
    Label labels[kMaxLabels];
    if (status.ok()) status = ReadLabels(point->labels, point->n_labels, labels);
    if (status.code() == Code::kInvalid) return self.writer_->Refuse(status);
    if (!status.ok()) return status;
    return self.writer_->Add(labels, point->n_labels, own);
  });
}

int32_t HostWriter::AddSample(const promplug_writer* w, const promplug_kv* labels, size_t n_labels,
                              double value) {
  promplug_point point = {};
  point.struct_size = sizeof point;
  point.labels = labels;
  point.n_labels = n_labels;
  point.value = value;
  return AddPoint(w, &point);
}

int64_t HostWriter::TimeLeftMs(const promplug_writer* w) {
  const Duration left = Of(w).writer_->TimeLeft();
  return std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
}

}  // namespace promplug::abi
