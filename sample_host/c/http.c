/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

enum { kHeadBytes = 16384, kHeaders = 64, kDiscards = 64 };

struct exchange {
  int fd;
  int64_t until; /* of CLOCK_MONOTONIC: when the client has had its time for what it does now */
  int status;    /* what was answered; 0: nothing yet */
  int chunked;   /* the body is */
  char head[kHeadBytes + 1];
  promplug_kv headers[kHeaders];
  promplug_request request;
};

static int64_t now_ms(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether the client is ready before its time is over. A limit for each piece would let one that
 * takes or gives a byte at a time hold the worker, and its stop, for as long as it likes. */
static int wait_client(const struct exchange* x, short events) {
  struct pollfd client = {.fd = x->fd, .events = events};
  for (;;) {
    const int64_t left = x->until - now_ms();
    const int ready = left > 0 ? poll(&client, 1, (int)left) : 0;
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

static ssize_t receive(struct exchange* x, void* data, size_t len) {
  return wait_client(x, POLLIN) ? recv(x->fd, data, len, MSG_DONTWAIT) : -1;
}

static int send_all(struct exchange* x, const void* data, size_t len, int flags) {
  const char* from = data;
  while (len > 0) {
    const ssize_t sent =
        wait_client(x, POLLOUT) ? send(x->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT | flags) : -1;
    if (sent < 0) return -1;
    from += sent, len -= (size_t)sent;
  }
  return 0;
}

static const char* reason(int status) {
  return status == 200   ? "OK"
         : status == 400 ? "Bad Request"
         : status == 404 ? "Not Found"
         : status == 405 ? "Method Not Allowed"
         : status == 503 ? "Service Unavailable"
                         : "Internal Server Error";
}

/* promplug_response.begin: 0, or the connection is of no use any more. */
static int32_t begin(void* user, int32_t status, const promplug_kv* headers, size_t n_headers,
                     int64_t content_length) {
  struct exchange* x = user;
  char text[4096];
  size_t used = (size_t)snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\nConnection: close\r\n",
                                 (int)status, reason(status));
  size_t i;
  for (i = 0; i <= n_headers; ++i) {
    const size_t left = sizeof text - used;
    int more = 0;
    if (i < n_headers)
      more = snprintf(text + used, left, "%.*s: %.*s\r\n", (int)headers[i].key.len,
                      headers[i].key.ptr, (int)headers[i].value.len, headers[i].value.ptr);
    else if (content_length < 0)
      more = snprintf(text + used, left, "Transfer-Encoding: chunked\r\n\r\n");
    else
      more = snprintf(text + used, left, "Content-Length: %lld\r\n\r\n", (long long)content_length);
    if (more < 0 || (size_t)more >= left) return -1;
    used += (size_t)more;
  }
  x->status = status, x->chunked = content_length < 0;
  x->until = now_ms() + kAnswerMs;
  return send_all(x, text, used, 0);
}

static int32_t body(void* user, const void* data, size_t len) {
  struct exchange* x = user;
  char size[24];
  if (!x->chunked) return send_all(x, data, len, 0);
  (void)snprintf(size, sizeof size, "%zx\r\n", len);
  return send_all(x, size, strlen(size), MSG_MORE) || send_all(x, data, len, MSG_MORE) ||
         send_all(x, "\r\n", 2, 0);
}

static int is(promplug_str text, const char* wanted) {
  return text.len == strlen(wanted) && memcmp(text.ptr, wanted, text.len) == 0;
}

static void say(struct exchange* x, int status, const char* text) {
  static const promplug_kv plain = {PROMPLUG_S("Content-Type"), PROMPLUG_S("text/plain")};
  if (begin(x, status, &plain, 1, (int64_t)strlen(text)) != 0) return;
  if (!is(x->request.method, "HEAD")) (void)send_all(x, text, strlen(text), 0);
}

/* Everything up to the first `end`, behind which *at stands then; without one ptr is NULL. */
static promplug_str up_to(char** at, const char* end) {
  promplug_str part = {NULL, 0};
  char* found = strstr(*at, end);
  if (found == NULL) return part;
  part.ptr = *at, part.len = (size_t)(found - *at);
  *at = found + strlen(end);
  return part;
}

/* Takes the head apart, which ends with an empty line. 0, or it is no request. */
static int parse(struct exchange* x) {
  promplug_request* r = &x->request;
  char *at = x->head, *question;
  promplug_str version, value;
  promplug_kv* header = x->headers;
  r->method = up_to(&at, " ");
  r->path = up_to(&at, " ");
  version = up_to(&at, "\r\n");
  if (version.ptr == NULL || r->path.len == 0 || r->path.ptr[0] != '/') return -1;
  if (memchr(r->path.ptr, '\n', r->path.len) != NULL) return -1;
  question = memchr(r->path.ptr, '?', r->path.len);
  if (question != NULL) {
    r->query.ptr = question + 1;
    r->query.len = r->path.len - (size_t)(r->query.ptr - r->path.ptr);
    r->path.len = (size_t)(question - r->path.ptr);
  }
  /* HTTP/1.0 has no chunks. */
  if (is(version, "HTTP/1.0")) r->flags |= PROMPLUG_REQ_NEED_LENGTH;
  for (value = up_to(&at, "\r\n"); value.len > 0; value = up_to(&at, "\r\n"), ++header) {
    const char* colon = memchr(value.ptr, ':', value.len);
    if (colon == NULL || header == x->headers + kHeaders) return -1;
    header->key.ptr = value.ptr, header->key.len = (size_t)(colon - value.ptr);
    header->value.len = value.len - header->key.len - 1, header->value.ptr = colon + 1;
    for (; header->value.len > 0 && *header->value.ptr == ' '; --header->value.len)
      ++header->value.ptr;
  }
  if (value.ptr == NULL) return -1; /* it is longer than there is room */
  r->headers = x->headers, r->n_headers = (size_t)(header - x->headers);
  return 0;
}

/* 0: the client went away or took too long. *extra says whether something came behind the head. */
static int read_head(struct exchange* x, int* extra) {
  size_t have = 0;
  while (have < kHeadBytes) {
    const ssize_t got = receive(x, x->head + have, kHeadBytes - have);
    const char* end;
    if (got <= 0) return 0;
    have += (size_t)got;
    x->head[have] = '\0';
    end = strstr(x->head, "\r\n\r\n");
    if (end != NULL) return *extra = end + 4 != x->head + have, 1;
  }
  return *extra = 1;
}

/* Counted before the answer goes out: whoever has it finds it in the next scrape. */
static void answer(struct metrics* m, struct exchange* x, const struct timespec* since) {
  static const char* const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
  promplug_response response = {
      .struct_size = sizeof response, .user = x, .begin = begin, .write = body};
  const promplug_request* r = &x->request;
  promplug_str method = PROMPLUG_S("other");
  const char *route = "other", *text = "not found\n";
  int status = 404, rc;
  struct timespec now;
  size_t i;
  if (is(r->path, "/photos")) route = "/photos", status = 200, text = "[]\n";
  if (is(r->path, "/healthz")) route = "/healthz", status = 200, text = "ok\n";
  if (is(r->path, "/fail")) route = "/fail", status = 500, text = "this route always fails\n";
  if (status == 404) {
    rc = metrics_answer(m, r, &response);
    if (rc == PROMPLUG_OK && x->chunked && !is(r->method, "HEAD"))
      (void)send_all(x, "0\r\n\r\n", 5, 0);
    /* One that broke off stays without its end: the client sees that. */
    if (rc == PROMPLUG_OK || x->status != 0) return;
    if (rc < 0) status = 503, text = "no metrics now\n";
  }
  for (i = 0; i < sizeof methods / sizeof methods[0]; ++i)
    if (is(r->method, methods[i])) method = r->method;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  metrics_count(
      m, method, route, status,
      (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9);
  say(x, status, text);
}

void http_serve(struct metrics* m, int fd) {
  struct exchange x = {
      .fd = fd, .until = now_ms() + kHeadMs, .request = {.struct_size = sizeof x.request}};
  struct timespec since;
  int extra = 0, i;
  (void)clock_gettime(CLOCK_MONOTONIC, &since);
  if (!read_head(&x, &extra)) return;
  if (parse(&x) == 0)
    answer(m, &x, &since);
  else
    say(&x, 400, "not a request\n");
  /* A close with something unread resets the connection, and the client may lose the answer. */
  (void)shutdown(fd, SHUT_WR);
  if (!extra && (is(x.request.method, "GET") || is(x.request.method, "HEAD"))) return;
  x.until = now_ms() + kDiscardMs;
  for (i = 0; i < kDiscards && receive(&x, x.head, kHeadBytes) > 0; ++i) continue;
}
