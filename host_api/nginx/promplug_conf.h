/* SPDX-License-Identifier: MIT */
/* What the directives say. Made by the master for each configuration that it reads; everything but
 * `worker` is only read after that. */
#ifndef PROMPLUG_NGINX_CONF_H
#define PROMPLUG_NGINX_CONF_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <promplug/promplug.h>

#define NGX_HTTP_PROMPLUG_MAX_LABELS 8
/* Bytes of a label's value; a longer one counts as "other". */
#define NGX_HTTP_PROMPLUG_MAX_VALUE 128
#define NGX_HTTP_PROMPLUG_OTHER "other"

typedef struct ngx_http_promplug_worker_s ngx_http_promplug_worker_t;

/* One pair of server and zone, as it stands in labels; of equal ones there is one. */
typedef struct {
  ngx_str_t server;
  ngx_str_t name;
  ngx_flag_t exact_status; /* "404", not "4xx" */
  ngx_uint_t index;        /* its place in main_conf.zones */
} ngx_http_promplug_zone_t;

typedef struct {
  ngx_str_t name;
  ngx_int_t variable; /* for ngx_http_get_indexed_variable() */
  ngx_uint_t max_values;
} ngx_http_promplug_label_t;

typedef struct {
  ngx_str_t plugin;              /* full path; empty: none */
  ngx_str_t config;              /* full path; empty: none */
  ngx_str_t directory;           /* full path; empty: none */
  ngx_array_t overrides;         /* of promplug_kv, pointing to memory of the configuration */
  ngx_array_t labels;            /* of ngx_http_promplug_label_t */
  ngx_array_t zones;             /* of ngx_http_promplug_zone_t* */
  ngx_array_t* request_buckets;  /* of double; NULL: the usual ones */
  ngx_array_t* upstream_buckets; /* likewise */
  ngx_uint_t max_series;
  ngx_msec_t stop_timeout;
  ngx_flag_t used; /* something is to be counted or answered */
  /* The plugin of this process; NULL in the master, and where it could not be loaded. */
  ngx_http_promplug_worker_t* worker;
} ngx_http_promplug_main_conf_t;

typedef struct {
  ngx_flag_t enable;
  ngx_str_t zone_name;
  ngx_uint_t exact_status;
  ngx_flag_t answers;             /* promplug_metrics stands here */
  ngx_http_promplug_zone_t* zone; /* NULL: not counted */
} ngx_http_promplug_loc_conf_t;

extern ngx_module_t ngx_http_promplug_module;
extern ngx_command_t ngx_http_promplug_commands[];

void* ngx_http_promplug_create_main_conf(ngx_conf_t* cf);
char* ngx_http_promplug_init_main_conf(ngx_conf_t* cf, void* conf);
void* ngx_http_promplug_create_loc_conf(ngx_conf_t* cf);
char* ngx_http_promplug_merge_loc_conf(ngx_conf_t* cf, void* parent, void* child);

/* Directives with checks of their own (promplug_check.c). */
char* ngx_http_promplug_set_label(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);
char* ngx_http_promplug_set_buckets(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);
char* ngx_http_promplug_set_override(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);

/* promplug_directory.c. The directive refuses an existing directory that is shared with others. */
char* ngx_http_promplug_set_directory(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);
/* Makes the directory for the user of the workers; what fails of it is one line at level `warn`,
 * and the workers find themselves alone. The master, before they start. */
void ngx_http_promplug_make_directory(ngx_cycle_t* cycle,
                                      const ngx_http_promplug_main_conf_t* conf);

/* Whether it may stand in a label: UTF-8 of 1 to NGX_HTTP_PROMPLUG_MAX_VALUE bytes. */
ngx_flag_t ngx_http_promplug_is_label_value(const ngx_str_t* text);

#endif
