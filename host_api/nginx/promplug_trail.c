/* SPDX-License-Identifier: MIT */
#include "promplug_upstream.h"
#include "promplug_worker.h"

/* One request or subrequest that had an upstream before it was sent elsewhere, or may get one. */
typedef struct trail_s {
  struct trail_s* next;
  ngx_http_request_t* r; /* lives in the pool of the main request, as this does */
  /* What a redirect has had counted already. */
  const ngx_http_upstream_t* counted;
  ngx_uint_t n_attempts;
} trail;

typedef struct {
  trail* newest;
} trails;

/* Its address tells our entry among the cleanups of a pool. */
static void no_cleanup(void* data) { (void)data; }

/* What belongs to the main request. Redirects forget the context, the pool does not. */
static trails* trails_of(ngx_http_request_t* main, ngx_flag_t make) {
  trails* found = ngx_http_get_module_ctx(main, ngx_http_promplug_module);
  ngx_pool_cleanup_t* cleanup;
  if (found != NULL) return found;
  for (cleanup = main->pool->cleanup; cleanup != NULL; cleanup = cleanup->next)
    if (cleanup->handler == no_cleanup) break;
  if (cleanup == NULL) {
    if (!make || (cleanup = ngx_pool_cleanup_add(main->pool, sizeof(trails))) == NULL) return NULL;
    ngx_memzero(cleanup->data, sizeof(trails));
    cleanup->handler = no_cleanup;
  }
  ngx_http_set_ctx(main, cleanup->data, ngx_http_promplug_module);
  return cleanup->data;
}

static trail* trail_of(trails* all, ngx_http_request_t* r, ngx_flag_t make) {
  trail* found = all->newest;
  while (found != NULL && found->r != r) found = found->next;
  if (found != NULL || !make || (found = ngx_palloc(r->main->pool, sizeof *found)) == NULL)
    return found;
  ngx_memzero(found, sizeof *found);
  found->next = all->newest;
  found->r = r;
  return all->newest = found;
}

/* Counts what the upstream of r did since `from`, which may be NULL. */
static void count_one(ngx_http_promplug_worker_t* worker, ngx_http_request_t* r,
                      const ngx_http_promplug_zone_t* zone, const trail* from) {
  if (r->upstream == NULL) return;
  ngx_http_promplug_count_attempts(worker, r, from != NULL ? from->n_attempts : 0);
#if defined(NGX_HTTP_CACHE)
  if (r->upstream->cache_status != 0 && (from == NULL || from->counted != r->upstream))
    ngx_http_promplug_count_cache(worker, zone, r->upstream->cache_status);
#else
  (void)zone;
#endif
}

/* NULL: r is not to be counted, or there is no memory. */
static trail* make_trail(ngx_http_request_t* r) {
  ngx_http_promplug_main_conf_t* conf = ngx_http_get_module_main_conf(r, ngx_http_promplug_module);
  ngx_http_promplug_loc_conf_t* main_loc_conf =
      ngx_http_get_module_loc_conf(r->main, ngx_http_promplug_module);
  trails* all;
  if (conf->worker == NULL || main_loc_conf->zone == NULL) return NULL;
  all = trails_of(r->main, 1);
  return all != NULL ? trail_of(all, r, 1) : NULL;
}

static ngx_int_t on_redirect(ngx_http_request_t* r) {
  ngx_http_promplug_main_conf_t* conf;
  ngx_http_promplug_loc_conf_t* main_loc_conf;
  trail* own;
  if (r->upstream == NULL || (own = make_trail(r)) == NULL) return NGX_DECLINED;
  conf = ngx_http_get_module_main_conf(r, ngx_http_promplug_module);
  main_loc_conf = ngx_http_get_module_loc_conf(r->main, ngx_http_promplug_module);
  count_one(conf->worker, r, main_loc_conf->zone, own);
  own->counted = r->upstream;
  own->n_attempts = r->upstream_states != NULL ? r->upstream_states->nelts : 0;
  return NGX_DECLINED;
}

/* Set anew for each configuration, as the chain of filters is. */
static ngx_http_output_header_filter_pt next_header_filter;

/* Not a phase: a clone, such as a slice, begins behind them. */
static ngx_int_t on_header(ngx_http_request_t* r) {
  if (r != r->main && r->upstream != NULL) (void)make_trail(r);
  return next_header_filter(r);
}

ngx_int_t ngx_http_promplug_trail_init(ngx_conf_t* cf) {
  ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  ngx_http_handler_pt* place = ngx_array_push(&core->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
  if (place == NULL) return NGX_ERROR;
  *place = on_redirect;
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = on_header;
  return NGX_OK;
}

void ngx_http_promplug_count_upstreams(ngx_http_promplug_worker_t* worker, ngx_http_request_t* r,
                                       const ngx_http_promplug_zone_t* zone) {
  trails* all = trails_of(r, 0);
  count_one(worker, r, zone, all != NULL ? trail_of(all, r, 0) : NULL);
  for (trail* at = all != NULL ? all->newest : NULL; at != NULL; at = at->next)
    if (at->r != r) count_one(worker, at->r, zone, at);
}
