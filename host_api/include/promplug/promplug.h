/* SPDX-License-Identifier: MIT */
/*
 * promplug.h - the C ABI between a server (the host) and promplug.so (the plugin).
 *
 * The host includes this header, links nothing, loads the plugin with dlopen() and
 * resolves one symbol, PROMPLUG_ENTRY_NAME. docs/abi.md shows a whole host.
 * C89 to C17 and C++98 to C++20, and any FFI. 64-bit little-endian Linux.
 *
 * ---- Rules -----------------------------------------------------------------------
 * R1  One exported symbol. Everything else is reached through the table it returns.
 * R2  A new MAJOR may break, a new MINOR only appends. Before 1.0 (major 0) a new minor
 *     may break too, so the plugin serves exactly the minor it was built with.
 * R3  A [sized] struct starts with struct_size, which the side that fills the struct sets
 *     to its own sizeof. Fields are appended, never moved; zero in an appended field means
 *     "as before this field existed".
 *       options   (host to plugin) shorter: zero-extended. Longer: accepted while the tail
 *                 that the plugin does not know is all zero, else PROMPLUG_E_TOO_NEW.
 *       tables    (either direction) longer: the unknown members are ignored. Shorter:
 *                 the missing functions are absent; test with PROMPLUG_HAS().
 *       results   (plugin to host) at most struct_size bytes are written; struct_size is
 *                 then set to the number of bytes that were filled.
 * R4  A [frozen] struct never changes: it is passed in arrays, its size is the stride.
 * R5  No struct, bool, enum, bit-field, long double or varargs crosses by value. Integers
 *     have fixed widths; an unknown value or flag is refused with PROMPLUG_E_INVAL.
 * R6  A string is pointer + length, UTF-8, without a terminator; length PROMPLUG_Z means
 *     "NUL-terminated, measure it". What the host passes in is copied before the call
 *     returns. What a callback is given lives until that callback returns. Neither side
 *     frees what the other allocated.
 * R7  The plugin never throws, longjmps, exits or aborts, keeps errno, and leaves signal
 *     dispositions, signal masks, locale, umask, environment and working directory alone.
 *     A callback of the host must not throw, longjmp or end the thread through the plugin.
 * R8  The plugin's own threads are named pp-*, block every signal that is not synchronous
 *     and have stacks of 512 KiB. On a thread of the host a call needs less than 32 KiB of
 *     stack and does no network I/O and no name resolution.
 * R9  The shared object is never unmapped (it is linked with -z nodelete); create, start,
 *     stop and destroy may be repeated without growth.
 *
 * ---- Thread tags -----------------------------------------------------------------
 *   [control]  one call at a time per instance; the host serialises
 *   [any]      any thread, concurrently
 *   [hot]      as [any], and: no lock, no allocation, no system call. Allowed in every
 *              callback, in a signal handler, before start, after stop and in a fork child
 *   [blocks]   may wait, never longer than the given or documented limit
 *   [cb]       allowed inside a collector or value callback too. There, everything tagged
 *              neither [cb] nor [hot] returns PROMPLUG_E_REENTRANT and changes nothing
 *
 * In a child of fork() that did not call fork_child() everything that is not [hot] returns
 * PROMPLUG_E_FORKED.
 */
#ifndef PROMPLUG_H
#define PROMPLUG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROMPLUG_ABI_MAJOR 0u
#define PROMPLUG_ABI_MINOR 1u
#define PROMPLUG_ENTRY_NAME "promplug_entry"

#if defined(__GNUC__)
#define PROMPLUG_EXPORT __attribute__((visibility("default")))
#else
#define PROMPLUG_EXPORT
#endif

/* The length of a string that is NUL-terminated. */
#define PROMPLUG_Z ((size_t)-1)
/* Initialiser of a promplug_str from a literal. */
#define PROMPLUG_S(literal) { (literal), sizeof(literal) - 1 }
/* Whether member m lies within the sized table *p and is set. */
#define PROMPLUG_HAS(p, type, m) \
  ((p)->struct_size >= offsetof(type, m) + sizeof((p)->m) && (p)->m != 0)

/* ---- Results ----------------------------------------------------------------------
 * 0 success, >0 success with a note, <0 failure. New codes may appear. Where a function lists what
 * it answers, E_NOMEM, E_FORKED and E_INTERNAL (a fault of the plugin) may come besides. */
#define PROMPLUG_OK 0
#define PROMPLUG_NOT_HANDLED 1      /* not the plugin's path: the host answers       */
#define PROMPLUG_AGAIN 2            /* not yet: the ready callback will be called    */
#define PROMPLUG_END 3              /* nothing follows                               */
#define PROMPLUG_E_INVAL (-1)       /* bad argument; the text says which             */
#define PROMPLUG_E_NOMEM (-2)
#define PROMPLUG_E_VERSION (-3)     /* no common ABI version                         */
#define PROMPLUG_E_TOO_NEW (-4)     /* unknown option that is not zero (rule R3)     */
#define PROMPLUG_E_EXISTS (-5)      /* the name is taken with another shape          */
#define PROMPLUG_E_NOT_FOUND (-6)
#define PROMPLUG_E_STATE (-7)       /* not allowed in this state of the instance     */
#define PROMPLUG_E_REENTRANT (-8)   /* called from inside a callback                 */
#define PROMPLUG_E_BUSY (-9)        /* in use; nothing was changed                   */
#define PROMPLUG_E_TIMEOUT (-10)
#define PROMPLUG_E_IO (-11)         /* bind, connect, transfer, refused by a peer    */
#define PROMPLUG_E_CONFIG (-12)     /* file, variable or override is not acceptable  */
#define PROMPLUG_E_LIMIT (-13)      /* a limit of series, bytes or requests          */
#define PROMPLUG_E_FORKED (-14)     /* fork child without fork_child()               */
#define PROMPLUG_E_UNSUPPORTED (-15)
#define PROMPLUG_E_CANCELLED (-16)  /* a callback of the host asked to stop          */
#define PROMPLUG_E_INTERNAL (-17)

/* ---- Small values ----------------------------------------------------------------- */
typedef struct promplug_str { /* [frozen] */
  const char *ptr;
  size_t len;
} promplug_str;

typedef struct promplug_kv { /* [frozen] a label, a header, an override */
  promplug_str key;
  promplug_str value;
} promplug_kv;

/* Filled on failure, and with code 0 and an empty text on success. Owned by the caller;
 * wherever one is asked for, NULL is allowed. A longer text is cut. */
typedef struct promplug_error { /* [frozen] 512 bytes */
  int32_t code;                 /* the same as the return value */
  uint32_t text_len;
  char text[504];               /* NUL-terminated */
} promplug_error;

typedef struct promplug_instance promplug_instance; /* one plugin, made by create()  */
typedef struct promplug_family promplug_family; /* a metric family; lives as long as
                                                   the instance                      */
typedef struct promplug_metric promplug_metric; /* one series, pinned by its handle  */
typedef struct promplug_scrape promplug_scrape; /* one scrape that never blocks      */
typedef uint64_t promplug_reg; /* a registration; never 0, never used again          */

typedef void (*promplug_release_fn)(void *user);

/* ---- What the host gives ----------------------------------------------------------- */
#define PROMPLUG_LOG_DEBUG 10
#define PROMPLUG_LOG_INFO 20
#define PROMPLUG_LOG_WARN 30
#define PROMPLUG_LOG_ERROR 40

typedef struct promplug_host { /* [sized] copied by create() */
  uint32_t struct_size;
  uint32_t flags; /* 0 */
  void *user;     /* first argument of the functions below */
  promplug_str name;
  promplug_str version;
  /* One line without a newline. Any thread, concurrently. Must not call the plugin except
   * [hot]. NULL: the lines go to stderr. */
  void (*log)(void *user, int32_t level, const char *text, size_t len);
  /* First and last on each plugin thread that runs callbacks; for runtimes that want to
   * know foreign threads. May be NULL. */
  void (*thread_enter)(void *user, const char *thread_name);
  void (*thread_leave)(void *user);
  /* A collector with PROMPLUG_COLLECT_ON_LOOP is due: call run_pending() on the loop soon.
   * Any thread; must not block. Needed only with such collectors. */
  void (*wake)(void *user);
  /* For hosts that cannot run on the plugin's threads; create() duplicates all three. 0: none.
   * log_fd, where log is NULL: a connected SOCK_SEQPACKET or SOCK_DGRAM socket. Each line is one
   * message, "LEVEL TEXT" with the level as a number. The plugin never waits for it: what the
   * socket does not take goes to stderr, and is lost where that is full, too. */
  int32_t log_fd;
  /* Eventfds with EFD_NONBLOCK. 1 is added to wake_fd where wake, being NULL, would be called, and
   * to ready_fd where a scrape that was begun without a ready callback can go on. */
  int32_t wake_fd;
  int32_t ready_fd;
  uint32_t reserved0;
} promplug_host;

#define PROMPLUG_F_LISTEN_FD 0x1u   /* listen_fd is a listening socket to use        */
#define PROMPLUG_F_NO_LISTENER 0x2u /* never listen, whatever the configuration says */
#define PROMPLUG_F_NO_ENV 0x4u      /* do not read the environment                   */

typedef struct promplug_options { /* [sized] */
  uint32_t struct_size;
  uint32_t flags;               /* PROMPLUG_F_* */
  promplug_str config_path;     /* empty: PROMPLUG_CONFIG of the environment, else none */
  const promplug_kv *overrides; /* key as in docs/config.md, e.g. "pushgateway.url"; they
                                   win over environment, file and defaults */
  size_t n_overrides;
  int32_t listen_fd;            /* duplicated by start() */
  uint32_t reserved0;
} promplug_options;

/* ---- Metric families ---------------------------------------------------------------- */
#define PROMPLUG_COUNTER 1
#define PROMPLUG_GAUGE 2
#define PROMPLUG_HISTOGRAM 3
#define PROMPLUG_SUMMARY 4
#define PROMPLUG_UNTYPED 5         /* collectors only */
#define PROMPLUG_INFO 6
#define PROMPLUG_STATESET 7
#define PROMPLUG_GAUGE_HISTOGRAM 8 /* collectors only */

/* How a family of several worker processes becomes one (docs/abi.md). */
#define PROMPLUG_MODE_DEFAULT 0 /* counters, histograms, summaries: sum; info: each once; else
                                   per worker */
#define PROMPLUG_MODE_SUM 1
#define PROMPLUG_MODE_MAX 2
#define PROMPLUG_MODE_MIN 3
#define PROMPLUG_MODE_LATEST 4
#define PROMPLUG_MODE_PER_WORKER 5

typedef struct promplug_family_desc { /* [sized] */
  uint32_t struct_size;
  int32_t type;      /* COUNTER, GAUGE, HISTOGRAM, SUMMARY, INFO or STATESET */
  promplug_str name; /* not empty; best [a-zA-Z_:][a-zA-Z0-9_:]*, else see docs/abi.md. A counter
                        should end in _total, which OpenMetrics adds where it is not there; an
                        info family is exposed with _info */
  promplug_str help;
  promplug_str unit; /* empty, or the last part of the name before _total */
  const promplug_str *label_names; /* as the name, without colons; not __*; distinct */
  size_t n_label_names;
  const promplug_kv *const_labels; /* on every series of the family */
  size_t n_const_labels;
  const double *buckets; /* HISTOGRAM: ascending finite upper bounds, +Inf is implied;
                            none: 0.005 to 10, the usual eleven, or with native buckets
                            no others beside them */
  size_t n_buckets;
  const double *quantiles; /* SUMMARY: each in [0,1]. What is reported lies within 1 % of
                              the value of the exact quantile of the window */
  size_t n_quantiles;
  uint32_t summary_window_seconds; /* 0: 600 */
  uint32_t max_series;             /* 0: limits.max_series_per_family of the config */
  const promplug_str *states;      /* STATESET: 1 to 64 distinct names */
  size_t n_states;
  int32_t process_mode;            /* PROMPLUG_MODE_*; used with many workers only */
  uint32_t native_max_buckets;     /* HISTOGRAM: > 0 asks for native buckets too, at most
                                      2048; a series that needs more gets wider ones */
  double native_growth;            /* > 1: ratio of neighbouring native bounds, at most; 0: 1.1 */
  double native_zero_width;        /* finite; values so near to zero count as zero; 0: 2^-128 */
} promplug_family_desc;

/* Labels and origin of one addition to a counter or observation of a histogram. Names and values
 * have 1 to 128 characters in all; else, and on anything but these two, it is dropped and counted
 * while the value still counts. The newest of a counter and of each bucket is kept. */
typedef struct promplug_exemplar { /* [sized] */
  uint32_t struct_size;
  uint32_t reserved0;
  const promplug_kv *labels;
  size_t n_labels;
  double value;    /* read only where the exemplar stands in a promplug_point */
  int64_t unix_ms; /* 0: now */
} promplug_exemplar;

#define PROMPLUG_OP_ADD 1     /* counter: >= 0, gauge: any */
#define PROMPLUG_OP_SET 2     /* gauge; stateset: value is index * 2 + (on ? 1 : 0) */
#define PROMPLUG_OP_OBSERVE 3 /* histogram, summary */

typedef struct promplug_update { /* [frozen] one element of update_many */
  promplug_family *family;
  const promplug_str *label_values; /* as many as the family has label names */
  size_t n_label_values;
  const promplug_exemplar *exemplar; /* or NULL */
  double value;
  int32_t op; /* PROMPLUG_OP_* */
  int32_t result; /* out */
} promplug_update;

/* ---- What collectors say ------------------------------------------------------------- */
typedef struct promplug_family_head { /* [sized] */
  uint32_t struct_size;
  int32_t type; /* any PROMPLUG_COUNTER.. */
  promplug_str name;
  promplug_str help;
  promplug_str unit;
  int32_t process_mode;
  uint32_t reserved0;
} promplug_family_head;

typedef struct promplug_native_histogram { /* [sized] */
  uint32_t struct_size;
  int32_t schema; /* -4 to 8: bucket i ends at 2^(i / 2^schema) */
  double zero_threshold;
  uint64_t zero_count;
  /* Spans: pairs of (offset, length), the first offset being an index, the others the gap to the
   * span before; counts are absolute, in the order of the spans. All counts add up to the count of
   * the point (less, where its sum is NaN); a point where they do not is refused. */
  const int32_t *positive_offsets;
  const uint32_t *positive_lengths;
  size_t n_positive_spans;
  const uint64_t *positive_counts;
  const int32_t *negative_offsets;
  const uint32_t *negative_lengths;
  size_t n_negative_spans;
  const uint64_t *negative_counts;
} promplug_native_histogram;

#define PROMPLUG_POINT_TIMESTAMP 0x1u /* unix_ms is set (scrape only, never pushed)  */
#define PROMPLUG_POINT_NO_SUM 0x2u    /* histogram or summary without a sum          */

typedef struct promplug_point { /* [sized] one series at one moment */
  uint32_t struct_size;
  uint32_t flags; /* PROMPLUG_POINT_* */
  const promplug_kv *labels;
  size_t n_labels;
  double value; /* COUNTER, GAUGE, UNTYPED, INFO (must be 1), STATESET (0 or 1; the label
                   named like the family holds the state) */
  int64_t unix_ms;
  int64_t created_unix_ms; /* 0: unknown */
  uint64_t count;          /* HISTOGRAM, GAUGE_HISTOGRAM, SUMMARY */
  double sum;
  const double *bounds;    /* HISTOGRAM: n_bounds ascending, without +Inf */
  const uint64_t *cumulative_counts; /* n_bounds; each <= the next and <= count */
  size_t n_bounds;
  const double *quantiles; /* SUMMARY */
  const double *quantile_values;
  size_t n_quantiles;
  const promplug_native_histogram *native; /* or NULL */
  const promplug_exemplar *exemplars;      /* an array whose stride is
                                              exemplars[0].struct_size; or NULL */
  size_t n_exemplars;
} promplug_point;

/* Given to collect(); valid during that call and on that thread only. A result other than
 * OK means: stop and return it (the output will be dropped). A series or family that is
 * not valid is refused with E_INVAL, counted, and costs nothing else: a collector may
 * go on after it. */
typedef struct promplug_writer promplug_writer;
struct promplug_writer { /* [sized] */
  uint32_t struct_size;
  uint32_t reserved0;
  /* Opens a family; points go to the family opened last. OK, E_INVAL, E_LIMIT, E_NOMEM. */
  int32_t (*family)(const promplug_writer *w, const promplug_family_head *head);
  /* OK, E_INVAL, E_LIMIT (16 MiB of output), E_TIMEOUT (too late to count), E_NOMEM. */
  int32_t (*point)(const promplug_writer *w, const promplug_point *point);
  /* The quick way to a counter, gauge, untyped or info sample. As point(). */
  int32_t (*sample)(const promplug_writer *w, const promplug_kv *labels, size_t n_labels,
                    double value);
  /* Milliseconds until the output is given up; <= 0: it is late already. */
  int64_t (*time_left_ms)(const promplug_writer *w);
};

/* OK, or anything else: the output of this run is dropped and the failure is counted. */
typedef int32_t (*promplug_collect_fn)(void *user, const promplug_writer *w);
/* OK with *out set; anything else: the series is left out of this scrape. */
typedef int32_t (*promplug_value_fn)(void *user, double *out);

#define PROMPLUG_COLLECT_ON_LOOP 0x1u     /* run only inside run_pending()               */
#define PROMPLUG_COLLECT_ONE_PROCESS 0x2u /* of many workers, only the leader runs it    */

typedef struct promplug_collector { /* [sized] */
  uint32_t struct_size;
  uint32_t flags;    /* PROMPLUG_COLLECT_* */
  promplug_str name; /* label value in promplug_collector_*; distinct per instance */
  /* Never entered twice at once. Runs on the thread pp-collect. Late or failed: this run's
   * output is dropped whole, everything else is served, and it is not entered again before
   * it has returned. */
  promplug_collect_fn collect;
  /* Optional; called exactly once, when collect can never run again. */
  promplug_release_fn release;
  void *user;
  uint32_t timeout_ms;      /* 0: collectors.timeout_seconds of the config */
  uint32_t min_interval_ms; /* > 0: the last output is used again for this long */
} promplug_collector;

#define PROMPLUG_SRC_FN 0  /* fn(user, &value)                                         */
#define PROMPLUG_SRC_U64 1 /* the plugin reads *(const uint64_t *)addr, atomically      */
#define PROMPLUG_SRC_I64 2
#define PROMPLUG_SRC_F64 3

typedef struct promplug_value { /* [sized] one series of a counter or gauge */
  uint32_t struct_size;
  int32_t type; /* PROMPLUG_COUNTER or PROMPLUG_GAUGE */
  promplug_str name;
  promplug_str help;
  const promplug_kv *labels;
  size_t n_labels;
  int32_t source; /* PROMPLUG_SRC_* */
  int32_t process_mode; /* PROMPLUG_MODE_*; the same for all series of a name */
  promplug_value_fn fn;
  const void *addr; /* naturally aligned; readable until unregister() returned OK */
  void *user;
  promplug_release_fn release; /* as of a collector */
} promplug_value;

/* ---- HTTP inside the host ------------------------------------------------------------- */
#define PROMPLUG_REQ_MOUNTED 0x1u      /* the host chose the path: do not compare it     */
#define PROMPLUG_REQ_NEED_LENGTH 0x2u  /* the whole body is held to know its length      */

typedef struct promplug_request { /* [sized] */
  uint32_t struct_size;
  uint32_t flags; /* PROMPLUG_REQ_* */
  promplug_str method;
  promplug_str path;          /* without the query */
  promplug_str query;         /* without '?' */
  const promplug_kv *headers; /* names in any case */
  size_t n_headers;
  promplug_str peer;   /* optional */
  uint32_t timeout_ms; /* 0: scrape.timeout_seconds of the config */
  uint32_t reserved0;
} promplug_request;

/* Called on the calling thread only. A result other than 0 ends the answer. */
typedef struct promplug_response { /* [sized] */
  uint32_t struct_size;
  uint32_t reserved0;
  void *user;
  /* Once, first. content_length -1: unknown; send it chunked, never close-delimited: a
   * scraper takes a cut close-delimited body for a whole one. Content-Length and
   * Transfer-Encoding are never among the headers. */
  int32_t (*begin)(void *user, int32_t status, const promplug_kv *headers,
                   size_t n_headers, int64_t content_length);
  /* Zero or more times; at most 64 KiB at once. Not called for HEAD. */
  int32_t (*write)(void *user, const void *data, size_t len);
} promplug_response;

/* Called when what an AGAIN waited for is there: once, from any thread (a plugin thread, or a
 * thread of the host that is inside another call), possibly before the call that answers AGAIN has
 * returned. Must not block, take a lock that is held around calls of the plugin, or call the plugin
 * except [hot]. scrape_end() waits for one that is just running. */
typedef void (*promplug_ready_fn)(void *user);

typedef struct promplug_scrape_head_info { /* [sized] result */
  uint32_t struct_size;
  int32_t status;             /* HTTP status code */
  const promplug_kv *headers; /* valid until scrape_end() */
  size_t n_headers;
  int64_t content_length;     /* -1: unknown, see promplug_response.begin */
} promplug_scrape_head_info;

/* ---- Gather ---------------------------------------------------------------------------- */
#define PROMPLUG_GATHER_INSTRUMENTS 0x1u
#define PROMPLUG_GATHER_COLLECTORS 0x2u /* collectors and values */
#define PROMPLUG_GATHER_PROCESS 0x4u
#define PROMPLUG_GATHER_SELF 0x8u

typedef struct promplug_visitor { /* [sized] */
  uint32_t struct_size;
  uint32_t sources; /* PROMPLUG_GATHER_*; 0: all */
  void *user;
  /* Each family once, in the order of names, then its points. A result other than 0 ends
   * the visit; gather() then answers E_CANCELLED. */
  int32_t (*family)(void *user, const promplug_family_head *head);
  int32_t (*point)(void *user, const promplug_point *point);
} promplug_visitor;

/* ---- Status ------------------------------------------------------------------------------ */
#define PROMPLUG_STATE_CREATED 1
#define PROMPLUG_STATE_RUNNING 2
#define PROMPLUG_STATE_STOPPING 3 /* stop() timed out: call it again */
#define PROMPLUG_STATE_STOPPED 4
#define PROMPLUG_STATE_FORKED 5   /* child of fork(), inert */

#define PROMPLUG_S_LISTENING 0x1u
#define PROMPLUG_S_PUSHING 0x2u
#define PROMPLUG_S_FORWARDING 0x4u
#define PROMPLUG_S_PUSH_FAILING 0x8u    /* the last push of the application failed */
#define PROMPLUG_S_FORWARD_FAILING 0x10u /* the last push of some forwarded exporter failed */
#define PROMPLUG_S_COLLECTOR_STUCK 0x20u

typedef struct promplug_status { /* [sized] result */
  uint32_t struct_size;
  int32_t state;       /* PROMPLUG_STATE_* */
  uint32_t flags;      /* PROMPLUG_S_* */
  int32_t listen_port; /* 0: none */
  uint64_t scrapes;
  uint64_t scrapes_refused; /* over the limit of scrapes in flight */
  uint64_t pushes_ok;
  uint64_t pushes_failed;
  uint64_t forwards_ok; /* of all exporters; promplug_forward_* has each */
  uint64_t forwards_failed;
  uint64_t forwards_skipped; /* no exporter there */
  uint64_t collector_failures; /* not OK, exception, too large */
  uint64_t collector_timeouts;
  uint64_t series;
  uint64_t series_refused; /* over the limit of a family, or not valid */
  uint64_t updates_ignored; /* NaN, a negative add to a counter, a wrong type */
  int64_t last_scrape_unix_ms; /* 0: never; so below */
  int64_t last_push_unix_ms;
  int64_t last_push_ok_unix_ms;
} promplug_status;

#define PROMPLUG_PUSH_APPLICATION 0x1u
#define PROMPLUG_PUSH_FORWARDS 0x2u

#define PROMPLUG_CHILD_INERT 0   /* no threads, no sockets; [hot] goes on working        */
#define PROMPLUG_CHILD_RESTART 1 /* values from zero, then as after start()              */

#define PROMPLUG_CELL_SHARED 0    /* many writers: add atomically                        */
#define PROMPLUG_CELL_EXCLUSIVE 1 /* one writing thread: relaxed load and store          */

/* ---- What the plugin gives ------------------------------------------------------------- */
typedef struct promplug_api { /* [sized] static, valid for ever */
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t reserved0;
  const char *version; /* of the plugin, NUL-terminated */

  /* Reads and checks the configuration; starts nothing, and opens nothing but this process's
   * file in multiprocess.dir (what fails of that is told by start()). On success *out is an
   * instance that ends with destroy(). host and options may be NULL.
   * OK, E_INVAL, E_TOO_NEW, E_CONFIG, E_NOMEM. [control] */
  int32_t (*create)(const promplug_host *host, const promplug_options *options,
                    promplug_instance **out, promplug_error *err);
  /* Binds, loads what pushing needs, starts threads. After the fork in pre-forking hosts;
   * before privileges are dropped. A second call while running is OK and does nothing.
   * What fails of it (a busy port, no libcurl, multiprocess.dir) is logged, answered with E_IO,
   * and the rest runs all the same: the host may go on. A busy port is tried again in the
   * background. Of several processes with one multiprocess.dir, one listens and pushes.
   * OK, E_IO, E_STATE, E_NOMEM, E_FORKED. [control] */
  int32_t (*start)(promplug_instance *p, promplug_error *err);
  /* Last push or DELETE, as configured (of several processes as one, by the last of them), then
   * ends every plugin thread. On E_TIMEOUT the
   * instance stays STOPPING; a later stop() waits again. OK, E_TIMEOUT, E_REENTRANT.
   * [control][blocks] */
  int32_t (*stop)(promplug_instance *p, uint32_t timeout_ms, promplug_error *err);
  /* Ends all handles; of an instance that was never started, too. OK, E_BUSY (started and not
   * stopped, or a scrape or another call has not ended), E_REENTRANT. [control] */
  int32_t (*destroy)(promplug_instance *p);
  /* Reads the configuration again and takes it as a whole or, on error, not at all. NULL:
   * the options of create(). Instruments, collectors and handles stay. The URL, interval,
   * groups, exporters, listener and limits follow the new one.
   * OK, E_CONFIG, E_IO (as start), E_NOMEM (reload again: listener or push may be off),
   * E_STATE, E_REENTRANT. [control][blocks: 5 s] */
  int32_t (*reload)(promplug_instance *p, const promplug_options *options, promplug_error *err);

  /* [any][cb] OK, E_INVAL. */
  int32_t (*status)(promplug_instance *p, promplug_status *out);
  /* Text of the last failure in the background, without credentials; writes at most cap
   * bytes with a NUL and returns the whole length (0: none). [any][cb] */
  size_t (*last_error)(promplug_instance *p, char *buf, size_t cap);
  /* A table by its id ("promplug.NAME/VERSION"), or NULL. This version has none.
   * [any][cb] */
  const void *(*get_extension)(promplug_instance *p, const char *id);

  /* OK, E_INVAL, E_EXISTS (name), E_TOO_NEW, E_UNSUPPORTED (ON_LOOP, and the host
   * has neither wake nor wake_fd), E_NOMEM. release() is the plugin's duty only after OK. [any] */
  int32_t (*register_collector)(promplug_instance *p, const promplug_collector *c,
                                promplug_reg *out, promplug_error *err);
  /* As register_collector; E_EXISTS: this very series is registered, or its name with another type
   * or process mode; E_INVAL also: a counter with PROMPLUG_MODE_MAX, MIN or LATEST. [any] */
  int32_t (*register_value)(promplug_instance *p, const promplug_value *v, promplug_reg *out,
                            promplug_error *err);
  /* No entry from now on; waits for a running one. OK: it has left, release() was called.
   * E_TIMEOUT: it is still inside; release() follows when it returns; a second call waits
   * again. Hold no lock that the callback takes. E_NOT_FOUND, E_REENTRANT. [any][blocks] */
  int32_t (*unregister)(promplug_instance *p, promplug_reg reg, uint32_t timeout_ms,
                        promplug_error *err);

  /* The family of that name, made if need be. E_EXISTS: it has another type, other labels,
   * buckets, quantiles or states (a differing help gives way to the first). OK, E_INVAL,
   * E_LIMIT, E_NOMEM. [any][cb] */
  int32_t (*family)(promplug_instance *p, const promplug_family_desc *d, promplug_family **out,
                    promplug_error *err);
  /* The series with these label values, made if need be, and pinned: every OK is paid back
   * by one metric_release(). On any failure *out is a series that counts for nothing (NULL
   * only where family is NULL): no caller needs a test. E_LIMIT: max_series is reached.
   * Takes no lock where the series exists. A series without updates for
   * limits.series_expiry_seconds goes as by metric_remove(), INFO excepted.
   * OK, E_INVAL, E_LIMIT, E_NOMEM. [any][cb] */
  int32_t (*metric)(promplug_family *f, const promplug_str *label_values, size_t n,
                    promplug_metric **out, promplug_error *err);
  /* The handle is not used after it. NULL is allowed. [any][cb] */
  void (*metric_release)(promplug_metric *m);
  /* The series is exposed no more. The handle stays good: its next update makes the series
   * anew, from zero. OK, E_INVAL. [any][cb] */
  int32_t (*metric_remove)(promplug_metric *m);
  /* Removes every series whose labels include all of these (name and value); none: all.
   * OK with *removed (may be NULL), E_INVAL. [any][cb] */
  int32_t (*remove_matching)(promplug_family *f, const promplug_kv *labels, size_t n,
                             uint64_t *removed);

  /* m may be NULL. A wrong type, NaN, or a negative add to a counter is ignored and counted
   * (status.updates_ignored). observe on a summary is [any][cb]: it takes a short lock. */
  void (*counter_inc)(promplug_metric *m);                /* [hot] */
  void (*counter_add)(promplug_metric *m, double v);      /* [hot] */
  void (*gauge_set)(promplug_metric *m, double v);        /* [hot] */
  void (*gauge_add)(promplug_metric *m, double v);        /* [hot] */
  void (*observe)(promplug_metric *m, double v);          /* [hot] */
  /* State number `state` (from 0, as in the description) is on or off. [hot] */
  void (*state_set)(promplug_metric *m, uint32_t state, int32_t on);
  /* As counter_add and observe, with an exemplar, or NULL. They take a short lock. [any][cb] */
  void (*counter_add_exemplar)(promplug_metric *m, double v, const promplug_exemplar *e);
  void (*observe_exemplar)(promplug_metric *m, double v, const promplug_exemplar *e);

  /* Look-up and update in one, without a handle. Takes no lock where the series exists.
   * exemplar may be NULL. OK, E_INVAL, E_LIMIT, E_NOMEM. [any][cb] */
  int32_t (*update)(promplug_family *f, const promplug_str *label_values, size_t n,
                    int32_t op, double value, const promplug_exemplar *exemplar);
  /* The same for an array; each element gets its result. Returns OK, or the first
   * failure; every element is tried. [any][cb] */
  int32_t (*update_many)(promplug_update *updates, size_t n);

  /* An aligned cell whose value is part of the counter, for inlining and for languages
   * where a call into C is dear (promplug_cell_add_*). It pins the series. OK, E_INVAL,
   * E_NOMEM. [any] */
  int32_t (*counter_cell)(promplug_metric *m, uint32_t kind, uint64_t **out,
                          promplug_error *err);
  /* What it counted stays. OK, E_NOT_FOUND. [any] */
  int32_t (*cell_release)(promplug_metric *m, uint64_t *cell);

  /* Answers GET and HEAD of the configured path and 405 to other methods on it. Waits for
   * collectors until the deadline. NOT_HANDLED: neither callback was called. A failure
   * before begin() leaves the answer to the host; one after it means: abort the connection,
   * do not end the body. OK, NOT_HANDLED, E_INVAL, E_STATE (not running), E_CANCELLED,
   * E_NOMEM, E_REENTRANT. [any][blocks] */
  int32_t (*handle_request)(promplug_instance *p, const promplug_request *req,
                            const promplug_response *res, promplug_error *err);

  /* The same answer for event loops; none of these five waits. A scrape is used by one
   * thread at a time. ready may be NULL where the host gave a ready_fd.
   *   begin  OK or AGAIN with *out; NOT_HANDLED, E_INVAL, E_STATE, E_NOMEM without.
   *   head   OK with *out filled; AGAIN.
   *   read   OK with *n > 0 bytes; AGAIN; END; a failure: abort the connection.
   *   end    always, also to cancel; after it the ready callback is not called. */
  int32_t (*scrape_begin)(promplug_instance *p, const promplug_request *req,
                          promplug_ready_fn ready, void *user, promplug_scrape **out,
                          promplug_error *err);                                    /* [any] */
  int32_t (*scrape_head)(promplug_scrape *s, promplug_scrape_head_info *out);      /* [any] */
  int32_t (*scrape_read)(promplug_scrape *s, void *buf, size_t cap, size_t *n);    /* [any] */
  void (*scrape_end)(promplug_scrape *s);                                          /* [any] */
  /* Runs the due collectors with ON_LOOP on this thread, beginning none after max_ms. OK;
   * AGAIN: some are left, call soon. E_REENTRANT. [any] */
  int32_t (*run_pending)(promplug_instance *p, uint32_t max_ms);

  /* Shows every family to the visitor, on this thread. OK, E_CANCELLED, E_STATE, E_NOMEM,
   * E_REENTRANT. [any][blocks] */
  int32_t (*gather)(promplug_instance *p, const promplug_visitor *visitor, uint32_t timeout_ms,
                    promplug_error *err);
  /* Pushes on the plugin's thread and waits. E_STATE: push is off, or another process of several
   * does it. E_IO: refused or not reached; the text says why. OK, E_INVAL, E_TIMEOUT,
   * E_REENTRANT. [any][blocks] */
  int32_t (*push_now)(promplug_instance *p, uint32_t targets, uint32_t timeout_ms,
                      promplug_error *err);

  /* Around fork(): prepare waits until the plugin's threads hold nothing, at most 2 s for each;
   * then, on the same thread, exactly one of the others (E_STATE without prepare). fork_child:
   * mode is PROMPLUG_CHILD_*. OK, E_TIMEOUT, E_STATE, E_INVAL, and those of start(). Where
   * status() says FORKED after RESTART failed, the child is as with INERT.
   * [control] */
  int32_t (*fork_prepare)(promplug_instance *p);
  int32_t (*fork_parent)(promplug_instance *p);
  int32_t (*fork_child)(promplug_instance *p, int32_t mode, promplug_error *err);

  /* Of several processes with one multiprocess.dir: leaves pushing and listening to the others,
   * for a process that is to end and has work to finish first, such as a worker after a reload
   * with another configuration. Everything else goes on. Does not wait: it is done soon after.
   * This process does it again only where none of the others has for ten seconds, or by a start()
   * after stop(). The last one to stop does what stop() says, whether it has stepped down or not.
   * Of a process by itself nothing changes. OK, E_INVAL, E_STATE (not running), E_REENTRANT.
   * [control] */
  int32_t (*step_down)(promplug_instance *p, promplug_error *err);
} promplug_api;

/* ---- Entry ------------------------------------------------------------------------------ */
typedef struct promplug_handshake { /* [sized] filled by the host, answered by the plugin */
  uint32_t struct_size;
  uint32_t abi_major; /* in: PROMPLUG_ABI_MAJOR */
  uint32_t abi_minor; /* in: PROMPLUG_ABI_MINOR */
  int32_t result;     /* out: PROMPLUG_OK or PROMPLUG_E_* */
  uint32_t served_major; /* out: what this plugin serves */
  uint32_t served_minor;
  char text[232];     /* out: the reason, NUL-terminated */
} promplug_handshake;

/* NULL on refusal, with result and text set as far as struct_size reaches: nothing is written
 * where it was left 0. Starts, opens and reads nothing. [any] */
typedef const promplug_api *(*promplug_entry_fn)(promplug_handshake *hs);
PROMPLUG_EXPORT const promplug_api *promplug_entry(promplug_handshake *hs);

/* ---- The only code that this header puts into a host -------------------------------------- */
#if defined(__GNUC__)
/* Adds n to a PROMPLUG_CELL_SHARED cell. [hot] */
static __inline__ __attribute__((unused)) void
promplug_cell_add_shared(uint64_t *cell, uint64_t n) {
  (void)__atomic_fetch_add(cell, n, __ATOMIC_RELAXED);
}
/* Adds n to a PROMPLUG_CELL_EXCLUSIVE cell, on its one writing thread. [hot] */
static __inline__ __attribute__((unused)) void
promplug_cell_add_exclusive(uint64_t *cell, uint64_t n) {
  __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}
#endif

#ifdef __cplusplus
}
#endif
#endif /* PROMPLUG_H */
