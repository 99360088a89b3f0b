/* SPDX-License-Identifier: MIT */
/* The families of requests, and the series that a request counts in. Used by the worker's own
 * thread alone. */
#ifndef PROMPLUG_NGINX_SERIES_H
#define PROMPLUG_NGINX_SERIES_H

#include "promplug_conf.h"
#include "promplug_table.h"

#define NGX_HTTP_PROMPLUG_CACHE_STATUSES 8
#define NGX_HTTP_PROMPLUG_REQUESTS_NAME "nginx_http_requests_total"

/* Each has the labels server and zone, some of method and status, then those of promplug_label. */
enum {
  NGX_HTTP_PROMPLUG_REQUESTS,
  NGX_HTTP_PROMPLUG_DURATION,
  NGX_HTTP_PROMPLUG_RECEIVED,
  NGX_HTTP_PROMPLUG_SENT,
  NGX_HTTP_PROMPLUG_REQUEST_FAMILIES
};

typedef struct {
  promplug_family* of_request[NGX_HTTP_PROMPLUG_REQUEST_FAMILIES];
  promplug_family* cache;
  /* By zone, method, status and the values of labels: the pinned series of each family. */
  ngx_http_promplug_table_t series;
  /* The values seen of each label. */
  ngx_http_promplug_table_t values[NGX_HTTP_PROMPLUG_MAX_LABELS];
  ngx_uint_t n_labels;
  /* With so many series the values of labels that are not there yet count as "other". */
  ngx_uint_t max_series;
  /* By zone and cache status, pinned when first used. */
  promplug_metric* (*of_cache)[NGX_HTTP_PROMPLUG_CACHE_STATUSES];
} ngx_http_promplug_families_t;

/* What one request adds. */
typedef struct {
  const ngx_http_promplug_zone_t* zone;
  ngx_uint_t method; /* NGX_HTTP_GET and the like; one that is not usual counts as "other" */
  ngx_uint_t status; /* as HTTP has it; 0: none was sent */
  /* As many as the configuration has, of at most NGX_HTTP_PROMPLUG_MAX_VALUE bytes each. */
  ngx_str_t labels[NGX_HTTP_PROMPLUG_MAX_LABELS];
  double seconds;
  double received_bytes;
  double sent_bytes;
} ngx_http_promplug_sample_t;

/* Makes the families. What a family cannot be made of is one line in the log; then it counts
 * nothing. NGX_ERROR: no memory; then the worker has no metrics. */
ngx_int_t ngx_http_promplug_families_init(ngx_http_promplug_worker_t* worker,
                                          const ngx_http_promplug_main_conf_t* conf,
                                          ngx_log_t* log);
/* REQUIRES: the plugin is gone, and with it every handle. */
void ngx_http_promplug_families_free(ngx_http_promplug_families_t* families);

void ngx_http_promplug_count_request(ngx_http_promplug_worker_t* worker,
                                     const ngx_http_promplug_sample_t* sample);
/* cache_status is one of NGX_HTTP_CACHE_MISS and the like. */
void ngx_http_promplug_count_cache(ngx_http_promplug_worker_t* worker,
                                   const ngx_http_promplug_zone_t* zone, ngx_uint_t cache_status);

/* Makes or finds a family; on failure one line in the log, and NULL. */
promplug_family* ngx_http_promplug_family(ngx_http_promplug_worker_t* worker,
                                          const promplug_family_desc* desc, ngx_log_t* log);
/* The bounds of a directive, for a histogram; none given: the usual ones. */
void ngx_http_promplug_use_buckets(promplug_family_desc* desc, const ngx_array_t* buckets);

#endif
