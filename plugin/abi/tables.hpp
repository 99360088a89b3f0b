// SPDX-License-Identifier: MIT
#pragma once

#include "promplug/promplug.h"

// The functions of the table, by the file that has them. What each does, and when it may be called,
// is said in promplug.h.
namespace promplug::abi {

// lifecycle.cpp
int32_t Create(const promplug_host* host, const promplug_options* options, promplug_instance** out,
               promplug_error* err);
int32_t Start(promplug_instance* p, promplug_error* err);
int32_t Stop(promplug_instance* p, uint32_t timeout_ms, promplug_error* err);
int32_t Destroy(promplug_instance* p);
int32_t Reload(promplug_instance* p, const promplug_options* options, promplug_error* err);
int32_t GetStatus(promplug_instance* p, promplug_status* out);
size_t LastError(promplug_instance* p, char* buf, size_t cap);
const void* GetExtension(promplug_instance* p, const char* id);
int32_t ForkPrepare(promplug_instance* p);
int32_t ForkParent(promplug_instance* p);
int32_t ForkChild(promplug_instance* p, int32_t mode, promplug_error* err);
int32_t StepDown(promplug_instance* p, promplug_error* err);

// registrations.cpp
int32_t RegisterCollector(promplug_instance* p, const promplug_collector* c, promplug_reg* out,
                          promplug_error* err);
int32_t RegisterValue(promplug_instance* p, const promplug_value* v, promplug_reg* out,
                      promplug_error* err);
int32_t Unregister(promplug_instance* p, promplug_reg reg, uint32_t timeout_ms,
                   promplug_error* err);
int32_t RunPending(promplug_instance* p, uint32_t max_ms);

// families.cpp
int32_t MakeFamily(promplug_instance* p, const promplug_family_desc* d, promplug_family** out,
                   promplug_error* err);
int32_t MakeMetric(promplug_family* f, const promplug_str* label_values, size_t n,
                   promplug_metric** out, promplug_error* err);
void MetricRelease(promplug_metric* m);
int32_t MetricRemove(promplug_metric* m);
int32_t RemoveMatching(promplug_family* f, const promplug_kv* labels, size_t n, uint64_t* removed);
int32_t CounterCell(promplug_metric* m, uint32_t kind, uint64_t** out, promplug_error* err);
int32_t CellRelease(promplug_metric* m, uint64_t* cell);

// updates.cpp
void CounterInc(promplug_metric* m);
void CounterAdd(promplug_metric* m, double v);
void GaugeSet(promplug_metric* m, double v);
void GaugeAdd(promplug_metric* m, double v);
void Observe(promplug_metric* m, double v);
void StateSet(promplug_metric* m, uint32_t state, int32_t on);
void CounterAddExemplar(promplug_metric* m, double v, const promplug_exemplar* e);
void ObserveExemplar(promplug_metric* m, double v, const promplug_exemplar* e);
int32_t Update(promplug_family* f, const promplug_str* label_values, size_t n, int32_t op,
               double value, const promplug_exemplar* exemplar);
int32_t UpdateMany(promplug_update* updates, size_t n);

// scrapes.cpp
int32_t HandleRequest(promplug_instance* p, const promplug_request* req,
                      const promplug_response* res, promplug_error* err);
int32_t ScrapeBegin(promplug_instance* p, const promplug_request* req, promplug_ready_fn ready,
                    void* user, promplug_scrape** out, promplug_error* err);
int32_t ScrapeHead(promplug_scrape* s, promplug_scrape_head_info* out);
int32_t ScrapeRead(promplug_scrape* s, void* buf, size_t cap, size_t* n);
void ScrapeEnd(promplug_scrape* s);

// gather_and_push.cpp
int32_t Gather(promplug_instance* p, const promplug_visitor* visitor, uint32_t timeout_ms,
               promplug_error* err);
int32_t PushNow(promplug_instance* p, uint32_t targets, uint32_t timeout_ms, promplug_error* err);

}  // namespace promplug::abi
