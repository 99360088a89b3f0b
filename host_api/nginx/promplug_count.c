/* SPDX-License-Identifier: MIT */
#include "promplug_count.h"

#include "promplug_worker.h"

/* As nginx's own $status. */
static ngx_uint_t status_of(const ngx_http_request_t* r) {
  if (r->err_status != 0) return r->err_status;
  if (r->headers_out.status != 0) return r->headers_out.status;
  return r->http_version == NGX_HTTP_VERSION_9 ? 9 : 0;
}

/* As nginx's own $request_time: in milliseconds, by the time that the event loop has. */
static double seconds_of(const ngx_http_request_t* r) {
  ngx_time_t* now = ngx_timeofday();
  ngx_msec_int_t ms =
      (ngx_msec_int_t)((now->sec - r->start_sec) * 1000 + (now->msec - r->start_msec));
  return (double)ngx_max(ms, 0) / 1000;
}

static void read_label(ngx_http_request_t* r, const ngx_http_promplug_label_t* label,
                       ngx_str_t* value) {
  const ngx_http_variable_value_t* variable =
      ngx_http_get_indexed_variable(r, (ngx_uint_t)label->variable);
  if (variable == NULL || variable->not_found) {
    ngx_str_set(value, "");
  } else if (variable->len > NGX_HTTP_PROMPLUG_MAX_VALUE) {
    ngx_str_set(value, NGX_HTTP_PROMPLUG_OTHER);
  } else {
    value->data = variable->data;
    value->len = variable->len;
  }
}

ngx_int_t ngx_http_promplug_count_handler(ngx_http_request_t* r) {
  const ngx_http_promplug_loc_conf_t* loc_conf =
      ngx_http_get_module_loc_conf(r, ngx_http_promplug_module);
  const ngx_http_promplug_main_conf_t* conf;
  const ngx_http_promplug_label_t* label;
  ngx_http_promplug_sample_t sample;
  /* With log_subrequest it is called for those, too. */
  if (loc_conf->zone == NULL || r != r->main) return NGX_OK;
  conf = ngx_http_get_module_main_conf(r, ngx_http_promplug_module);
  if (conf->worker == NULL) return NGX_OK;

  sample.zone = loc_conf->zone;
  sample.method = r->method;
  sample.status = status_of(r);
  sample.seconds = seconds_of(r);
  sample.received_bytes = (double)r->request_length;
  sample.sent_bytes = (double)r->connection->sent;
  label = conf->labels.elts;
  for (ngx_uint_t i = 0; i < conf->labels.nelts; ++i) read_label(r, &label[i], &sample.labels[i]);
  ngx_http_promplug_count_request(conf->worker, &sample);
  ngx_http_promplug_count_upstreams(conf->worker, r, loc_conf->zone);
  return NGX_OK;
}
