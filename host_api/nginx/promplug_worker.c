/* SPDX-License-Identifier: MIT */
#include "promplug_worker.h"

#include <dlfcn.h>

#include "promplug_scrape.h"

/* Of the time that a master gives its workers after SIGTERM before it kills them. */
#define TERMINATE_MS ((ngx_msec_t)800)

static void unload(ngx_http_promplug_worker_t* worker, ngx_log_t* log) {
  if (worker->plugin != NULL) (void)worker->api->destroy(worker->plugin);
  ngx_http_promplug_lines_write(&worker->lines, log);
  (void)pthread_mutex_destroy(&worker->lines.mutex);
  ngx_http_promplug_families_free(&worker->families);
  ngx_http_promplug_upstreams_free(&worker->upstreams);
  ngx_http_promplug_wake_close(worker);
  ngx_http_promplug_wake_free(worker);
  if (worker->object != NULL) (void)dlclose(worker->object);
  ngx_free(worker);
}

static ngx_http_promplug_worker_t* new_worker(ngx_log_t* log) {
  ngx_http_promplug_worker_t* worker = ngx_calloc(sizeof *worker, log);
  if (worker == NULL) return NULL;
  worker->wake.fd = -1;
  ngx_queue_init(&worker->scrapes);
  if (ngx_http_promplug_lines_init(&worker->lines) == NGX_OK) return worker;
  ngx_free(worker);
  return NULL;
}

/* What was not possible is one line at this level. */
static ngx_int_t load(ngx_http_promplug_worker_t* worker, ngx_http_promplug_main_conf_t* conf,
                      ngx_uint_t level, ngx_log_t* log) {
  promplug_handshake handshake = {.struct_size = sizeof handshake,
                                  .abi_major = PROMPLUG_ABI_MAJOR,
                                  .abi_minor = PROMPLUG_ABI_MINOR};
  promplug_entry_fn entry = NULL;
  worker->object = dlopen((const char*)conf->plugin.data, RTLD_NOW | RTLD_LOCAL);
  if (worker->object == NULL) {
    ngx_log_error(level, log, 0, "promplug: no metrics: promplug_plugin: %s", dlerror());
    return NGX_ERROR;
  }
  *(void**)&entry = dlsym(worker->object, PROMPLUG_ENTRY_NAME);
  if (entry == NULL) {
    ngx_log_error(
        level, log, 0,
        "promplug: no metrics: promplug_plugin: %V is not a promplug plugin: it has no %s",
        &conf->plugin, PROMPLUG_ENTRY_NAME);
    return NGX_ERROR;
  }
  worker->api = entry(&handshake);
  if (worker->api != NULL) return NGX_OK;
  ngx_log_error(level, log, 0, "promplug: no metrics: promplug_plugin: %V: %s", &conf->plugin,
                handshake.text);
  return NGX_ERROR;
}

/* The plugin calls an override what nginx.conf calls promplug_set. */
static void log_failure(const promplug_error* error, ngx_uint_t level, ngx_log_t* log) {
  static const char named[] = "override: ";
  const size_t n = sizeof named - 1;
  ngx_flag_t ours = ngx_strncmp(error->text, named, n) == 0;
  ngx_log_error(level, log, 0, "promplug: no metrics: %s%s", ours ? "promplug_set: " : "",
                ours ? error->text + n : error->text);
}

static ngx_int_t create(ngx_http_promplug_worker_t* worker, ngx_http_promplug_main_conf_t* conf,
                        const ngx_array_t* overrides, ngx_uint_t level, ngx_log_t* log) {
  static const promplug_str name = PROMPLUG_S("nginx"), version = PROMPLUG_S(NGINX_VERSION);
  promplug_host host = {.struct_size = sizeof host, .user = worker, .log = ngx_http_promplug_log};
  promplug_options options = {.struct_size = sizeof options};
  promplug_error error;
  int32_t rc;
  host.name = name;
  host.version = version;
  options.config_path.ptr = (const char*)conf->config.data;
  options.config_path.len = conf->config.len;
  options.overrides = overrides->elts;
  options.n_overrides = overrides->nelts;
  rc = worker->api->create(&host, &options, &worker->plugin, &error);
  ngx_http_promplug_lines_write(&worker->lines, log);
  if (rc >= 0) return NGX_OK;
  worker->plugin = NULL;
  log_failure(&error, level, log);
  return NGX_ERROR;
}

void ngx_http_promplug_worker_start(ngx_cycle_t* cycle, ngx_http_promplug_main_conf_t* conf) {
  ngx_http_promplug_worker_t* worker = new_worker(cycle->log);
  promplug_error error;
  if (worker == NULL) return;
  if (load(worker, conf, NGX_LOG_ERR, cycle->log) != NGX_OK ||
      create(worker, conf, &conf->overrides, NGX_LOG_ERR, cycle->log) != NGX_OK ||
      ngx_http_promplug_families_init(worker, conf, cycle->log) != NGX_OK ||
      ngx_http_promplug_upstreams_init(worker, cycle, conf) != NGX_OK ||
      ngx_http_promplug_wake_open(worker, cycle) != NGX_OK) {
    unload(worker, cycle->log);
    return;
  }
  ngx_http_promplug_connections(worker, cycle->log);
  /* What fails of it is in the plugin's log; with PROMPLUG_E_IO the rest runs all the same. */
  int32_t rc = worker->api->start(worker->plugin, &error);
  ngx_http_promplug_lines_write(&worker->lines, cycle->log);
  if (rc < 0 && rc != PROMPLUG_E_IO) {
    ngx_log_error(NGX_LOG_ERR, cycle->log, 0, "promplug: no metrics: %s", error.text);
    unload(worker, cycle->log);
    return;
  }
  ngx_http_promplug_know_values(worker, conf, cycle->log);
  conf->worker = worker;
}

/* A worker unloads its modules before it exits. */
static void stay_loaded(void) {
  Dl_info info;
  if (dladdr(&ngx_http_promplug_module, &info) != 0)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

void ngx_http_promplug_worker_stop(ngx_cycle_t* cycle, ngx_http_promplug_main_conf_t* conf) {
  ngx_http_promplug_worker_t* worker = conf->worker;
  ngx_msec_t limit = ngx_terminate ? ngx_min(conf->stop_timeout, TERMINATE_MS) : conf->stop_timeout;
  promplug_error error;
  if (worker == NULL) return;
  conf->worker = NULL;
  ngx_http_promplug_scrapes_end(worker);
  int32_t rc = worker->api->stop(worker->plugin, (uint32_t)limit, &error);
  ngx_http_promplug_lines_write(&worker->lines, cycle->log);
  if (rc >= 0) {
    unload(worker, cycle->log);
    return;
  }
  /* Its threads may still call: what they use stays as long as the process. */
  ngx_http_promplug_wake_close(worker);
  stay_loaded();
  ngx_log_error(NGX_LOG_WARN, cycle->log, 0, "promplug: the plugin has not ended within %M ms: %s",
                limit, error.text);
}

void ngx_http_promplug_worker_check(ngx_conf_t* cf, ngx_http_promplug_main_conf_t* conf) {
  /* The test is none of the processes of a set: files of its user in there would be in the way. */
  static const promplug_kv alone = {PROMPLUG_S("multiprocess.dir"), PROMPLUG_S("")};
  ngx_uint_t n = conf->overrides.nelts;
  ngx_array_t* overrides = ngx_array_create(cf->pool, n + 1, sizeof(promplug_kv));
  ngx_http_promplug_worker_t* worker = overrides != NULL ? new_worker(cf->log) : NULL;
  if (worker == NULL) return;
  ngx_memcpy(ngx_array_push_n(overrides, n), conf->overrides.elts, n * sizeof(promplug_kv));
  *(promplug_kv*)ngx_array_push(overrides) = alone;
  if (load(worker, conf, NGX_LOG_WARN, cf->log) == NGX_OK)
    (void)create(worker, conf, overrides, NGX_LOG_WARN, cf->log);
  unload(worker, cf->log);
}
