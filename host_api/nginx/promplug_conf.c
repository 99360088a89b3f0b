/* SPDX-License-Identifier: MIT */
#include "promplug_conf.h"

#include "promplug_scrape.h"

#define MAX_SERIES_DEFAULT 10000
#define STOP_TIMEOUT_DEFAULT 5000

static char* set_path(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);
static char* set_promplug(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);
static char* set_metrics(ngx_conf_t* cf, ngx_command_t* cmd, void* conf);
static char* check_max_series(ngx_conf_t* cf, void* post, void* data);

static ngx_conf_post_t max_series_post = {check_max_series};

static ngx_conf_enum_t statuses[] = {
    {ngx_string("class"), 0}, {ngx_string("exact"), 1}, {ngx_null_string, 0}};

#define ANY_LEVEL (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)
#define MAIN_FIELD(field) NGX_HTTP_MAIN_CONF_OFFSET, offsetof(ngx_http_promplug_main_conf_t, field)
#define LOC_FIELD(field) NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_promplug_loc_conf_t, field)

ngx_command_t ngx_http_promplug_commands[] = {
    {ngx_string("promplug_plugin"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_path,
     MAIN_FIELD(plugin), NULL},
    {ngx_string("promplug_config"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_path,
     MAIN_FIELD(config), NULL},
    {ngx_string("promplug_set"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
     ngx_http_promplug_set_override, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("promplug_multiprocess_dir"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
     ngx_http_promplug_set_directory, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("promplug_label"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE23,
     ngx_http_promplug_set_label, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("promplug_max_series"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
     MAIN_FIELD(max_series), &max_series_post},
    {ngx_string("promplug_request_buckets"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
     ngx_http_promplug_set_buckets, MAIN_FIELD(request_buckets), NULL},
    {ngx_string("promplug_upstream_buckets"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
     ngx_http_promplug_set_buckets, MAIN_FIELD(upstream_buckets), NULL},
    {ngx_string("promplug_stop_timeout"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
     ngx_conf_set_msec_slot, MAIN_FIELD(stop_timeout), NULL},
    {ngx_string("promplug"), ANY_LEVEL | NGX_HTTP_LIF_CONF | NGX_CONF_TAKE12, set_promplug,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("promplug_status"), ANY_LEVEL | NGX_CONF_TAKE1, ngx_conf_set_enum_slot,
     LOC_FIELD(exact_status), statuses},
    {ngx_string("promplug_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_metrics,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    ngx_null_command};

void* ngx_http_promplug_create_main_conf(ngx_conf_t* cf) {
  ngx_http_promplug_main_conf_t* conf = ngx_pcalloc(cf->pool, sizeof *conf);
  if (conf == NULL ||
      ngx_array_init(&conf->overrides, cf->pool, 4, sizeof(promplug_kv)) != NGX_OK ||
      ngx_array_init(&conf->labels, cf->pool, 2, sizeof(ngx_http_promplug_label_t)) != NGX_OK ||
      ngx_array_init(&conf->zones, cf->pool, 8, sizeof(ngx_http_promplug_zone_t*)) != NGX_OK)
    return NULL;
  conf->max_series = NGX_CONF_UNSET_UINT;
  conf->stop_timeout = NGX_CONF_UNSET_MSEC;
  return conf;
}

/* A key that a directive of its own sets, and promplug_set too: which one counts would be a guess.
 */
static char* add_directory(ngx_conf_t* cf, ngx_http_promplug_main_conf_t* conf) {
  static const promplug_str key = PROMPLUG_S("multiprocess.dir");
  promplug_kv* kv = conf->overrides.elts;
  for (ngx_uint_t i = 0; i < conf->overrides.nelts; ++i)
    if (kv[i].key.len == key.len && ngx_memcmp(kv[i].key.ptr, key.ptr, key.len) == 0) {
      ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                    "\"promplug_set multiprocess.dir\" and \"promplug_multiprocess_dir\" are both "
                    "there, expected one of them");
      return NGX_CONF_ERROR;
    }
  kv = ngx_array_push(&conf->overrides);
  if (kv == NULL) return NGX_CONF_ERROR;
  kv->key = key;
  kv->value.ptr = (const char*)conf->directory.data;
  kv->value.len = conf->directory.len;
  return NGX_CONF_OK;
}

char* ngx_http_promplug_init_main_conf(ngx_conf_t* cf, void* conf) {
  ngx_http_promplug_main_conf_t* main_conf = conf;
  ngx_conf_init_uint_value(main_conf->max_series, MAX_SERIES_DEFAULT);
  ngx_conf_init_msec_value(main_conf->stop_timeout, STOP_TIMEOUT_DEFAULT);
  return main_conf->directory.len > 0 ? add_directory(cf, main_conf) : NGX_CONF_OK;
}

void* ngx_http_promplug_create_loc_conf(ngx_conf_t* cf) {
  ngx_http_promplug_loc_conf_t* conf = ngx_pcalloc(cf->pool, sizeof *conf);
  if (conf == NULL) return NULL;
  conf->enable = NGX_CONF_UNSET;
  conf->exact_status = NGX_CONF_UNSET_UINT;
  return conf;
}

static ngx_flag_t same_text(const ngx_str_t* a, const ngx_str_t* b) {
  return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}

static ngx_http_promplug_zone_t* find_or_add_zone(ngx_conf_t* cf, ngx_array_t* zones,
                                                  const ngx_http_promplug_zone_t* wanted) {
  ngx_http_promplug_zone_t **all = zones->elts, **place, *zone;
  for (ngx_uint_t i = 0; i < zones->nelts; ++i)
    if (all[i]->exact_status == wanted->exact_status && same_text(&all[i]->name, &wanted->name) &&
        same_text(&all[i]->server, &wanted->server))
      return all[i];
  place = ngx_array_push(zones);
  zone = ngx_palloc(cf->pool, sizeof *zone);
  if (place == NULL || zone == NULL) return NULL;
  *zone = *wanted;
  zone->index = zones->nelts - 1;
  return *place = zone;
}

char* ngx_http_promplug_merge_loc_conf(ngx_conf_t* cf, void* parent, void* child) {
  ngx_http_promplug_loc_conf_t *prev = parent, *conf = child;
  ngx_http_promplug_main_conf_t* main_conf =
      ngx_http_conf_get_module_main_conf(cf, ngx_http_promplug_module);
  ngx_http_core_srv_conf_t* server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
  ngx_http_promplug_zone_t zone;

  /* Scrapes are no traffic, unless it is said right there that they are. */
  if (conf->answers && conf->enable == NGX_CONF_UNSET) conf->enable = 0;
  ngx_conf_merge_value(conf->enable, prev->enable, 0);
  ngx_conf_merge_str_value(conf->zone_name, prev->zone_name, "default");
  ngx_conf_merge_uint_value(conf->exact_status, prev->exact_status, 0);
  if (!conf->enable && !conf->answers) return NGX_CONF_OK;

  main_conf->used = 1;
  if (main_conf->plugin.len == 0) {
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"promplug on\" and \"promplug_metrics\" need \"promplug_plugin\" in http");
    return NGX_CONF_ERROR;
  }
  if (!conf->enable) return NGX_CONF_OK;

  ngx_memzero(&zone, sizeof zone);
  zone.server = server->server_name;
  if (!ngx_http_promplug_is_label_value(&zone.server)) {
    ngx_str_set(&zone.server, "_");
  }
  zone.name = conf->zone_name;
  zone.exact_status = conf->exact_status;
  conf->zone = find_or_add_zone(cf, &main_conf->zones, &zone);
  return conf->zone != NULL ? NGX_CONF_OK : NGX_CONF_ERROR;
}

/* ---- Directives ---------------------------------------------------------------------------- */

static char* set_path(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
  ngx_str_t* field = (ngx_str_t*)((char*)conf + cmd->offset);
  ngx_str_t* value = cf->args->elts;
  if (field->data != NULL) return "is duplicate";
  if (value[1].len == 0) return "has an empty path";
  *field = value[1];
  /* As load_module and include do: what is loaded stands below the prefix, what is read below the
   * directory of nginx.conf. */
  return ngx_conf_full_name(cf->cycle, field,
                            cmd->offset == offsetof(ngx_http_promplug_main_conf_t, config)) ==
                 NGX_OK
             ? NGX_CONF_OK
             : NGX_CONF_ERROR;
}

static char* set_promplug(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
  static const ngx_str_t zone = ngx_string("zone=");
  ngx_http_promplug_loc_conf_t* loc_conf = conf;
  ngx_str_t* value = cf->args->elts;
  (void)cmd;
  if (loc_conf->enable != NGX_CONF_UNSET) return "is duplicate";
  if (value[1].len == 2 && ngx_memcmp(value[1].data, "on", 2) == 0) {
    loc_conf->enable = 1;
  } else if (value[1].len == 3 && ngx_memcmp(value[1].data, "off", 3) == 0) {
    loc_conf->enable = 0;
  } else {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"promplug\": \"%V\", expected on or off", &value[1]);
    return NGX_CONF_ERROR;
  }
  if (cf->args->nelts == 2) return NGX_CONF_OK;

  if (value[2].len > zone.len && ngx_memcmp(value[2].data, zone.data, zone.len) == 0) {
    loc_conf->zone_name.data = value[2].data + zone.len;
    loc_conf->zone_name.len = value[2].len - zone.len;
    if (ngx_http_promplug_is_label_value(&loc_conf->zone_name)) return NGX_CONF_OK;
  }
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                     "\"promplug\": \"%V\", expected zone= and a name of 1 to %d bytes of UTF-8",
                     &value[2], NGX_HTTP_PROMPLUG_MAX_VALUE);
  return NGX_CONF_ERROR;
}

static char* set_metrics(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
  ngx_http_promplug_loc_conf_t* loc_conf = conf;
  ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
  (void)cmd;
  if (loc_conf->answers) return "is duplicate";
  loc_conf->answers = 1;
  core->handler = ngx_http_promplug_scrape_handler;
  return NGX_CONF_OK;
}

static char* check_max_series(ngx_conf_t* cf, void* post, void* data) {
  ngx_int_t* value = data;
  (void)post;
  if (*value >= 1 && *value <= 1000000) return NGX_CONF_OK;
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                     "\"promplug_max_series\": %i, expected a number from 1 to 1000000", *value);
  return NGX_CONF_ERROR;
}
