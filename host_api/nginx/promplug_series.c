/* SPDX-License-Identifier: MIT */
#include "promplug_series.h"

#include "promplug_worker.h"

#define MAX_LABELS (4 + NGX_HTTP_PROMPLUG_MAX_LABELS)
/* Zone, method and status, then a length and the bytes of each label. */
#define KEY_HEAD 8
#define MAX_KEY (KEY_HEAD + NGX_HTTP_PROMPLUG_MAX_LABELS * (1 + NGX_HTTP_PROMPLUG_MAX_VALUE))

enum { HAS_METHOD = 1, HAS_STATUS = 2 };

static const struct {
  int32_t type;
  int labels;
  promplug_str name;
  promplug_str help;
} families_of_request[NGX_HTTP_PROMPLUG_REQUEST_FAMILIES] = {
    {PROMPLUG_COUNTER, HAS_METHOD | HAS_STATUS, PROMPLUG_S(NGX_HTTP_PROMPLUG_REQUESTS_NAME),
     PROMPLUG_S("Requests that have ended.")},
    {PROMPLUG_HISTOGRAM, HAS_METHOD, PROMPLUG_S("nginx_http_request_duration_seconds"),
     PROMPLUG_S("From the first byte of a request to the last of its response.")},
    {PROMPLUG_COUNTER, 0, PROMPLUG_S("nginx_http_received_bytes_total"),
     PROMPLUG_S("Bytes of requests: line, headers and body.")},
    {PROMPLUG_COUNTER, 0, PROMPLUG_S("nginx_http_sent_bytes_total"),
     PROMPLUG_S("Bytes of responses: headers and body.")},
};

static const promplug_str label_names[] = {PROMPLUG_S("server"), PROMPLUG_S("zone"),
                                           PROMPLUG_S("method"), PROMPLUG_S("status")};
static const promplug_str other = PROMPLUG_S(NGX_HTTP_PROMPLUG_OTHER);

/* ---- Methods and statuses ------------------------------------------------------------------ */

static const struct {
  ngx_uint_t method;
  promplug_str name;
} methods[] = {
    {0, PROMPLUG_S(NGX_HTTP_PROMPLUG_OTHER)}, {NGX_HTTP_GET, PROMPLUG_S("GET")},
    {NGX_HTTP_HEAD, PROMPLUG_S("HEAD")},      {NGX_HTTP_POST, PROMPLUG_S("POST")},
    {NGX_HTTP_PUT, PROMPLUG_S("PUT")},        {NGX_HTTP_DELETE, PROMPLUG_S("DELETE")},
    {NGX_HTTP_PATCH, PROMPLUG_S("PATCH")},    {NGX_HTTP_OPTIONS, PROMPLUG_S("OPTIONS")},
};

static ngx_uint_t method_index(ngx_uint_t method) {
  for (ngx_uint_t i = 1; i < sizeof methods / sizeof *methods; ++i)
    if (methods[i].method == method) return i;
  return 0;
}

/* What tells series apart: the code where it is wanted, else the class; 0 is "other". */
static ngx_uint_t status_index(ngx_flag_t exact, ngx_uint_t status) {
  if (status < 100 || status > 599) return 0;
  return exact ? status : status / 100;
}

static promplug_str status_text(ngx_uint_t index, char text[3]) {
  promplug_str result = {text, 3};
  if (index == 0) return other;
  text[0] = (char)('0' + (index < 10 ? index : index / 100));
  text[1] = (char)(index < 10 ? 'x' : '0' + index / 10 % 10);
  text[2] = (char)(index < 10 ? 'x' : '0' + index % 10);
  return result;
}

/* ---- Making -------------------------------------------------------------------------------- */

promplug_family* ngx_http_promplug_family(ngx_http_promplug_worker_t* worker,
                                          const promplug_family_desc* desc, ngx_log_t* log) {
  promplug_family* family = NULL;
  promplug_error error;
  if (worker->api->family(worker->plugin, desc, &family, &error) < 0) {
    ngx_log_error(NGX_LOG_ERR, log, 0, "promplug: %s", error.text);
    return NULL;
  }
  return family;
}

void ngx_http_promplug_use_buckets(promplug_family_desc* desc, const ngx_array_t* buckets) {
  if (buckets == NULL) return;
  desc->buckets = buckets->elts;
  desc->n_buckets = buckets->nelts;
}

static promplug_str text_of(const ngx_str_t* text) {
  promplug_str result = {(const char*)text->data, text->len};
  return result;
}

/* Series of the zones alone, all values of labels being "other": there is always room for them, so
 * that sums stay right. */
static size_t reserve_of(const ngx_http_promplug_main_conf_t* conf) {
  ngx_http_promplug_zone_t** zone = conf->zones.elts;
  size_t n = 0;
  for (ngx_uint_t i = 0; i < conf->zones.nelts; ++i)
    n += sizeof methods / sizeof *methods * (zone[i]->exact_status ? 501 : 6);
  return n;
}

static void make_family_of_request(ngx_http_promplug_worker_t* worker, ngx_uint_t which,
                                   const ngx_http_promplug_main_conf_t* conf, ngx_log_t* log) {
  promplug_family_desc desc = {.struct_size = sizeof desc};
  const ngx_http_promplug_label_t* label = conf->labels.elts;
  promplug_str names[MAX_LABELS];
  size_t n = 0;
  names[n++] = label_names[0];
  names[n++] = label_names[1];
  if (families_of_request[which].labels & HAS_METHOD) names[n++] = label_names[2];
  if (families_of_request[which].labels & HAS_STATUS) names[n++] = label_names[3];
  for (ngx_uint_t i = 0; i < conf->labels.nelts; ++i) names[n++] = text_of(&label[i].name);

  desc.type = families_of_request[which].type;
  desc.name = families_of_request[which].name;
  desc.help = families_of_request[which].help;
  desc.label_names = names;
  desc.n_label_names = n;
  desc.max_series = (uint32_t)(conf->max_series + reserve_of(conf));
  if (desc.type == PROMPLUG_HISTOGRAM) ngx_http_promplug_use_buckets(&desc, conf->request_buckets);
  worker->families.of_request[which] = ngx_http_promplug_family(worker, &desc, log);
}

static void make_family_of_cache(ngx_http_promplug_worker_t* worker, ngx_log_t* log) {
  static const promplug_str name = PROMPLUG_S("nginx_http_cache_requests_total"),
                            help =
                                PROMPLUG_S("Requests that a cache was asked for, by its answer.");
  static const promplug_str names[] = {PROMPLUG_S("server"), PROMPLUG_S("zone"),
                                       PROMPLUG_S("result")};
  promplug_family_desc desc = {.struct_size = sizeof desc, .type = PROMPLUG_COUNTER};
  desc.name = name;
  desc.help = help;
  desc.label_names = names;
  desc.n_label_names = sizeof names / sizeof *names;
  worker->families.cache = ngx_http_promplug_family(worker, &desc, log);
}

static void say_version(ngx_http_promplug_worker_t* worker, ngx_log_t* log) {
  static const promplug_str name = PROMPLUG_S("nginx"), help = PROMPLUG_S("The running nginx."),
                            label = PROMPLUG_S("version"), version = PROMPLUG_S(NGINX_VERSION);
  promplug_family_desc desc = {.struct_size = sizeof desc, .type = PROMPLUG_INFO};
  promplug_metric* pinned;
  desc.name = name;
  desc.help = help;
  desc.label_names = &label;
  desc.n_label_names = 1;
  (void)worker->api->metric(ngx_http_promplug_family(worker, &desc, log), &version, 1, &pinned,
                            NULL);
}

ngx_int_t ngx_http_promplug_families_init(ngx_http_promplug_worker_t* worker,
                                          const ngx_http_promplug_main_conf_t* conf,
                                          ngx_log_t* log) {
  ngx_http_promplug_families_t* families = &worker->families;
  const ngx_http_promplug_label_t* label = conf->labels.elts;
  families->n_labels = conf->labels.nelts;
  families->max_series = conf->max_series;
  families->of_cache = ngx_calloc((conf->zones.nelts + 1) * sizeof *families->of_cache, log);
  if (families->of_cache == NULL ||
      ngx_http_promplug_table_init(&families->series, conf->max_series + reserve_of(conf),
                                   sizeof(promplug_metric*) * NGX_HTTP_PROMPLUG_REQUEST_FAMILIES,
                                   log) != NGX_OK)
    return NGX_ERROR;
  for (ngx_uint_t i = 0; i < conf->labels.nelts; ++i)
    if (ngx_http_promplug_table_init(&families->values[i], label[i].max_values, 0, log) != NGX_OK)
      return NGX_ERROR;
  for (ngx_uint_t i = 0; i < NGX_HTTP_PROMPLUG_REQUEST_FAMILIES; ++i)
    make_family_of_request(worker, i, conf, log);
  make_family_of_cache(worker, log);
  say_version(worker, log);
  return NGX_OK;
}

void ngx_http_promplug_families_free(ngx_http_promplug_families_t* families) {
  ngx_http_promplug_table_free(&families->series);
  for (ngx_uint_t i = 0; i < NGX_HTTP_PROMPLUG_MAX_LABELS; ++i)
    ngx_http_promplug_table_free(&families->values[i]);
  if (families->of_cache != NULL) ngx_free(families->of_cache);
  families->of_cache = NULL;
}

/* ---- Counting ------------------------------------------------------------------------------ */

typedef struct {
  u_char bytes[MAX_KEY];
  size_t len;
} series_key;

static void make_key(series_key* key, const ngx_http_promplug_sample_t* sample,
                     ngx_uint_t n_labels) {
  uint32_t zone = (uint32_t)sample->zone->index;
  uint16_t method = (uint16_t)method_index(sample->method);
  uint16_t status = (uint16_t)status_index(sample->zone->exact_status, sample->status);
  u_char* at = key->bytes;
  at = ngx_cpymem(at, &zone, sizeof zone);
  at = ngx_cpymem(at, &method, sizeof method);
  at = ngx_cpymem(at, &status, sizeof status);
  for (ngx_uint_t i = 0; i < n_labels; ++i) {
    *at++ = (u_char)sample->labels[i].len;
    at = ngx_cpymem(at, sample->labels[i].data, sample->labels[i].len);
  }
  key->len = (size_t)(at - key->bytes);
}

/* What is no value for a label, or one too many, is "other". True: something was changed. */
static ngx_flag_t bound_labels(ngx_http_promplug_families_t* families,
                               ngx_http_promplug_sample_t* sample) {
  ngx_flag_t changed = 0;
  for (ngx_uint_t i = 0; i < families->n_labels; ++i) {
    ngx_str_t* value = &sample->labels[i];
    ngx_http_promplug_table_t* known = &families->values[i];
    if (value->len == 0 || ngx_http_promplug_table_find(known, value->data, value->len) != NULL ||
        (ngx_http_promplug_is_label_value(value) &&
         ngx_http_promplug_table_add(known, value->data, value->len) != NULL))
      continue;
    ngx_str_set(value, NGX_HTTP_PROMPLUG_OTHER);
    changed = 1;
  }
  return changed;
}

static size_t label_values(promplug_str values[MAX_LABELS], char status[3], ngx_uint_t which,
                           const ngx_http_promplug_sample_t* sample, ngx_uint_t n_labels) {
  size_t n = 0;
  values[n++] = text_of(&sample->zone->server);
  values[n++] = text_of(&sample->zone->name);
  if (families_of_request[which].labels & HAS_METHOD)
    values[n++] = methods[method_index(sample->method)].name;
  if (families_of_request[which].labels & HAS_STATUS)
    values[n++] = status_text(status_index(sample->zone->exact_status, sample->status), status);
  for (ngx_uint_t i = 0; i < n_labels; ++i) values[n++] = text_of(&sample->labels[i]);
  return n;
}

/* The series of all families, each NULL or pinned. What a family has no room for stays NULL: it is
 * tried again with the next request. */
static void pin_all(ngx_http_promplug_worker_t* worker, const ngx_http_promplug_sample_t* sample,
                    promplug_metric** series) {
  promplug_str values[MAX_LABELS];
  char status[3];
  for (ngx_uint_t i = 0; i < NGX_HTTP_PROMPLUG_REQUEST_FAMILIES; ++i) {
    size_t n = label_values(values, status, i, sample, worker->families.n_labels);
    if (series[i] == NULL && worker->api->metric(worker->families.of_request[i], values, n,
                                                 &series[i], NULL) != PROMPLUG_OK)
      series[i] = NULL;
  }
}

static double amount_of(const ngx_http_promplug_sample_t* sample, ngx_uint_t which) {
  switch (which) {
    case NGX_HTTP_PROMPLUG_DURATION:
      return sample->seconds;
    case NGX_HTTP_PROMPLUG_RECEIVED:
      return sample->received_bytes;
    case NGX_HTTP_PROMPLUG_SENT:
      return sample->sent_bytes;
    default:
      return 1;
  }
}

/* Without a handle: the plugin counts what it has no room for. */
static void update_one(ngx_http_promplug_worker_t* worker, ngx_uint_t which,
                       const ngx_http_promplug_sample_t* sample) {
  promplug_str values[MAX_LABELS];
  char status[3];
  size_t n = label_values(values, status, which, sample, worker->families.n_labels);
  int32_t op =
      families_of_request[which].type == PROMPLUG_HISTOGRAM ? PROMPLUG_OP_OBSERVE : PROMPLUG_OP_ADD;
  (void)worker->api->update(worker->families.of_request[which], values, n, op,
                            amount_of(sample, which), NULL);
}

/* Finds or makes the place of the series; NULL without memory. Bounds the labels of the sample. */
static promplug_metric** place_of(ngx_http_promplug_families_t* families,
                                  ngx_http_promplug_sample_t* sample, series_key* key) {
  promplug_metric** series = NULL;
  if (bound_labels(families, sample)) {
    make_key(key, sample, families->n_labels);
    series = ngx_http_promplug_table_find(&families->series, key->bytes, key->len);
  }
  if (series == NULL && families->n_labels > 0 && families->series.n >= families->max_series) {
    for (ngx_uint_t i = 0; i < families->n_labels; ++i) {
      ngx_str_set(&sample->labels[i], NGX_HTTP_PROMPLUG_OTHER);
    }
    make_key(key, sample, families->n_labels);
    series = ngx_http_promplug_table_find(&families->series, key->bytes, key->len);
  }
  return series != NULL ? series
                        : ngx_http_promplug_table_add(&families->series, key->bytes, key->len);
}

void ngx_http_promplug_count_request(ngx_http_promplug_worker_t* worker,
                                     const ngx_http_promplug_sample_t* sample) {
  ngx_http_promplug_families_t* families = &worker->families;
  ngx_http_promplug_sample_t bounded;
  promplug_metric **series, *none[NGX_HTTP_PROMPLUG_REQUEST_FAMILIES] = {NULL};
  series_key key;

  make_key(&key, sample, families->n_labels);
  series = ngx_http_promplug_table_find(&families->series, key.bytes, key.len);
  if (series == NULL) {
    bounded = *sample;
    sample = &bounded;
    series = place_of(families, &bounded, &key);
    if (series == NULL) series = none;
  }
  if (series != none && series[NGX_HTTP_PROMPLUG_REQUESTS] == NULL) pin_all(worker, sample, series);

  for (ngx_uint_t i = 0; i < NGX_HTTP_PROMPLUG_REQUEST_FAMILIES; ++i) {
    if (series[i] == NULL) {
      update_one(worker, i, sample);
    } else if (i == NGX_HTTP_PROMPLUG_DURATION) {
      worker->api->observe(series[i], sample->seconds);
    } else {
      worker->api->counter_add(series[i], amount_of(sample, i));
    }
  }
}

void ngx_http_promplug_count_cache(ngx_http_promplug_worker_t* worker,
                                   const ngx_http_promplug_zone_t* zone, ngx_uint_t cache_status) {
#if defined(NGX_HTTP_CACHE)
  promplug_metric** series;
  u_char text[16];
  if (cache_status >= NGX_HTTP_PROMPLUG_CACHE_STATUSES) return;
  series = &worker->families.of_cache[zone->index][cache_status];
  if (*series == NULL) {
    const ngx_str_t* name = &ngx_http_cache_status[cache_status - 1];
    promplug_str values[] = {
        text_of(&zone->server), text_of(&zone->name), {(char*)text, name->len}};
    if (name->len > sizeof text) return;
    ngx_strlow(text, name->data, name->len);
    (void)worker->api->metric(worker->families.cache, values, 3, series, NULL);
  }
  worker->api->counter_inc(*series);
#else
  (void)worker, (void)zone, (void)cache_status;
#endif
}
