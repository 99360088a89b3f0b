/* SPDX-License-Identifier: MIT */
/* One request on one connection. */
#ifndef SAMPLE_C_HTTP_H
#define SAMPLE_C_HTTP_H

#include "metrics.h"

/* Reads a request from the blocking socket, answers it and counts it in *m. It waits for the client
 * at most 5 s for each piece. The caller closes the socket. */
void http_serve(struct metrics* m, int fd);

#endif
