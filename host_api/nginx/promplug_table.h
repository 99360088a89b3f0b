/* SPDX-License-Identifier: MIT */
/* A hash table whose keys are bytes and whose values have one size; nothing is ever taken out. Used
 * by one thread; memory is that of ngx_alloc(), which ends with ngx_http_promplug_table_free(). */
#ifndef PROMPLUG_NGINX_TABLE_H
#define PROMPLUG_NGINX_TABLE_H

#include <ngx_config.h>
#include <ngx_core.h>

typedef struct ngx_http_promplug_slot_s ngx_http_promplug_slot_t;

typedef struct {
  ngx_http_promplug_slot_t** slots;
  size_t n_slots; /* a power of two */
  size_t n;       /* keys */
  size_t max;     /* may be changed: what is in it already stays */
  size_t value_size;
  ngx_log_t* log;
} ngx_http_promplug_table_t;

/* NGX_OK, NGX_ERROR without memory. At most `max` keys will be in it. */
ngx_int_t ngx_http_promplug_table_init(ngx_http_promplug_table_t* table, size_t max,
                                       size_t value_size, ngx_log_t* log);
void ngx_http_promplug_table_free(ngx_http_promplug_table_t* table);

/* The value of a key, aligned for any pointer, good until the table is freed; NULL: not there. */
void* ngx_http_promplug_table_find(const ngx_http_promplug_table_t* table, const u_char* key,
                                   size_t len);
/* A value of zeros for a key that is not there yet. NULL: it is full, or there is no memory. */
void* ngx_http_promplug_table_add(ngx_http_promplug_table_t* table, const u_char* key, size_t len);

#endif
