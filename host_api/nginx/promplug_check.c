/* SPDX-License-Identifier: MIT */
/* The directives that take more than a path or a number. */
#include <math.h>

#include "promplug_conf.h"

#define MAX_BUCKETS 100
#define MAX_VALUES_DEFAULT 100
#define MAX_VALUES_LIMIT 10000

ngx_flag_t ngx_http_promplug_is_label_value(const ngx_str_t* text) {
  u_char *at = text->data, *end = text->data + text->len;
  if (text->len == 0 || text->len > NGX_HTTP_PROMPLUG_MAX_VALUE) return 0;
  while (at < end) {
    if (*at < 0x80) {
      ++at;
      continue;
    }
    /* ngx_utf8_decode() takes surrogates, which are no UTF-8. */
    uint32_t code = ngx_utf8_decode(&at, (size_t)(end - at));
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
  }
  return 1;
}

static ngx_flag_t is_label_name(const ngx_str_t* name) {
  for (size_t i = 0; i < name->len; ++i) {
    u_char c = name->data[i];
    if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
          (i > 0 && c >= '0' && c <= '9')))
      return 0;
  }
  return name->len > 0 && !(name->len >= 2 && name->data[0] == '_' && name->data[1] == '_');
}

static char* check_label_name(ngx_conf_t* cf, ngx_http_promplug_main_conf_t* conf,
                              ngx_str_t* name) {
  static const char* const taken[] = {"server", "zone", "method", "status", "le", "worker"};
  ngx_http_promplug_label_t* label = conf->labels.elts;
  if (!is_label_name(name)) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"promplug_label\": \"%V\", expected a name of letters, digits and _ that "
                       "begins with no digit and not with __",
                       name);
    return NGX_CONF_ERROR;
  }
  for (size_t i = 0; i < sizeof taken / sizeof *taken; ++i)
    if (name->len == ngx_strlen(taken[i]) && ngx_memcmp(name->data, taken[i], name->len) == 0) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                         "\"promplug_label\": \"%V\" is a label that the metrics have already",
                         name);
      return NGX_CONF_ERROR;
    }
  for (ngx_uint_t i = 0; i < conf->labels.nelts; ++i)
    if (name->len == label[i].name.len &&
        ngx_memcmp(name->data, label[i].name.data, name->len) == 0) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"promplug_label\": \"%V\" is duplicate", name);
      return NGX_CONF_ERROR;
    }
  if (conf->labels.nelts == NGX_HTTP_PROMPLUG_MAX_LABELS) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"promplug_label\": \"%V\", expected at most %d labels", name,
                       NGX_HTTP_PROMPLUG_MAX_LABELS);
    return NGX_CONF_ERROR;
  }
  return NGX_CONF_OK;
}

static ngx_int_t read_max_values(ngx_str_t* text) {
  ngx_int_t number = NGX_ERROR;
  if (text->len > 4 && ngx_memcmp(text->data, "max=", 4) == 0)
    number = ngx_atoi(text->data + 4, text->len - 4);
  return number >= 1 && number <= MAX_VALUES_LIMIT ? number : NGX_ERROR;
}

char* ngx_http_promplug_set_label(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
  ngx_http_promplug_main_conf_t* main_conf = conf;
  ngx_str_t *value = cf->args->elts, variable = value[2];
  ngx_int_t max_values = MAX_VALUES_DEFAULT, index;
  ngx_http_promplug_label_t* label;
  (void)cmd;
  if (check_label_name(cf, main_conf, &value[1]) != NGX_CONF_OK) return NGX_CONF_ERROR;
  if (variable.len < 2 || variable.data[0] != '$') {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"promplug_label\": \"%V\", expected a variable like $host", &value[2]);
    return NGX_CONF_ERROR;
  }
  if (cf->args->nelts == 4 && (max_values = read_max_values(&value[3])) == NGX_ERROR) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"promplug_label\": \"%V\", expected max= and a number from 1 to %d",
                       &value[3], MAX_VALUES_LIMIT);
    return NGX_CONF_ERROR;
  }
  variable.data++;
  variable.len--;
  index = ngx_http_get_variable_index(cf, &variable);
  label = index == NGX_ERROR ? NULL : ngx_array_push(&main_conf->labels);
  if (label == NULL) return NGX_CONF_ERROR;
  label->name = value[1];
  label->variable = index;
  label->max_values = (ngx_uint_t)max_values;
  return NGX_CONF_OK;
}

/* A bound in seconds; NAN where the text is none. The texts of a configuration end with a NUL, and
 * nginx stays in the locale C. */
static double read_bound(const ngx_str_t* text) {
  char* end;
  double bound;
  for (size_t i = 0; i < text->len; ++i)
    if (ngx_strchr("0123456789.e-", text->data[i]) == NULL) return NAN;
  bound = strtod((const char*)text->data, &end);
  return end == (const char*)text->data + text->len && isfinite(bound) && bound > 0 ? bound : NAN;
}

char* ngx_http_promplug_set_buckets(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
  ngx_array_t** field = (ngx_array_t**)((char*)conf + cmd->offset);
  ngx_str_t* value = cf->args->elts;
  ngx_uint_t n = cf->args->nelts - 1;
  if (*field != NULL) return "is duplicate";
  if (n > MAX_BUCKETS) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %ui bounds, expected at most %d", &cmd->name,
                       n, MAX_BUCKETS);
    return NGX_CONF_ERROR;
  }
  *field = ngx_array_create(cf->pool, n, sizeof(double));
  if (*field == NULL) return NGX_CONF_ERROR;
  for (ngx_uint_t i = 1; i <= n; ++i) {
    double* bound = ngx_array_push(*field);
    *bound = read_bound(&value[i]);
    if (!(*bound > (i > 1 ? bound[-1] : 0))) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                         "\"%V\": \"%V\", expected seconds that ascend, like 0.01 0.1 1",
                         &cmd->name, &value[i]);
      return NGX_CONF_ERROR;
    }
  }
  return NGX_CONF_OK;
}

char* ngx_http_promplug_set_override(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
  ngx_http_promplug_main_conf_t* main_conf = conf;
  ngx_str_t* value = cf->args->elts;
  promplug_kv* kv = main_conf->overrides.elts;
  (void)cmd;
  for (ngx_uint_t i = 0; i < main_conf->overrides.nelts; ++i)
    if (kv[i].key.len == value[1].len &&
        ngx_memcmp(kv[i].key.ptr, value[1].data, value[1].len) == 0) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"promplug_set\": \"%V\" is duplicate", &value[1]);
      return NGX_CONF_ERROR;
    }
  kv = ngx_array_push(&main_conf->overrides);
  if (kv == NULL) return NGX_CONF_ERROR;
  kv->key.ptr = (const char*)value[1].data;
  kv->key.len = value[1].len;
  kv->value.ptr = (const char*)value[2].data;
  kv->value.len = value[2].len;
  return NGX_CONF_OK;
}
