/* SPDX-License-Identifier: MIT */
#include "promplug_table.h"

#include <ngx_murmurhash.h>

#define FIRST_SLOTS 64

struct ngx_http_promplug_slot_s {
  uint32_t hash;
  uint32_t len;
  /* The value, then the key. */
  uint64_t bytes[];
};

static u_char* key_of(const ngx_http_promplug_table_t* table, ngx_http_promplug_slot_t* slot) {
  return (u_char*)slot->bytes + table->value_size;
}

ngx_int_t ngx_http_promplug_table_init(ngx_http_promplug_table_t* table, size_t max,
                                       size_t value_size, ngx_log_t* log) {
  ngx_memzero(table, sizeof *table);
  table->slots = ngx_calloc(FIRST_SLOTS * sizeof *table->slots, log);
  if (table->slots == NULL) return NGX_ERROR;
  table->n_slots = FIRST_SLOTS;
  table->max = max;
  table->value_size = value_size;
  table->log = log;
  return NGX_OK;
}

void ngx_http_promplug_table_free(ngx_http_promplug_table_t* table) {
  for (size_t i = 0; i < table->n_slots; ++i)
    if (table->slots[i] != NULL) ngx_free(table->slots[i]);
  if (table->slots != NULL) ngx_free(table->slots);
  ngx_memzero(table, sizeof *table);
}

/* The slot of the key, or the free one where it belongs. There always is a free one. */
static ngx_http_promplug_slot_t** place_of(const ngx_http_promplug_table_t* table, uint32_t hash,
                                           const u_char* key, size_t len) {
  for (size_t i = hash;; ++i) {
    ngx_http_promplug_slot_t** place = &table->slots[i & (table->n_slots - 1)];
    if (*place == NULL || ((*place)->hash == hash && (*place)->len == len &&
                           ngx_memcmp(key_of(table, *place), key, len) == 0))
      return place;
  }
}

void* ngx_http_promplug_table_find(const ngx_http_promplug_table_t* table, const u_char* key,
                                   size_t len) {
  ngx_http_promplug_slot_t* slot = *place_of(table, ngx_murmur_hash2((u_char*)key, len), key, len);
  return slot != NULL ? slot->bytes : NULL;
}

static ngx_int_t grow(ngx_http_promplug_table_t* table) {
  ngx_http_promplug_table_t bigger = *table;
  bigger.n_slots = table->n_slots * 2;
  bigger.slots = ngx_calloc(bigger.n_slots * sizeof *bigger.slots, table->log);
  if (bigger.slots == NULL) return NGX_ERROR;
  for (size_t i = 0; i < table->n_slots; ++i) {
    ngx_http_promplug_slot_t* slot = table->slots[i];
    if (slot != NULL) *place_of(&bigger, slot->hash, key_of(table, slot), slot->len) = slot;
  }
  ngx_free(table->slots);
  *table = bigger;
  return NGX_OK;
}

void* ngx_http_promplug_table_add(ngx_http_promplug_table_t* table, const u_char* key, size_t len) {
  ngx_http_promplug_slot_t* slot;
  if (table->n >= table->max) return NULL;
  if (table->n * 4 >= table->n_slots * 3 && grow(table) != NGX_OK) return NULL;
  slot = ngx_calloc(sizeof *slot + table->value_size + len, table->log);
  if (slot == NULL) return NULL;
  slot->hash = ngx_murmur_hash2((u_char*)key, len);
  slot->len = (uint32_t)len;
  ngx_memcpy(key_of(table, slot), key, len);
  *place_of(table, slot->hash, key, len) = slot;
  table->n++;
  return slot->bytes;
}
