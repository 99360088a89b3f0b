/* SPDX-License-Identifier: MIT */
/* One request on one connection. */
#ifndef SAMPLE_C_HTTP_H
#define SAMPLE_C_HTTP_H

#include "metrics.h"

/* What a client has in all: for its head, to take the answer (as long as a Prometheus waits for a
 * scrape), and to end what it sends after it was answered. */
enum { kHeadMs = 5000, kAnswerMs = 10000, kDiscardMs = 5000 };
enum { kServeMs = kHeadMs + kAnswerMs + kDiscardMs };

/* Reads a request from the socket, answers it and counts it in *m. It takes kServeMs at most,
 * besides what the plugin waits for its collectors. The caller closes the socket. */
void http_serve(struct metrics* m, int fd);

#endif
