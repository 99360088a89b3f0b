/* SPDX-License-Identifier: MIT */
/* Compiled as every C and C++ dialect that promplug.h promises; uses what the header defines. */
#include <promplug/promplug.h>

extern int32_t dialect_use(const promplug_api* api, promplug_metric* metric, uint64_t* cell);

static const promplug_str method = PROMPLUG_S("method");
static const promplug_kv label = {PROMPLUG_S("status"), PROMPLUG_S("200")};

static int32_t collect(void* user, const promplug_writer* writer) {
  return writer->sample(writer, &label, 1, *(const double*)user);
}

int32_t dialect_use(const promplug_api* api, promplug_metric* metric, uint64_t* cell) {
  promplug_collector collector;
  promplug_entry_fn entry = promplug_entry;
  collector.collect = collect;
  collector.name = method;
  if (entry == 0 || !PROMPLUG_HAS(api, promplug_api, counter_inc)) return PROMPLUG_E_VERSION;
  api->counter_inc(metric);
  promplug_cell_add_shared(cell, 1);
  promplug_cell_add_exclusive(cell, 1);
  return collector.collect == collect ? PROMPLUG_OK : PROMPLUG_E_INTERNAL;
}
