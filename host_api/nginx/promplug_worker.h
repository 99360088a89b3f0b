/* SPDX-License-Identifier: MIT */
/* The plugin in a worker process: loaded when the worker begins, stopped when it ends. The master
 * never loads it: threads do not survive its forks. */
#ifndef PROMPLUG_NGINX_WORKER_H
#define PROMPLUG_NGINX_WORKER_H

#include "promplug_conf.h"
/* Behind nginx's headers, which say what of the C library they want. */
#include <pthread.h>

#include "promplug_series.h"
#include "promplug_upstream.h"

/* Lines of the plugin, of any thread, until the worker's own thread writes them: nginx's log is not
 * made for other threads (it may be reopened, or be a syslog connection). */
typedef struct ngx_http_promplug_line_s ngx_http_promplug_line_t;
typedef struct {
  pthread_mutex_t mutex;
  ngx_http_promplug_line_t* first;
  ngx_http_promplug_line_t** last;
  ngx_uint_t n;
  ngx_uint_t dropped;
} ngx_http_promplug_lines_t;

/* What other threads wake the event loop by. */
typedef struct {
  ngx_fd_t fd; /* an eventfd; -1: none */
  ngx_connection_t* connection;
} ngx_http_promplug_wake_t;

struct ngx_http_promplug_worker_s {
  void* object; /* of dlopen() */
  const promplug_api* api;
  promplug_instance* plugin;
  ngx_flag_t started;
  ngx_http_promplug_lines_t lines;
  ngx_http_promplug_wake_t wake;
  ngx_queue_t scrapes; /* those that have not ended */
  ngx_http_promplug_families_t families;
  ngx_http_promplug_upstreams_t upstreams;
};

/* Loads and starts the plugin for conf->worker. What fails is one line at level `error` that names
 * the file, and conf->worker stays NULL: nginx serves on. */
void ngx_http_promplug_worker_start(ngx_cycle_t* cycle, ngx_http_promplug_main_conf_t* conf);
/* Ends every scrape and the plugin; waits for its last push, conf->stop_timeout at most. */
void ngx_http_promplug_worker_stop(ngx_cycle_t* cycle, ngx_http_promplug_main_conf_t* conf);
/* Loads the plugin, has it read its configuration, and says at level `warn` what a worker would not
 * take. For `nginx -t`, whose process ends after it. */
void ngx_http_promplug_worker_check(ngx_conf_t* cf, ngx_http_promplug_main_conf_t* conf);

/* ---- promplug_log.c ------------------------------------------------------------------------ */
ngx_int_t ngx_http_promplug_lines_init(ngx_http_promplug_lines_t* lines);
/* promplug_host.log, whose user is the worker. Any thread; never waits for I/O. */
void ngx_http_promplug_log(void* worker, int32_t level, const char* text, size_t len);
/* Writes what there is. The worker's own thread. */
void ngx_http_promplug_lines_write(ngx_http_promplug_lines_t* lines, ngx_log_t* log);

/* ---- promplug_wake.c ----------------------------------------------------------------------- */
/* Before it ngx_http_promplug_wake() does nothing. It takes one connection of worker_connections.
 * From when the worker begins to shut down the plugin leaves pushing to others.
 * NGX_OK, or NGX_ERROR after a line in the log. */
ngx_int_t ngx_http_promplug_wake_open(ngx_http_promplug_worker_t* worker, ngx_cycle_t* cycle);
/* Takes it out of the loop; waking has no effect from then on. */
void ngx_http_promplug_wake_close(ngx_http_promplug_worker_t* worker);
/* REQUIRES: no other thread wakes any more. */
void ngx_http_promplug_wake_free(ngx_http_promplug_worker_t* worker);
/* Has the loop write the lines and go on with the scrapes that are ready. Any thread. */
void ngx_http_promplug_wake(ngx_http_promplug_worker_t* worker);

/* ---- promplug_known.c ---------------------------------------------------------------------- */
/* Takes the values of labels from what the processes of the set have counted; where that cannot be
 * had it is one line at level `warn`. After the plugin was started, before anything is counted. */
void ngx_http_promplug_know_values(ngx_http_promplug_worker_t* worker,
                                   const ngx_http_promplug_main_conf_t* conf, ngx_log_t* log);

/* ---- promplug_connections.c ---------------------------------------------------------------- */
/* Registers nginx's own counts of connections, where it was built with them. */
void ngx_http_promplug_connections(ngx_http_promplug_worker_t* worker, ngx_log_t* log);

#endif
