/* SPDX-License-Identifier: MIT */
#include "promplug_scrape.h"

#include "promplug_worker.h"

#define MAX_HEADERS 256
/* A worker that shuts down waits for timers only: this one keeps it until the plugin has answered,
 * which it does within a limit of its own. */
#define WAIT_MS ((ngx_msec_t)60000)

static void go_on(ngx_http_promplug_scrape_t* ctx);

/* promplug_ready_fn: any thread. */
static void on_ready(void* user) {
  ngx_http_promplug_scrape_t* ctx = user;
  __atomic_store_n(&ctx->ready, 1, __ATOMIC_RELEASE);
  ngx_http_promplug_wake(ctx->worker);
}

/* After it the plugin does not call any more. */
static void end_scrape(ngx_http_promplug_scrape_t* ctx) {
  if (ctx->scrape == NULL) return;
  ctx->worker->api->scrape_end(ctx->scrape);
  ctx->scrape = NULL;
  ngx_queue_remove(&ctx->queue);
}

static void forget_turn(ngx_http_promplug_scrape_t* ctx) {
  if (ctx->turn.timer_set) ngx_del_timer(&ctx->turn);
  if (ctx->turn.posted) {
    ngx_delete_posted_event(&ctx->turn);
  }
}

static void on_request_cleanup(void* data) {
  ngx_http_promplug_scrape_t* ctx = data;
  forget_turn(ctx);
  end_scrape(ctx);
}

/* From outside the events of its connection. */
static void go_on_from_outside(ngx_http_promplug_scrape_t* ctx) {
  ngx_connection_t* c = ctx->r->connection;
  ngx_http_set_log_request(c->log, ctx->r);
  go_on(ctx);
  ngx_http_run_posted_requests(c);
}

static void on_turn(ngx_event_t* event) { go_on_from_outside(event->data); }

/* By its cleanup: the context of the request belongs to its upstreams. */
static ngx_http_promplug_scrape_t* scrape_of(const ngx_http_request_t* r) {
  const ngx_pool_cleanup_t* cleanup = r->pool->cleanup;
  while (cleanup->handler != on_request_cleanup) cleanup = cleanup->next;
  return cleanup->data;
}

static void on_writable(ngx_http_request_t* r) {
  ngx_event_t* write = r->connection->write;
  if (write->timedout) {
    ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT, "client timed out");
    r->connection->timedout = 1;
    ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
    return;
  }
  go_on(scrape_of(r));
}

/* The scrape is over; what is still on its way to the client is nginx's. */
static void finish(ngx_http_promplug_scrape_t* ctx, ngx_int_t rc) {
  on_request_cleanup(ctx);
  ngx_http_finalize_request(ctx->r, rc);
}

static void break_off(ngx_http_promplug_scrape_t* ctx) {
  const ngx_connection_t* c = ctx->r->connection;
  ngx_uint_t level = c->error || c->timedout ? NGX_LOG_INFO : NGX_LOG_ERR;
  ngx_log_error(level, c->log, 0,
                "promplug: the answer to a scrape broke off, the connection is closed");
  finish(ctx, NGX_ERROR);
}

/* Waits for the plugin. */
static void wait_for_ready(ngx_http_promplug_scrape_t* ctx) {
  ngx_event_t* write = ctx->r->connection->write;
  /* Of limit_rate it is the timer that goes on with the writing. */
  if (write->timer_set && !write->delayed) ngx_del_timer(write);
  ngx_add_timer(&ctx->turn, WAIT_MS);
}

/* Waits for the client. */
static void wait_for_client(ngx_http_promplug_scrape_t* ctx) {
  ngx_http_core_loc_conf_t* core = ngx_http_get_module_loc_conf(ctx->r, ngx_http_core_module);
  ngx_event_t* write = ctx->r->connection->write;
  if (!write->delayed) ngx_add_timer(write, core->send_timeout);
  if (ngx_handle_write_event(write, core->send_lowat) != NGX_OK) finish(ctx, NGX_ERROR);
}

static void go_on(ngx_http_promplug_scrape_t* ctx) {
  ngx_int_t rc;
  if (ctx->scrape == NULL) return;
  forget_turn(ctx);
  if (!ctx->head_sent) {
    promplug_scrape_head_info head = {.struct_size = sizeof head};
    int32_t answer = ctx->worker->api->scrape_head(ctx->scrape, &head);
    if (answer == PROMPLUG_AGAIN) {
      wait_for_ready(ctx);
      return;
    }
    rc = answer == PROMPLUG_OK ? ngx_http_promplug_send_head(ctx, &head)
                               : NGX_HTTP_SERVICE_UNAVAILABLE;
    if (rc != NGX_OK || ctx->r->header_only) {
      finish(ctx, rc);
      return;
    }
  }
  rc = ngx_http_promplug_send_body(ctx);
  if (rc == NGX_OK) {
    finish(ctx, NGX_OK);
  } else if (rc == NGX_AGAIN) {
    wait_for_ready(ctx);
  } else if (rc == NGX_BUSY) {
    wait_for_client(ctx);
  } else if (rc == NGX_DECLINED) {
    ngx_post_event(&ctx->turn, &ngx_posted_next_events);
  } else {
    break_off(ctx);
  }
}

void ngx_http_promplug_scrapes_go_on(ngx_http_promplug_worker_t* worker) {
  ngx_queue_t *at = ngx_queue_head(&worker->scrapes), *next;
  ngx_http_promplug_scrape_t* ctx;
  for (; at != ngx_queue_sentinel(&worker->scrapes); at = next) {
    next = ngx_queue_next(at);
    ctx = ngx_queue_data(at, ngx_http_promplug_scrape_t, queue);
    /* Posted, not called: going on with one may end others. */
    if (__atomic_exchange_n(&ctx->ready, 0, __ATOMIC_ACQUIRE) != 0) {
      ngx_post_event(&ctx->turn, &ngx_posted_events);
    }
  }
}

void ngx_http_promplug_scrapes_end(ngx_http_promplug_worker_t* worker) {
  while (!ngx_queue_empty(&worker->scrapes))
    end_scrape(ngx_queue_data(ngx_queue_head(&worker->scrapes), ngx_http_promplug_scrape_t, queue));
}

/* ---- The request --------------------------------------------------------------------------- */

static promplug_str text_of(ngx_str_t text) {
  promplug_str result = {(const char*)text.data, text.len};
  return result;
}

static size_t copy_headers(ngx_http_request_t* r, promplug_kv* headers) {
  size_t n = 0;
  for (ngx_list_part_t* part = &r->headers_in.headers.part; part != NULL; part = part->next) {
    ngx_table_elt_t* h = part->elts;
    for (ngx_uint_t i = 0; i < part->nelts && n < MAX_HEADERS; ++i, ++n) {
      headers[n].key = text_of(h[i].key);
      headers[n].value = text_of(h[i].value);
    }
  }
  return n;
}

static ngx_int_t begin(ngx_http_promplug_scrape_t* ctx) {
  ngx_http_request_t* r = ctx->r;
  ngx_http_core_loc_conf_t* core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
  promplug_kv headers[MAX_HEADERS];
  promplug_request request = {.struct_size = sizeof request, .flags = PROMPLUG_REQ_MOUNTED};
  promplug_error error;
  int32_t rc;
  /* Without chunks the end of the connection would be the end of the body: a cut one would pass for
   * a whole one. */
  if (r->http_version < NGX_HTTP_VERSION_11 || !core->chunked_transfer_encoding)
    request.flags |= PROMPLUG_REQ_NEED_LENGTH;
  request.method = text_of(r->method_name);
  request.path = text_of(r->uri);
  request.query = text_of(r->args);
  request.peer = text_of(r->connection->addr_text);
  request.headers = headers;
  request.n_headers = copy_headers(r, headers);
  rc = ctx->worker->api->scrape_begin(ctx->worker->plugin, &request, on_ready, ctx, &ctx->scrape,
                                      &error);
  if (rc == PROMPLUG_OK || rc == PROMPLUG_AGAIN) {
    ngx_queue_insert_tail(&ctx->worker->scrapes, &ctx->queue);
    return NGX_OK;
  }
  ctx->scrape = NULL;
  ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "promplug: no scrape: %s", error.text);
  return NGX_HTTP_SERVICE_UNAVAILABLE;
}

ngx_int_t ngx_http_promplug_scrape_handler(ngx_http_request_t* r) {
  ngx_http_promplug_main_conf_t* conf = ngx_http_get_module_main_conf(r, ngx_http_promplug_module);
  ngx_http_promplug_scrape_t* ctx;
  ngx_pool_cleanup_t* cleanup;
  ngx_int_t rc;
  if (r != r->main) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "promplug: promplug_metrics answers no subrequest");
    return NGX_HTTP_FORBIDDEN;
  }
  if (conf->worker == NULL) return NGX_HTTP_SERVICE_UNAVAILABLE;
  rc = ngx_http_discard_request_body(r);
  if (rc != NGX_OK) return rc;

  ctx = ngx_pcalloc(r->pool, sizeof *ctx);
  cleanup = ctx != NULL ? ngx_pool_cleanup_add(r->pool, 0) : NULL;
  if (cleanup == NULL) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  ctx->r = r;
  ctx->worker = conf->worker;
  ctx->turn.handler = on_turn;
  ctx->turn.data = ctx;
  ctx->turn.log = r->connection->log;
  if ((rc = begin(ctx)) != NGX_OK) return rc;
  cleanup->handler = on_request_cleanup;
  cleanup->data = ctx;

  r->write_event_handler = on_writable;
  if (!r->discard_body) r->read_event_handler = ngx_http_test_reading;
  r->main->count++;
  go_on(ctx);
  return NGX_DONE;
}
