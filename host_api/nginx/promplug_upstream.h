/* SPDX-License-Identifier: MIT */
/* What upstreams did for a request. */
#ifndef PROMPLUG_NGINX_UPSTREAM_H
#define PROMPLUG_NGINX_UPSTREAM_H

#include "promplug_conf.h"

enum {
  NGX_HTTP_PROMPLUG_UPSTREAM_ERROR,     /* no response, or none that is valid */
  NGX_HTTP_PROMPLUG_UPSTREAM_TIMEOUT,   /* no response in time */
  NGX_HTTP_PROMPLUG_UPSTREAM_5XX,       /* a response that says so */
  NGX_HTTP_PROMPLUG_UPSTREAM_TRUNCATED, /* the body broke off */
  NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES
};

typedef struct {
  const ngx_http_upstream_srv_conf_t* conf; /* NULL: a name that was looked up at run time */
  promplug_metric* duration;
  promplug_metric* failures[NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES];
} ngx_http_promplug_upstream_t;

typedef struct {
  ngx_http_promplug_upstream_t* slots;   /* by the address of the configuration */
  size_t n_slots;                        /* a power of two, more than there are upstreams */
  ngx_http_promplug_upstream_t resolved; /* pinned when first used */
  promplug_family* duration;
  promplug_family* failures;
} ngx_http_promplug_upstreams_t;

/* Makes the families and every series of each upstream of the configuration: a failure that never
 * happened stands there with 0. NGX_ERROR: no memory; then the worker has no metrics. */
ngx_int_t ngx_http_promplug_upstreams_init(ngx_http_promplug_worker_t* worker, ngx_cycle_t* cycle,
                                           const ngx_http_promplug_main_conf_t* conf);
/* REQUIRES: the plugin is gone. */
void ngx_http_promplug_upstreams_free(ngx_http_promplug_upstreams_t* upstreams);

/* Counts the attempts from number `begin` on of a request whose upstream is in r->upstream. */
void ngx_http_promplug_count_attempts(ngx_http_promplug_worker_t* worker, ngx_http_request_t* r,
                                      ngx_uint_t begin);

/* ---- promplug_trail.c ---------------------------------------------------------------------- */
/* nginx keeps of a request the upstream asked last, and of subrequests nothing. So redirects are
 * watched in the preaccess phase, and subrequests by a filter of headers. Once for each
 * configuration; NGX_OK, or NGX_ERROR without memory. */
ngx_int_t ngx_http_promplug_trail_init(ngx_conf_t* cf);
/* When the main request r ends: what its upstreams, and those of its subrequests, did. */
void ngx_http_promplug_count_upstreams(ngx_http_promplug_worker_t* worker, ngx_http_request_t* r,
                                       const ngx_http_promplug_zone_t* zone);

#endif
