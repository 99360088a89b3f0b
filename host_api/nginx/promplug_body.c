/* SPDX-License-Identifier: MIT */
#include "promplug_scrape.h"
#include "promplug_worker.h"

#define PIECE_BYTES ((size_t)32 * 1024)
#define PIECES 2
/* Of one turn of the loop: some 100 microseconds of encoding. */
#define TURN_PIECES 8

static ngx_str_t copy_of(ngx_pool_t* pool, promplug_str text) {
  ngx_str_t copy = {0, NULL};
  copy.data = ngx_pnalloc(pool, text.len + 1);
  if (copy.data != NULL) {
    copy.len = text.len;
    *ngx_cpymem(copy.data, text.ptr, text.len) = '\0';
  }
  return copy;
}

static ngx_flag_t is_named(promplug_str text, const char* name) {
  return text.len == ngx_strlen(name) &&
         ngx_strncasecmp((u_char*)text.ptr, (u_char*)name, text.len) == 0;
}

static ngx_int_t add_header(ngx_http_request_t* r, const promplug_kv* header) {
  ngx_str_t value = copy_of(r->pool, header->value);
  ngx_table_elt_t* h;
  if (value.data == NULL) return NGX_ERROR;
  if (is_named(header->key, "Content-Type")) {
    /* With its parameters, so that charset and gzip see no type that they know. */
    r->headers_out.content_type = value;
    r->headers_out.content_type_len = value.len;
    r->headers_out.content_type_lowcase = NULL;
    return NGX_OK;
  }
  h = ngx_list_push(&r->headers_out.headers);
  if (h == NULL) return NGX_ERROR;
  ngx_memzero(h, sizeof *h);
  h->hash = 1;
  h->key = copy_of(r->pool, header->key);
  h->value = value;
  if (h->key.data == NULL) return NGX_ERROR;
  if (is_named(header->key, "Content-Encoding")) r->headers_out.content_encoding = h;
  return NGX_OK;
}

ngx_int_t ngx_http_promplug_send_head(ngx_http_promplug_scrape_t* ctx,
                                      const promplug_scrape_head_info* head) {
  ngx_http_request_t* r = ctx->r;
  ngx_int_t rc;
  r->headers_out.status = (ngx_uint_t)head->status;
  r->headers_out.content_length_n = head->content_length;
  for (size_t i = 0; i < head->n_headers; ++i)
    if (add_header(r, &head->headers[i]) != NGX_OK) return NGX_HTTP_INTERNAL_SERVER_ERROR;
#if defined(NGX_HTTP_GZIP)
  /* The plugin compresses what the client wants compressed. */
  r->gzip_tested = 1;
  r->gzip_ok = 0;
#endif
  rc = ngx_http_send_header(r);
  ctx->head_sent = 1;
  return rc == NGX_AGAIN ? NGX_OK : rc;
}

static ngx_chain_t* free_piece(ngx_http_promplug_scrape_t* ctx) {
  ngx_chain_t* piece = ngx_chain_get_free_buf(ctx->r->pool, &ctx->free);
  if (piece == NULL || piece->buf->start != NULL) return piece;
  piece->buf->start = ngx_palloc(ctx->r->pool, PIECE_BYTES);
  if (piece->buf->start == NULL) return NULL;
  piece->buf->end = piece->buf->start + PIECE_BYTES;
  piece->buf->tag = (ngx_buf_tag_t)&ngx_http_promplug_module;
  return piece;
}

/* Fills a piece as far as it goes: NGX_OK full, NGX_DONE at the end of the body, NGX_AGAIN,
 * NGX_ERROR. */
static ngx_int_t fill(ngx_http_promplug_scrape_t* ctx, ngx_buf_t* b) {
  b->pos = b->last = b->start;
  b->temporary = 1;
  b->flush = b->last_buf = b->last_in_chain = b->sync = 0;
  while (b->last < b->end) {
    size_t n = 0;
    int32_t rc =
        ctx->worker->api->scrape_read(ctx->scrape, b->last, (size_t)(b->end - b->last), &n);
    if (rc == PROMPLUG_OK) {
      b->last += n;
      continue;
    }
    if (rc == PROMPLUG_END) return NGX_DONE;
    return rc == PROMPLUG_AGAIN ? NGX_AGAIN : NGX_ERROR;
  }
  return NGX_OK;
}

static ngx_int_t send_chain(ngx_http_promplug_scrape_t* ctx, ngx_chain_t* out) {
  ngx_int_t rc = ngx_http_output_filter(ctx->r, out);
  ngx_chain_update_chains(ctx->r->pool, &ctx->free, &ctx->busy, &out,
                          (ngx_buf_tag_t)&ngx_http_promplug_module);
  return rc == NGX_ERROR || rc > NGX_OK ? NGX_ERROR : NGX_OK;
}

static ngx_flag_t all_pieces_are_busy(const ngx_http_promplug_scrape_t* ctx) {
  ngx_uint_t n = 0;
  for (const ngx_chain_t* at = ctx->busy; at != NULL; at = at->next) ++n;
  return n >= PIECES;
}

ngx_int_t ngx_http_promplug_send_body(ngx_http_promplug_scrape_t* ctx) {
  if (ctx->busy != NULL && send_chain(ctx, NULL) != NGX_OK) return NGX_ERROR;
  for (int i = 0; i < TURN_PIECES; ++i) {
    ngx_chain_t* piece;
    ngx_int_t filled;
    if (all_pieces_are_busy(ctx)) return NGX_BUSY;
    if ((piece = free_piece(ctx)) == NULL) return NGX_ERROR;
    filled = fill(ctx, piece->buf);
    if (filled == NGX_ERROR) return NGX_ERROR;
    piece->buf->last_buf = filled == NGX_DONE;
    piece->buf->last_in_chain = piece->buf->last_buf;
    piece->buf->flush = filled == NGX_AGAIN;
    if (piece->buf->pos == piece->buf->last) {
      /* A buffer of nothing is taken only as a sign. */
      piece->buf->temporary = 0;
      if (filled == NGX_AGAIN) {
        piece->next = ctx->free;
        ctx->free = piece;
        return NGX_AGAIN;
      }
    }
    if (send_chain(ctx, piece) != NGX_OK) return NGX_ERROR;
    if (filled == NGX_DONE) return NGX_OK;
    if (filled == NGX_AGAIN) return NGX_AGAIN;
  }
  return NGX_DECLINED;
}
