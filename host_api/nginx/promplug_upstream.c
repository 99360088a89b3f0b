/* SPDX-License-Identifier: MIT */
#include "promplug_upstream.h"

#include "promplug_worker.h"

#define NO_TIME ((ngx_msec_t)-1)
#define SERVER_AND_PORT (NGX_HTTP_PROMPLUG_MAX_VALUE + sizeof(":65535"))

static const promplug_str reasons[NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES] = {
    PROMPLUG_S("error"), PROMPLUG_S("timeout"), PROMPLUG_S("http_5xx"), PROMPLUG_S("truncated")};

static promplug_family* make_duration(ngx_http_promplug_worker_t* worker,
                                      const ngx_http_promplug_main_conf_t* conf, ngx_log_t* log) {
  static const promplug_str name = PROMPLUG_S("nginx_http_upstream_duration_seconds"),
                            help = PROMPLUG_S("Of each attempt: from connecting to its last byte."),
                            label = PROMPLUG_S("upstream");
  promplug_family_desc desc = {.struct_size = sizeof desc, .type = PROMPLUG_HISTOGRAM};
  desc.name = name;
  desc.help = help;
  desc.label_names = &label;
  desc.n_label_names = 1;
  ngx_http_promplug_use_buckets(&desc, conf->upstream_buckets);
  return ngx_http_promplug_family(worker, &desc, log);
}

static promplug_family* make_failures(ngx_http_promplug_worker_t* worker, ngx_log_t* log) {
  static const promplug_str name = PROMPLUG_S("nginx_http_upstream_failures_total"),
                            help = PROMPLUG_S("Attempts that failed, by reason."),
                            labels[] = {PROMPLUG_S("upstream"), PROMPLUG_S("reason")};
  promplug_family_desc desc = {.struct_size = sizeof desc, .type = PROMPLUG_COUNTER};
  desc.name = name;
  desc.help = help;
  desc.label_names = labels;
  desc.n_label_names = sizeof labels / sizeof *labels;
  return ngx_http_promplug_family(worker, &desc, log);
}

static void pin(ngx_http_promplug_worker_t* worker, promplug_str name,
                ngx_http_promplug_upstream_t* upstream) {
  promplug_str values[2] = {name, {NULL, 0}};
  (void)worker->api->metric(worker->upstreams.duration, values, 1, &upstream->duration, NULL);
  for (int i = 0; i < NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES; ++i) {
    values[1] = reasons[i];
    (void)worker->api->metric(worker->upstreams.failures, values, 2, &upstream->failures[i], NULL);
  }
}

/* A name of upstream {} is unique; two proxy_pass may differ in the port alone. */
static promplug_str name_of(const ngx_http_upstream_srv_conf_t* conf,
                            u_char text[SERVER_AND_PORT]) {
  static const promplug_str other = PROMPLUG_S(NGX_HTTP_PROMPLUG_OTHER);
  promplug_str name = {(const char*)conf->host.data, conf->host.len};
  if (!ngx_http_promplug_is_label_value(&conf->host)) return other;
  if (conf->port != 0 && !conf->no_port) {
    name.len = (size_t)(ngx_sprintf(text, "%V:%d", &conf->host, (int)conf->port) - text);
    name.ptr = (const char*)text;
  }
  return name;
}

/* The slot of an upstream, or the free one where it belongs; one is always free. */
static ngx_http_promplug_upstream_t* slot_of(const ngx_http_promplug_upstreams_t* upstreams,
                                             const ngx_http_upstream_srv_conf_t* conf) {
  for (size_t i = (uintptr_t)conf / 16;; ++i) {
    ngx_http_promplug_upstream_t* slot = &upstreams->slots[i & (upstreams->n_slots - 1)];
    if (slot->conf == conf || slot->conf == NULL) return slot;
  }
}

ngx_int_t ngx_http_promplug_upstreams_init(ngx_http_promplug_worker_t* worker, ngx_cycle_t* cycle,
                                           const ngx_http_promplug_main_conf_t* conf) {
  ngx_http_promplug_upstreams_t* upstreams = &worker->upstreams;
  ngx_http_upstream_main_conf_t* main_conf =
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_upstream_module);
  ngx_http_upstream_srv_conf_t** all = main_conf->upstreams.elts;
  u_char text[SERVER_AND_PORT];

  upstreams->n_slots = 16;
  while (upstreams->n_slots < 2 * main_conf->upstreams.nelts) upstreams->n_slots *= 2;
  upstreams->slots = ngx_calloc(upstreams->n_slots * sizeof *upstreams->slots, cycle->log);
  if (upstreams->slots == NULL) return NGX_ERROR;

  upstreams->duration = make_duration(worker, conf, cycle->log);
  upstreams->failures = make_failures(worker, cycle->log);
  for (ngx_uint_t i = 0; i < main_conf->upstreams.nelts; ++i) {
    ngx_http_promplug_upstream_t* slot = slot_of(upstreams, all[i]);
    slot->conf = all[i];
    pin(worker, name_of(all[i], text), slot);
  }
  return NGX_OK;
}

void ngx_http_promplug_upstreams_free(ngx_http_promplug_upstreams_t* upstreams) {
  if (upstreams->slots != NULL) ngx_free(upstreams->slots);
  ngx_memzero(upstreams, sizeof *upstreams);
}

/* ---- Attempts ------------------------------------------------------------------------------ */

/* The reason, or NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES for none. Without a status the client went
 * away before anything came. */
static int failure_of(const ngx_http_upstream_state_t* state) {
  if (state->header_time != NO_TIME)
    return state->status >= NGX_HTTP_INTERNAL_SERVER_ERROR ? NGX_HTTP_PROMPLUG_UPSTREAM_5XX
                                                           : NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES;
  if (state->status == NGX_HTTP_GATEWAY_TIME_OUT) return NGX_HTTP_PROMPLUG_UPSTREAM_TIMEOUT;
  return state->status >= NGX_HTTP_INTERNAL_SERVER_ERROR ? NGX_HTTP_PROMPLUG_UPSTREAM_ERROR
                                                         : NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES;
}

/* Whether the body that was passed on last broke off on the side of the upstream. */
static ngx_flag_t is_truncated(const ngx_http_request_t* r) {
  const ngx_http_upstream_t* u = r->upstream;
  if (u->upgrade || !u->header_sent) return 0;
  if (!u->buffering) return u->length > 0 && !r->connection->error && !r->connection->timedout;
  return u->pipe != NULL && !u->pipe->downstream_error &&
         (u->pipe->upstream_error ||
          (u->pipe->upstream_eof && !u->pipe->upstream_done && u->pipe->length != -1));
}

static const ngx_http_promplug_upstream_t* upstream_of(ngx_http_promplug_worker_t* worker,
                                                       const ngx_http_upstream_srv_conf_t* conf) {
  static const promplug_str resolved = PROMPLUG_S("resolved");
  ngx_http_promplug_upstreams_t* upstreams = &worker->upstreams;
  if (conf != NULL) return slot_of(upstreams, conf);
  if (upstreams->resolved.duration == NULL) pin(worker, resolved, &upstreams->resolved);
  return &upstreams->resolved;
}

void ngx_http_promplug_count_attempts(ngx_http_promplug_worker_t* worker, ngx_http_request_t* r,
                                      ngx_uint_t begin) {
  const ngx_http_promplug_upstream_t* upstream;
  const ngx_http_upstream_state_t* state;
  int failure = NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES;
  if (r->upstream_states == NULL || begin >= r->upstream_states->nelts) return;
  upstream = upstream_of(worker, r->upstream->upstream);
  state = r->upstream_states->elts;
  for (ngx_uint_t i = begin; i < r->upstream_states->nelts; ++i) {
    if (state[i].peer == NULL) continue; /* it stands between two upstreams */
    if (state[i].response_time != NO_TIME)
      worker->api->observe(upstream->duration, (double)state[i].response_time / 1000);
    failure = failure_of(&state[i]);
    if (failure != NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES)
      worker->api->counter_inc(upstream->failures[failure]);
  }
  if (failure == NGX_HTTP_PROMPLUG_UPSTREAM_FAILURES && is_truncated(r))
    worker->api->counter_inc(upstream->failures[NGX_HTTP_PROMPLUG_UPSTREAM_TRUNCATED]);
}
