/* SPDX-License-Identifier: MIT */
/* The values of promplug_label that the set has already. Without them each new worker would keep
 * `max` values of its own, and the totals of those that are gone would grow with every reload. */
#include "promplug_worker.h"

/* A worker that starts reads what others have counted; it waits for nobody. */
#define GATHER_MS 1000

typedef struct {
  ngx_http_promplug_families_t* families;
  const ngx_http_promplug_main_conf_t* conf;
  ngx_flag_t is_of_requests; /* the family whose points come */
} reader_t;

static ngx_flag_t same(promplug_str a, const void* data, size_t len) {
  return a.len == len && ngx_memcmp(a.ptr, data, len) == 0;
}

static int32_t on_family(void* user, const promplug_family_head* head) {
  static const ngx_str_t name = ngx_string(NGX_HTTP_PROMPLUG_REQUESTS_NAME);
  reader_t* reader = user;
  reader->is_of_requests = same(head->name, name.data, name.len);
  return PROMPLUG_OK;
}

static void know(reader_t* reader, const promplug_kv* kv) {
  const ngx_http_promplug_label_t* label = reader->conf->labels.elts;
  ngx_str_t value = {kv->value.len, (u_char*)kv->value.ptr};
  for (ngx_uint_t i = 0; i < reader->conf->labels.nelts; ++i) {
    ngx_http_promplug_table_t* known = &reader->families->values[i];
    if (same(kv->key, label[i].name.data, label[i].name.len) &&
        !same(kv->value, NGX_HTTP_PROMPLUG_OTHER, sizeof NGX_HTTP_PROMPLUG_OTHER - 1) &&
        ngx_http_promplug_is_label_value(&value) &&
        ngx_http_promplug_table_find(known, value.data, value.len) == NULL)
      (void)ngx_http_promplug_table_add(known, value.data, value.len);
  }
}

static int32_t on_point(void* user, const promplug_point* point) {
  reader_t* reader = user;
  if (!reader->is_of_requests) return PROMPLUG_OK;
  for (size_t i = 0; i < point->n_labels; ++i) know(reader, &point->labels[i]);
  return PROMPLUG_OK;
}

void ngx_http_promplug_know_values(ngx_http_promplug_worker_t* worker,
                                   const ngx_http_promplug_main_conf_t* conf, ngx_log_t* log) {
  const ngx_http_promplug_label_t* label = conf->labels.elts;
  reader_t reader = {&worker->families, conf, 0};
  promplug_visitor visitor = {.struct_size = sizeof visitor,
                              .sources = PROMPLUG_GATHER_INSTRUMENTS,
                              .user = &reader,
                              .family = on_family,
                              .point = on_point};
  promplug_error error;
  if (conf->labels.nelts == 0) return;
  /* All of them, also where several workers have found more than one may. */
  for (ngx_uint_t i = 0; i < conf->labels.nelts; ++i) worker->families.values[i].max = SIZE_MAX;
  if (worker->api->gather(worker->plugin, &visitor, GATHER_MS, &error) != PROMPLUG_OK)
    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "promplug: the values of labels that the other workers have are not known: %s",
                  error.text);
  for (ngx_uint_t i = 0; i < conf->labels.nelts; ++i)
    worker->families.values[i].max = label[i].max_values;
}
