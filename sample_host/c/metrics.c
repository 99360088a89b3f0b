/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void log_line(const char* format, ...) {
  char line[1024];
  va_list arguments;
  int used = snprintf(line, sizeof line, "[%ld] ", (long)getpid());
  va_start(arguments, format);
  (void)vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
  va_end(arguments);
  used = (int)strlen(line);
  line[used++] = '\n';
  /* One write, so that the lines of several processes do not mix. */
  if (write(STDERR_FILENO, line, (size_t)used) < 0) return;
}

static void log_of_plugin(void* user, int32_t level, const char* text, size_t len) {
  (void)user;
  log_line("promplug %s: %.*s",
           level >= PROMPLUG_LOG_ERROR  ? "error"
           : level >= PROMPLUG_LOG_WARN ? "warning"
           : level >= PROMPLUG_LOG_INFO ? "info"
                                        : "debug",
           (int)len, text);
}

static const promplug_api* api_of(const char* so) {
  promplug_handshake hands = {.struct_size = sizeof hands,
                              .abi_major = PROMPLUG_ABI_MAJOR,
                              .abi_minor = PROMPLUG_ABI_MINOR};
  promplug_entry_fn entry;
  const promplug_api* api;
  void* object = dlopen(so, RTLD_NOW | RTLD_LOCAL);
  if (object == NULL) return log_line("serving without metrics: %s", dlerror()), NULL;
  *(void**)&entry = dlsym(object, PROMPLUG_ENTRY_NAME);
  api = entry == NULL ? NULL : entry(&hands);
  if (entry == NULL) {
    log_line("serving without metrics: %s has no %s", so, PROMPLUG_ENTRY_NAME);
  } else if (api == NULL) {
    log_line("serving without metrics: %s: %s", so, hands.text);
  }
  if (api == NULL) (void)dlclose(object);
  return api;
}

int metrics_load(struct metrics* m, const char* so, const char* yaml) {
  promplug_host host = {.struct_size = sizeof host, .log = log_of_plugin};
  promplug_options options = {.struct_size = sizeof options,
                              .config_path = {yaml, yaml == NULL ? 0 : PROMPLUG_Z}};
  promplug_error error;
  memset(m, 0, sizeof *m);
  if (so == NULL) return 0;
  m->api = api_of(so);
  if (m->api == NULL) return -1;
  if (m->api->create(&host, &options, &m->plugin, &error) == PROMPLUG_OK) return 0;
  log_line("serving without metrics: %s", error.text);
  memset(m, 0, sizeof *m);
  return -1;
}

static promplug_family* family_of(struct metrics* m, int32_t type, const char* name,
                                  const char* help) {
  static const promplug_str labels[] = {PROMPLUG_S("method"), PROMPLUG_S("route"),
                                        PROMPLUG_S("status")};
  promplug_family_desc desc = {.struct_size = sizeof desc,
                               .type = type,
                               .name = {name, PROMPLUG_Z},
                               .help = {help, PROMPLUG_Z},
                               .label_names = labels,
                               .n_label_names = sizeof labels / sizeof labels[0]};
  promplug_family* family = NULL;
  promplug_error error;
  if (m->api->family(m->plugin, &desc, &family, &error) < 0)
    log_line("%s is missing: %s", name, error.text);
  return family;
}

void metrics_start(struct metrics* m) {
  promplug_error error;
  if (m->plugin == NULL) return;
  m->requests = family_of(m, PROMPLUG_COUNTER, "http_requests_total", "Requests answered.");
  m->durations = family_of(m, PROMPLUG_HISTOGRAM, "http_request_duration_seconds",
                           "Time from the request to its answer.");
  /* What fails of it is in the plugin's log too, and the rest runs. */
  if (m->api->start(m->plugin, &error) < 0)
    log_line("the plugin started with a problem: %s", error.text);
}

void metrics_count(struct metrics* m, promplug_str method, const char* route, int status,
                   double seconds) {
  char code[12];
  promplug_str labels[3] = {method, {route, PROMPLUG_Z}, {code, PROMPLUG_Z}};
  if (m->plugin == NULL) return;
  (void)snprintf(code, sizeof code, "%d", status);
  if (m->requests != NULL) (void)m->api->update(m->requests, labels, 3, PROMPLUG_OP_ADD, 1, NULL);
  if (m->durations != NULL)
    (void)m->api->update(m->durations, labels, 3, PROMPLUG_OP_OBSERVE, seconds, NULL);
}

int metrics_answer(struct metrics* m, const promplug_request* request,
                   const promplug_response* response) {
  promplug_error error;
  int32_t rc;
  if (m->plugin == NULL) return PROMPLUG_NOT_HANDLED;
  rc = m->api->handle_request(m->plugin, request, response, &error);
  if (rc < 0 && rc != PROMPLUG_E_CANCELLED) log_line("a scrape failed: %s", error.text);
  return rc;
}

void metrics_stop(struct metrics* m, unsigned stop_ms) {
  promplug_error error;
  if (m->plugin == NULL) return;
  if (m->api->stop(m->plugin, stop_ms, &error) < 0)
    log_line("the plugin did not stop in time: %s", error.text);
  else
    (void)m->api->destroy(m->plugin);
  memset(m, 0, sizeof *m);
}
