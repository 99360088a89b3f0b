/* SPDX-License-Identifier: MIT */
/* The plugin in one worker. Every call is made by the worker's one thread. */
#ifndef SAMPLE_C_METRICS_H
#define SAMPLE_C_METRICS_H

#include <promplug/promplug.h>

struct metrics { /* all zero: no plugin, and every call does nothing */
  const promplug_api* api;
  promplug_instance* plugin;
  promplug_family* requests;
  promplug_family* durations;
};

/* One whole line on stderr, with the process in front. Any thread. */
void log_line(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Loads the plugin and has it read its configuration; nothing runs yet. 0; or -1, one line says
 * why, and *m is all zero. so, yaml: paths, NULL for none (without `so` it is 0). */
int metrics_load(struct metrics* m, const char* so, const char* yaml);
/* Makes the families and starts the plugin. After the fork. */
void metrics_start(struct metrics* m);
/* One request was answered. */
void metrics_count(struct metrics* m, promplug_str method, const char* route, int status,
                   double seconds);
/* Lets the plugin answer, if the path is its own; it waits for collectors. Otherwise, and on a
 * failure before response->begin(), PROMPLUG_NOT_HANDLED or the failure. */
int metrics_answer(struct metrics* m, const promplug_request* request,
                   const promplug_response* response);
/* The last push, for as long as stop_ms, and the end of the plugin. */
void metrics_stop(struct metrics* m, unsigned stop_ms);

#endif
