/* SPDX-License-Identifier: MIT */
#ifndef EMPTY_CALL_H
#define EMPTY_CALL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a function table of an object that was loaded costs at least. */
typedef struct empty_call_table {
  void (*empty)(void* p);
  void (*add)(uint64_t* cell); /* one relaxed atomic addition */
} empty_call_table;

typedef const empty_call_table* (*empty_call_entry_fn)(void);
const empty_call_table* empty_call_entry(void);

#ifdef __cplusplus
}
#endif
#endif /* EMPTY_CALL_H */
