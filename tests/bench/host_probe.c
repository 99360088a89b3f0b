/* SPDX-License-Identifier: MIT */
/* usage: host_probe plugin | host_probe libraries NAME...
 *
 * What a C host pays once, beyond libstdc++: time to load, start and stop the plugin (scraped
 * through the host only), or to load libraries; and the memory that is resident then. Writes one
 * JSON object. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <promplug/promplug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char* text) {
  fprintf(stderr, "host_probe: %s\n", text);
  exit(1);
}

static double now_ms(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long resident_kib(void) {
  char line[256];
  long kib = -1;
  FILE* in = fopen("/proc/self/smaps_rollup", "r");
  if (in == NULL) fail("no /proc/self/smaps_rollup");
  while (kib < 0 && fgets(line, sizeof line, in) != NULL) {
    if (strncmp(line, "Rss:", 4) == 0) kib = atol(line + 4);
  }
  fclose(in);
  return kib;
}

static void* load(const char* name) {
  void* object = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (object == NULL) fail(dlerror());
  return object;
}

static int32_t begin(void* user, int32_t status, const promplug_kv* headers, size_t n_headers,
                     int64_t content_length) {
  (void)user, (void)headers, (void)n_headers, (void)content_length;
  return status != 200;
}

static int32_t body(void* user, const void* data, size_t len) {
  (void)data;
  *(size_t*)user += len;
  return 0;
}

static void scrape(const promplug_api* api, promplug_instance* plugin) {
  static const promplug_str get = PROMPLUG_S("GET"), path = PROMPLUG_S("/metrics");
  promplug_request request = {.struct_size = sizeof request};
  promplug_response response = {.struct_size = sizeof response};
  size_t bytes = 0;
  request.method = get, request.path = path;
  response.user = &bytes, response.begin = begin, response.write = body;
  if (api->handle_request(plugin, &request, &response, NULL) != PROMPLUG_OK || bytes == 0) {
    fail("no answer to a scrape");
  }
}

static void drop_log(void* user, int32_t level, const char* text, size_t len) {
  (void)user, (void)level, (void)text, (void)len;
}

struct figures {
  double start_ms, stop_ms, cpu_ms;
  long kib, scraped_kib;
};

static struct figures measure_plugin(void) {
  promplug_handshake hands = {.struct_size = sizeof hands,
                              .abi_major = PROMPLUG_ABI_MAJOR,
                              .abi_minor = PROMPLUG_ABI_MINOR};
  promplug_options options = {.struct_size = sizeof options,
                              .flags = PROMPLUG_F_NO_ENV | PROMPLUG_F_NO_LISTENER};
  promplug_host host = {.struct_size = sizeof host, .log = drop_log};
  promplug_instance* plugin;
  promplug_entry_fn entry;
  const promplug_api* api;
  promplug_error error = {0};
  struct figures f;
  double at, cpu;
  const long before_kib = resident_kib();

  cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID), at = now_ms(CLOCK_MONOTONIC);
  *(void**)&entry = dlsym(load(PROMPLUG_SO), PROMPLUG_ENTRY_NAME);
  if (entry == NULL || (api = entry(&hands)) == NULL) fail("not a plugin");
  if (api->create(&host, &options, &plugin, &error) != PROMPLUG_OK ||
      api->start(plugin, &error) != PROMPLUG_OK) {
    fail(error.text);
  }
  f.start_ms = now_ms(CLOCK_MONOTONIC) - at;
  f.cpu_ms = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  f.kib = resident_kib() - before_kib;
  scrape(api, plugin);
  f.scraped_kib = resident_kib() - before_kib;
  cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID), at = now_ms(CLOCK_MONOTONIC);
  if (api->stop(plugin, 5000, &error) != PROMPLUG_OK || api->destroy(plugin) != PROMPLUG_OK) {
    fail("it does not stop");
  }
  f.stop_ms = now_ms(CLOCK_MONOTONIC) - at;
  f.cpu_ms += now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  return f;
}

static struct figures measure_libraries(int n, char** names) {
  struct figures f = {0};
  const long before_kib = resident_kib();
  const double cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID), at = now_ms(CLOCK_MONOTONIC);
  int i;
  for (i = 0; i < n; ++i) load(names[i]);
  f.start_ms = now_ms(CLOCK_MONOTONIC) - at;
  f.cpu_ms = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  f.kib = f.scraped_kib = resident_kib() - before_kib;
  return f;
}

int main(int argc, char** argv) {
  struct figures f;
  if (argc < 2) fail("plugin, or libraries NAME...");
  load("libstdc++.so.6");
  f = strcmp(argv[1], "plugin") == 0 ? measure_plugin() : measure_libraries(argc - 2, argv + 2);
  printf(
      "{\"start_ms\": %.3f, \"stop_ms\": %.3f, \"cpu_ms\": %.3f, \"kib\": %ld, "
      "\"scraped_kib\": %ld}\n",
      f.start_ms, f.stop_ms, f.cpu_ms, f.kib, f.scraped_kib);
  return 0;
}
