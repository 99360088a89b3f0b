/* SPDX-License-Identifier: MIT */
/* Answers a scrape in the event loop, which it never holds: what is not there yet is waited for,
 * and what the client does not take is not made. */
#ifndef PROMPLUG_NGINX_SCRAPE_H
#define PROMPLUG_NGINX_SCRAPE_H

#include "promplug_conf.h"

/* The content handler of a location with promplug_metrics. */
ngx_int_t ngx_http_promplug_scrape_handler(ngx_http_request_t* r);

/* Goes on with those whose plugin has called. */
void ngx_http_promplug_scrapes_go_on(ngx_http_promplug_worker_t* worker);
/* Ends those that are there; their requests are not touched. For a worker that ends now. */
void ngx_http_promplug_scrapes_end(ngx_http_promplug_worker_t* worker);

/* ---- What promplug_scrape.c and promplug_body.c share ---------------------------------------- */
typedef struct {
  ngx_queue_t queue; /* of the worker, while `scrape` is there */
  ngx_http_request_t* r;
  ngx_http_promplug_worker_t* worker;
  promplug_scrape* scrape; /* NULL once it has ended */
  ngx_event_t turn;        /* posted: another turn of the loop is wanted. Its timer: see below */
  ngx_atomic_t ready;      /* set by any thread */
  ngx_flag_t head_sent;
  ngx_chain_t* free;
  ngx_chain_t* busy; /* what the client has not taken */
} ngx_http_promplug_scrape_t;

/* Sends the head: NGX_OK, or a status or NGX_ERROR as for ngx_http_finalize_request(). */
ngx_int_t ngx_http_promplug_send_head(ngx_http_promplug_scrape_t* ctx,
                                      const promplug_scrape_head_info* head);
/* Sends of the body what there is, up to a limit for one turn of the loop.
 *   NGX_OK        the body is complete
 *   NGX_AGAIN     the plugin will call
 *   NGX_BUSY      the client has to take something first
 *   NGX_DECLINED  the limit is reached: go on with the next turn
 *   NGX_ERROR     the answer is broken: the connection has to be closed */
ngx_int_t ngx_http_promplug_send_body(ngx_http_promplug_scrape_t* ctx);

#endif
