/* SPDX-License-Identifier: MIT */
/* A whole host in C: loads the plugin, counts, answers a scrape on stdout.
 *   cc -Ihost_api/include host_api/examples/minimal_host.c -ldl
 *   ./a.out ./promplug.so [promplug.yaml] */
#include <dlfcn.h>
#include <promplug/promplug.h>
#include <stdio.h>

static int32_t begin(void* user, int32_t status, const promplug_kv* headers, size_t n_headers,
                     int64_t content_length) {
  size_t i;
  fprintf((FILE*)user, "HTTP/1.1 %d\n", (int)status);
  for (i = 0; i < n_headers; ++i)
    fprintf((FILE*)user, "%.*s: %.*s\n", (int)headers[i].key.len, headers[i].key.ptr,
            (int)headers[i].value.len, headers[i].value.ptr);
  if (content_length < 0) fprintf((FILE*)user, "Transfer-Encoding: chunked\n");
  return fputc('\n', (FILE*)user) == EOF;
}

static int32_t body(void* user, const void* data, size_t len) {
  return fwrite(data, 1, len, (FILE*)user) != len;
}

static const promplug_api* load(const char* path) {
  promplug_handshake hands = {.struct_size = sizeof hands,
                              .abi_major = PROMPLUG_ABI_MAJOR,
                              .abi_minor = PROMPLUG_ABI_MINOR};
  promplug_entry_fn entry;
  const promplug_api* api;
  void* object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (object == NULL) return fprintf(stderr, "%s\n", dlerror()), NULL;
  *(void**)&entry = dlsym(object, PROMPLUG_ENTRY_NAME);
  if (entry == NULL) return fprintf(stderr, "%s is not a plugin\n", path), NULL;
  api = entry(&hands);
  if (api == NULL) fprintf(stderr, "%s: %s\n", path, hands.text);
  return api;
}

int main(int argc, char** argv) {
  static const promplug_str labels[] = {PROMPLUG_S("method"), PROMPLUG_S("status")};
  static const promplug_str values[] = {PROMPLUG_S("GET"), PROMPLUG_S("200")};
  static const promplug_str name = PROMPLUG_S("http_requests_total"), get = PROMPLUG_S("GET"),
                            help = PROMPLUG_S("Requests answered."), path = PROMPLUG_S("/metrics");
  promplug_options options = {.struct_size = sizeof options};
  promplug_family_desc desc = {.struct_size = sizeof desc};
  promplug_request request = {.struct_size = sizeof request};
  promplug_response response = {.struct_size = sizeof response};
  promplug_instance* plugin;
  promplug_family* requests;
  promplug_metric* get_200;
  promplug_error error;
  const promplug_api* api = argc > 1 ? load(argv[1]) : NULL;
  if (api == NULL) return 2; /* A server would go on without metrics. */

  options.config_path.ptr = argc > 2 ? argv[2] : "";
  options.config_path.len = PROMPLUG_Z;
  if (api->create(NULL, &options, &plugin, &error) < 0)
    return fprintf(stderr, "%s\n", error.text), 2;
  desc.type = PROMPLUG_COUNTER, desc.name = name, desc.help = help;
  desc.label_names = labels, desc.n_label_names = 2;
  (void)api->family(plugin, &desc, &requests, &error);
  (void)api->metric(requests, values, 2, &get_200, &error);
  if (api->start(plugin, &error) < 0) fprintf(stderr, "%s\n", error.text);

  api->counter_inc(get_200); /* As often as you like, from any thread. */

  request.method = get, request.path = path;
  response.user = stdout, response.begin = begin, response.write = body;
  if (api->handle_request(plugin, &request, &response, &error) < 0)
    fprintf(stderr, "%s\n", error.text); /* After begin(): abort the connection. */
  api->metric_release(get_200);
  return api->stop(plugin, 5000, &error) < 0 || api->destroy(plugin) < 0;
}
