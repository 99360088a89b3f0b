/* SPDX-License-Identifier: MIT */
/* The counts that all workers of one master share: exactly one process may say them. */
#include "promplug_worker.h"

#if defined(NGX_STAT_STUB)

static int32_t say_total(const promplug_writer* writer, promplug_str name, promplug_str help,
                         const ngx_atomic_t* count) {
  promplug_family_head head = {.struct_size = sizeof head, .type = PROMPLUG_COUNTER};
  int32_t rc;
  head.name = name;
  head.help = help;
  rc = writer->family(writer, &head);
  return rc != PROMPLUG_OK ? rc : writer->sample(writer, NULL, 0, (double)*count);
}

static int32_t collect(void* user, const promplug_writer* writer) {
  static const promplug_str accepted = PROMPLUG_S("nginx_connections_accepted_total"),
                            accepted_help = PROMPLUG_S("Connections accepted."),
                            handled = PROMPLUG_S("nginx_connections_handled_total"),
                            handled_help = PROMPLUG_S(
                                "Connections handled; fewer than accepted where a limit, such as "
                                "worker_connections, was reached.");
  /* Of one process, the sum is what it says, without a label for it. */
  static const promplug_family_head head = {
      .struct_size = sizeof head,
      .type = PROMPLUG_GAUGE,
      .process_mode = PROMPLUG_MODE_SUM,
      .name = PROMPLUG_S("nginx_connections"),
      .help = PROMPLUG_S("Client connections by state. Active ones are all, the idle included.")};
  const struct {
    promplug_kv label;
    const ngx_atomic_t* count;
  } states[] = {
      {{PROMPLUG_S("state"), PROMPLUG_S("active")}, ngx_stat_active},
      {{PROMPLUG_S("state"), PROMPLUG_S("reading")}, ngx_stat_reading},
      {{PROMPLUG_S("state"), PROMPLUG_S("writing")}, ngx_stat_writing},
      {{PROMPLUG_S("state"), PROMPLUG_S("waiting")}, ngx_stat_waiting},
  };
  int32_t rc = writer->family(writer, &head);
  (void)user;
  for (size_t i = 0; i < sizeof states / sizeof *states && rc == PROMPLUG_OK; ++i)
    rc = writer->sample(writer, &states[i].label, 1, (double)*states[i].count);
  if (rc == PROMPLUG_OK) rc = say_total(writer, accepted, accepted_help, ngx_stat_accepted);
  return rc == PROMPLUG_OK ? say_total(writer, handled, handled_help, ngx_stat_handled) : rc;
}

void ngx_http_promplug_connections(ngx_http_promplug_worker_t* worker, ngx_log_t* log) {
  promplug_collector collector = {.struct_size = sizeof collector,
                                  .flags = PROMPLUG_COLLECT_ONE_PROCESS,
                                  .name = PROMPLUG_S("nginx_connections"),
                                  .collect = collect};
  promplug_error error;
  promplug_reg registered;
  if (worker->api->register_collector(worker->plugin, &collector, &registered, &error) < 0)
    ngx_log_error(NGX_LOG_ERR, log, 0, "promplug: no metrics of connections: %s", error.text);
}

#else

void ngx_http_promplug_connections(ngx_http_promplug_worker_t* worker, ngx_log_t* log) {
  (void)worker;
  ngx_log_error(NGX_LOG_NOTICE, log, 0,
                "promplug: nginx was built without stub_status: no metrics of connections");
}

#endif
