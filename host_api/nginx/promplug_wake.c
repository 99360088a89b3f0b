/* SPDX-License-Identifier: MIT */
#include <sys/eventfd.h>
#include <unistd.h>

#include "promplug_scrape.h"
#include "promplug_worker.h"

/* A worker that shuts down may have requests for hours, with a configuration that the new workers
 * do not have any more. */
static void step_down(ngx_http_promplug_worker_t* worker, ngx_log_t* log) {
  promplug_error error;
  if (worker->api->step_down(worker->plugin, &error) != PROMPLUG_OK)
    ngx_log_error(NGX_LOG_ERR, log, 0, "promplug: %s", error.text);
}

/* Not ngx_notify(): it keeps one handler for all who use it, and a thread pool may be the other. */
static void on_event(ngx_event_t* event) {
  ngx_connection_t* connection = event->data;
  ngx_http_promplug_worker_t* worker = connection->data;
  uint64_t count;
  ssize_t got;
  if (connection->close) {
    /* Called by nginx, not by the loop, which would not see what is posted here before something
     * else wakes it. The event stays for the loop. */
    connection->close = 0;
    step_down(worker, event->log);
    return;
  }
  do {
    got = read(connection->fd, &count, sizeof count);
  } while (got < 0 && errno == EINTR);
  event->ready = 0;
  if (ngx_handle_read_event(event, 0) != NGX_OK)
    ngx_log_error(NGX_LOG_ALERT, event->log, 0, "promplug: the event loop takes no event");
  ngx_http_promplug_lines_write(&worker->lines, event->log);
  ngx_http_promplug_scrapes_go_on(worker);
}

ngx_int_t ngx_http_promplug_wake_open(ngx_http_promplug_worker_t* worker, ngx_cycle_t* cycle) {
  ngx_http_promplug_wake_t* wake = &worker->wake;
  ngx_fd_t fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd == -1) {
    ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno, "promplug: eventfd() failed");
    return NGX_ERROR;
  }
  /* A descriptor of its own for the loop: other threads may write as long as the worker lives. */
  ngx_fd_t loop_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  wake->connection = loop_fd == -1 ? NULL : ngx_get_connection(loop_fd, cycle->log);
  if (wake->connection == NULL) {
    if (loop_fd != -1) (void)close(loop_fd);
    (void)close(fd);
    return NGX_ERROR;
  }
  wake->connection->data = worker;
  /* What is idle is told, by `close`, when the worker begins to shut down. */
  wake->connection->idle = 1;
  wake->connection->log = cycle->log;
  wake->connection->read->log = cycle->log;
  wake->connection->write->log = cycle->log;
  wake->connection->read->handler = on_event;
  if (ngx_handle_read_event(wake->connection->read, 0) != NGX_OK) {
    ngx_http_promplug_wake_close(worker);
    (void)close(fd);
    return NGX_ERROR;
  }
  wake->fd = fd;
  return NGX_OK;
}

void ngx_http_promplug_wake_close(ngx_http_promplug_worker_t* worker) {
  if (worker->wake.connection != NULL) ngx_close_connection(worker->wake.connection);
  worker->wake.connection = NULL;
}

void ngx_http_promplug_wake_free(ngx_http_promplug_worker_t* worker) {
  if (worker->wake.fd != -1) (void)close(worker->wake.fd);
  worker->wake.fd = -1;
}

void ngx_http_promplug_wake(ngx_http_promplug_worker_t* worker) {
  static const uint64_t one = 1;
  if (worker->wake.fd == -1) return;
  /* It fails when the counter is full only: then the loop has been woken. */
  ssize_t put = write(worker->wake.fd, &one, sizeof one);
  (void)put;
}
