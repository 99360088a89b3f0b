/* SPDX-License-Identifier: MIT */
/* A plugin whose scrapes do what the query says, which no real one can be made to:
 *   wait=FIFO   answers when somebody has opened and closed the other end
 *   down        answers when the worker begins to shut down, and has called step_down()
 *   break       the body breaks off after 100 KiB
 *   flood       the body never ends
 *   head        no head
 *   begin       no scrape at all
 *   log=N       N lines from another thread, then an empty answer
 *   open        how many scrapes have not ended
 * It counts nothing. With the override fault.stop set it never ends, and logs without a pause from
 * its stop on. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "promplug/promplug.h"

#define BREAK_BYTES ((size_t)100 * 1024)

struct promplug_instance {
  promplug_host host;
  int stuck;
  int stop; /* an eventfd */
  atomic_int open;
  promplug_scrape* until_down;
};

struct promplug_scrape {
  promplug_instance* instance;
  char query[512];
  char body[64];
  size_t sent;
  promplug_ready_fn ready;
  void* user;
  pthread_t waiter;
  int waits;
  int fifo, end; /* end: an eventfd */
  atomic_int there;
};

static void say(const promplug_instance* p, const char* text) {
  p->host.log(p->host.user, PROMPLUG_LOG_WARN, text, strlen(text));
}

static void wake(int event) {
  if (write(event, &(uint64_t){1}, sizeof(uint64_t)) < 0) abort();
}

static void* never_end(void* instance) {
  promplug_instance* p = instance;
  uint64_t count;
  say(p, "fault: still there");
  if (read(p->stop, &count, sizeof count) < 0) abort();
  for (;;) say(p, "fault: still there");
}

static int32_t create(const promplug_host* host, const promplug_options* options,
                      promplug_instance** out, promplug_error* err) {
  promplug_instance* p = calloc(1, sizeof *p);
  (void)err;
  if (p == NULL) return PROMPLUG_E_NOMEM;
  p->host = *host;
  p->stop = eventfd(0, EFD_CLOEXEC);
  for (size_t i = 0; i < options->n_overrides; ++i)
    if (options->overrides[i].key.len == 10 &&
        memcmp(options->overrides[i].key.ptr, "fault.stop", 10) == 0)
      p->stuck = 1;
  *out = p;
  return PROMPLUG_OK;
}

static int32_t start(promplug_instance* p, promplug_error* err) {
  pthread_t thread;
  (void)err;
  return p->stuck && pthread_create(&thread, NULL, never_end, p) != 0 ? PROMPLUG_E_NOMEM
                                                                      : PROMPLUG_OK;
}

static int32_t stop(promplug_instance* p, uint32_t timeout_ms, promplug_error* err) {
  (void)timeout_ms;
  wake(p->stop);
  if (p->stuck) snprintf(err->text, sizeof err->text, "stuck");
  return p->stuck ? PROMPLUG_E_TIMEOUT : PROMPLUG_OK;
}

static int32_t destroy(promplug_instance* p) {
  char text[64];
  snprintf(text, sizeof text, "fault: ended with %d open scrapes", atomic_load(&p->open));
  if (p->host.log != NULL) say(p, text);
  (void)close(p->stop);
  free(p);
  return PROMPLUG_OK;
}

static int32_t family(promplug_instance* p, const promplug_family_desc* d, promplug_family** out,
                      promplug_error* err) {
  (void)p, (void)d, (void)err;
  *out = NULL;
  return PROMPLUG_OK;
}

static int32_t metric(promplug_family* f, const promplug_str* values, size_t n,
                      promplug_metric** out, promplug_error* err) {
  (void)f, (void)values, (void)n, (void)err;
  *out = NULL;
  return PROMPLUG_OK;
}

static int32_t step_down(promplug_instance* p, promplug_error* err) {
  promplug_scrape* s = p->until_down;
  (void)err;
  if (s == NULL) return PROMPLUG_OK;
  atomic_store(&s->there, 1);
  s->ready(s->user);
  return PROMPLUG_OK;
}

static void count(promplug_metric* m, double v) { (void)m, (void)v; }
static void count_one(promplug_metric* m) { (void)m; }

static int32_t update(promplug_family* f, const promplug_str* values, size_t n, int32_t op,
                      double value, const promplug_exemplar* e) {
  (void)f, (void)values, (void)n, (void)op, (void)value, (void)e;
  return PROMPLUG_OK;
}

static int32_t register_collector(promplug_instance* p, const promplug_collector* c,
                                  promplug_reg* out, promplug_error* err) {
  (void)p, (void)c, (void)err;
  *out = 1;
  return PROMPLUG_OK;
}

static const char* argument(const promplug_scrape* s, const char* name) {
  size_t len = strlen(name);
  return strncmp(s->query, name, len) == 0 ? s->query + len : NULL;
}

static void* wait_for(void* scrape) {
  promplug_scrape* s = scrape;
  struct pollfd events[] = {{.fd = s->fifo, .events = POLLIN}, {.fd = s->end, .events = POLLIN}};
  int lines = s->fifo < 0 ? atoi(argument(s, "log=")) : 0;
  if (s->fifo >= 0 && poll(events, 2, -1) < 0) abort();
  while (lines-- > 0) say(s->instance, "fault: one of many lines");
  atomic_store(&s->there, 1);
  s->ready(s->user);
  return NULL;
}

static int32_t scrape_begin(promplug_instance* p, const promplug_request* req,
                            promplug_ready_fn ready, void* user, promplug_scrape** out,
                            promplug_error* err) {
  promplug_scrape* s = calloc(1, sizeof *s);
  if (s == NULL) return PROMPLUG_E_NOMEM;
  snprintf(s->query, sizeof s->query, "%.*s", (int)req->query.len, req->query.ptr);
  if (argument(s, "begin")) {
    snprintf(err->text, sizeof err->text, "fault: no scrape");
    free(s);
    return PROMPLUG_E_STATE;
  }
  s->instance = p;
  s->ready = ready;
  s->user = user;
  snprintf(s->body, sizeof s->body, "%d\n", atomic_fetch_add(&p->open, 1));
  s->waits = argument(s, "wait=") || argument(s, "log=");
  s->fifo =
      argument(s, "wait=") ? open(argument(s, "wait="), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
  s->end = eventfd(0, EFD_CLOEXEC);
  if (argument(s, "down"))
    p->until_down = s;
  else if (!s->waits)
    atomic_store(&s->there, 1);
  if (s->waits && pthread_create(&s->waiter, NULL, wait_for, s) != 0) abort();
  *out = s;
  return PROMPLUG_OK;
}

static int32_t scrape_head(promplug_scrape* s, promplug_scrape_head_info* out) {
  static const promplug_kv header = {PROMPLUG_S("Content-Type"), PROMPLUG_S("text/plain")};
  if (!atomic_load(&s->there)) return PROMPLUG_AGAIN;
  if (argument(s, "head")) return PROMPLUG_E_INTERNAL;
  out->status = 200;
  out->headers = &header;
  out->n_headers = 1;
  out->content_length = -1;
  return PROMPLUG_OK;
}

static int32_t scrape_read(promplug_scrape* s, void* buf, size_t cap, size_t* n) {
  if (argument(s, "break") || argument(s, "flood")) {
    if (argument(s, "break") && s->sent >= BREAK_BYTES) return PROMPLUG_E_INTERNAL;
    *n = cap;
    memset(buf, '#', cap);
  } else {
    if (s->sent > 0) return PROMPLUG_END;
    *n = strlen(s->body);
    memcpy(buf, s->body, *n);
  }
  s->sent += *n;
  return PROMPLUG_OK;
}

static void scrape_end(promplug_scrape* s) {
  wake(s->end);
  if (s->waits) (void)pthread_join(s->waiter, NULL);
  if (s->fifo >= 0) (void)close(s->fifo);
  (void)close(s->end);
  atomic_fetch_sub(&s->instance->open, 1);
  if (s->instance->until_down == s) s->instance->until_down = NULL;
  free(s);
}

static const promplug_api api = {.struct_size = sizeof api,
                                 .abi_major = PROMPLUG_ABI_MAJOR,
                                 .abi_minor = PROMPLUG_ABI_MINOR,
                                 .version = "fault",
                                 .create = create,
                                 .start = start,
                                 .stop = stop,
                                 .destroy = destroy,
                                 .register_collector = register_collector,
                                 .family = family,
                                 .metric = metric,
                                 .counter_inc = count_one,
                                 .counter_add = count,
                                 .observe = count,
                                 .update = update,
                                 .scrape_begin = scrape_begin,
                                 .scrape_head = scrape_head,
                                 .scrape_read = scrape_read,
                                 .scrape_end = scrape_end,
                                 .step_down = step_down};

const promplug_api* promplug_entry(promplug_handshake* hs) {
  (void)hs;
  return &api;
}
