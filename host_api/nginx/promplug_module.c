/* SPDX-License-Identifier: MIT */
#include "promplug_conf.h"
#include "promplug_count.h"
#include "promplug_upstream.h"
#include "promplug_worker.h"

static ngx_int_t finish_conf(ngx_conf_t* cf);
static ngx_int_t init_module(ngx_cycle_t* cycle);
static ngx_int_t init_process(ngx_cycle_t* cycle);
static void exit_process(ngx_cycle_t* cycle);

static ngx_http_module_t context = {
    NULL, finish_conf, ngx_http_promplug_create_main_conf, ngx_http_promplug_init_main_conf,
    NULL, NULL,        ngx_http_promplug_create_loc_conf,  ngx_http_promplug_merge_loc_conf};

ngx_module_t ngx_http_promplug_module = {NGX_MODULE_V1,   &context, ngx_http_promplug_commands,
                                         NGX_HTTP_MODULE, NULL,     init_module,
                                         init_process,    NULL,     NULL,
                                         exit_process,    NULL,     NGX_MODULE_V1_PADDING};

static void warn_of_many_workers(ngx_conf_t* cf, const ngx_http_promplug_main_conf_t* conf) {
  ngx_core_conf_t* core = (ngx_core_conf_t*)ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module);
  /* A file or another override may say it, too. */
  if (core->worker_processes > 1 && conf->directory.len == 0 && conf->config.len == 0 &&
      conf->overrides.nelts == 0)
    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "promplug: each of %i workers answers for itself alone; "
                  "\"promplug_multiprocess_dir\" makes them one",
                  core->worker_processes);
}

/* When http {} has been read whole. */
static ngx_int_t finish_conf(ngx_conf_t* cf) {
  ngx_http_promplug_main_conf_t* conf =
      ngx_http_conf_get_module_main_conf(cf, ngx_http_promplug_module);
  ngx_http_core_main_conf_t* core;
  ngx_http_handler_pt* place;
  if (!conf->used) return NGX_OK;
  warn_of_many_workers(cf, conf);
  /* The process of `nginx -t` ends soon: what is loaded there matters to nobody. */
  if (ngx_test_config) ngx_http_promplug_worker_check(cf, conf);
  if (conf->zones.nelts == 0) return NGX_OK;
  core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
  place = ngx_array_push(&core->phases[NGX_HTTP_LOG_PHASE].handlers);
  if (place == NULL) return NGX_ERROR;
  *place = ngx_http_promplug_count_handler;
  return ngx_http_promplug_trail_init(cf);
}

/* NULL: there is no http {}, or nothing for the plugin to do. */
static ngx_http_promplug_main_conf_t* conf_of(ngx_cycle_t* cycle) {
  ngx_http_promplug_main_conf_t* conf =
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_promplug_module);
  return conf != NULL && conf->used ? conf : NULL;
}

/* In the master, for each configuration. */
static ngx_int_t init_module(ngx_cycle_t* cycle) {
  const ngx_http_promplug_main_conf_t* conf = conf_of(cycle);
  if (conf != NULL) ngx_http_promplug_make_directory(cycle, conf);
  return NGX_OK;
}

static ngx_int_t init_process(ngx_cycle_t* cycle) {
  ngx_http_promplug_main_conf_t* conf = conf_of(cycle);
  /* The managers of a cache are processes, too. */
  if (conf != NULL && (ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE))
    ngx_http_promplug_worker_start(cycle, conf);
  return NGX_OK;
}

static void exit_process(ngx_cycle_t* cycle) {
  ngx_http_promplug_main_conf_t* conf = conf_of(cycle);
  if (conf != NULL) ngx_http_promplug_worker_stop(cycle, conf);
}
