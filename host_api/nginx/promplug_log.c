/* SPDX-License-Identifier: MIT */
#include "promplug_worker.h"

#define MAX_LINES 256

struct ngx_http_promplug_line_s {
  ngx_http_promplug_line_t* next;
  ngx_uint_t level;
  size_t len;
  char text[];
};

ngx_int_t ngx_http_promplug_lines_init(ngx_http_promplug_lines_t* lines) {
  lines->last = &lines->first;
  return pthread_mutex_init(&lines->mutex, NULL) == 0 ? NGX_OK : NGX_ERROR;
}

static ngx_uint_t level_of(int32_t level) {
  if (level >= PROMPLUG_LOG_ERROR) return NGX_LOG_ERR;
  if (level >= PROMPLUG_LOG_WARN) return NGX_LOG_WARN;
  return level >= PROMPLUG_LOG_INFO ? NGX_LOG_NOTICE : NGX_LOG_DEBUG;
}

void ngx_http_promplug_log(void* user, int32_t level, const char* text, size_t len) {
  ngx_http_promplug_worker_t* worker = user;
  ngx_http_promplug_lines_t* lines = &worker->lines;
  /* Not ngx_alloc(): it would log. */
  ngx_http_promplug_line_t* line = malloc(sizeof *line + len);
  if (line != NULL) {
    line->next = NULL;
    line->level = level_of(level);
    line->len = len;
    ngx_memcpy(line->text, text, len);
  }
  (void)pthread_mutex_lock(&lines->mutex);
  if (line != NULL && lines->n < MAX_LINES) {
    *lines->last = line;
    lines->last = &line->next;
    lines->n++;
    line = NULL;
  } else {
    lines->dropped++;
  }
  (void)pthread_mutex_unlock(&lines->mutex);
  free(line);
  ngx_http_promplug_wake(worker);
}

void ngx_http_promplug_lines_write(ngx_http_promplug_lines_t* lines, ngx_log_t* log) {
  ngx_http_promplug_line_t *line, *next;
  ngx_uint_t dropped;
  (void)pthread_mutex_lock(&lines->mutex);
  line = lines->first;
  dropped = lines->dropped;
  lines->first = NULL;
  lines->last = &lines->first;
  lines->n = lines->dropped = 0;
  (void)pthread_mutex_unlock(&lines->mutex);
  for (; line != NULL; line = next) {
    next = line->next;
    ngx_log_error(line->level, log, 0, "promplug: %*s", line->len, line->text);
    free(line);
  }
  if (dropped != 0)
    ngx_log_error(NGX_LOG_WARN, log, 0, "promplug: %ui log lines came too fast and are lost",
                  dropped);
}
