/* SPDX-License-Identifier: MIT */
#ifndef PROMPLUG_NGINX_COUNT_H
#define PROMPLUG_NGINX_COUNT_H

#include "promplug_conf.h"

/* A handler of the log phase: counts a request that has ended, by the location where it ended.
 * Always NGX_OK. */
ngx_int_t ngx_http_promplug_count_handler(ngx_http_request_t* r);

#endif
