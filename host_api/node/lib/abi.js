// SPDX-License-Identifier: MIT
// promplug.h in JavaScript: constants, the layout of its structs, the table of its functions.
// Nothing here acts. A test compiles a C program against the header and compares everything.
'use strict';

const ABI_MAJOR = 0;
const ABI_MINOR = 1;
const ENTRY_NAME = 'promplug_entry';

const constants = {
  OK: 0, NOT_HANDLED: 1, AGAIN: 2, END: 3,
  E_INVAL: -1, E_NOMEM: -2, E_VERSION: -3, E_TOO_NEW: -4, E_EXISTS: -5, E_NOT_FOUND: -6,
  E_STATE: -7, E_REENTRANT: -8, E_BUSY: -9, E_TIMEOUT: -10, E_IO: -11, E_CONFIG: -12,
  E_LIMIT: -13, E_FORKED: -14, E_UNSUPPORTED: -15, E_CANCELLED: -16, E_INTERNAL: -17,
  F_NO_LISTENER: 0x2, F_NO_ENV: 0x4,
  COUNTER: 1, GAUGE: 2, HISTOGRAM: 3, SUMMARY: 4, UNTYPED: 5, INFO: 6, STATESET: 7,
  GAUGE_HISTOGRAM: 8,
  MODE_DEFAULT: 0, MODE_SUM: 1, MODE_MAX: 2, MODE_MIN: 3, MODE_LATEST: 4, MODE_PER_WORKER: 5,
  POINT_TIMESTAMP: 0x1, POINT_NO_SUM: 0x2,
  COLLECT_ON_LOOP: 0x1, COLLECT_ONE_PROCESS: 0x2,
  REQ_MOUNTED: 0x1, REQ_NEED_LENGTH: 0x2,
  STATE_CREATED: 1, STATE_RUNNING: 2, STATE_STOPPING: 3, STATE_STOPPED: 4, STATE_FORKED: 5,
  S_LISTENING: 0x1, S_PUSHING: 0x2, S_FORWARDING: 0x4, S_PUSH_FAILING: 0x8,
  S_FORWARD_FAILING: 0x10, S_COLLECTOR_STUCK: 0x20,
  PUSH_APPLICATION: 0x1, PUSH_FORWARDS: 0x2,
  CELL_EXCLUSIVE: 1,
};

// Bytes of a field, which are its alignment too; of a string, pointer and length.
const SIZES = { u32: 4, i32: 4, u64: 8, i64: 8, f64: 8, ptr: 8, str: 16 };

// {size, fields: {name: {offset, kind}}} of a struct whose fields come in that order.
function layout(fields) {
  const placed = {};
  let size = 0;
  for (const [name, kind] of Object.entries(fields)) {
    const align = Math.min(SIZES[kind], 8);
    const offset = Math.ceil(size / align) * align;
    placed[name] = { offset, kind };
    size = offset + SIZES[kind];
  }
  return { size: Math.ceil(size / 8) * 8, fields: placed };
}

// [sized] structs and what stands in arrays, under their names in the header without promplug_.
const structs = {
  str: layout({ ptr: 'ptr', len: 'u64' }),
  kv: layout({ key: 'str', value: 'str' }),
  error: { size: 512, fields: { code: { offset: 0, kind: 'i32' }, text_len: { offset: 4, kind: 'u32' },
                                text: { offset: 8, kind: 'bytes' } } },
  host: layout({ struct_size: 'u32', flags: 'u32', user: 'ptr', name: 'str', version: 'str',
                 log: 'ptr', thread_enter: 'ptr', thread_leave: 'ptr', wake: 'ptr', log_fd: 'i32',
                 wake_fd: 'i32', ready_fd: 'i32', reserved0: 'u32' }),
  options: layout({ struct_size: 'u32', flags: 'u32', config_path: 'str', overrides: 'ptr',
                    n_overrides: 'u64', listen_fd: 'i32', reserved0: 'u32' }),
  family_desc: layout({ struct_size: 'u32', type: 'i32', name: 'str', help: 'str', unit: 'str',
                        label_names: 'ptr', n_label_names: 'u64', const_labels: 'ptr',
                        n_const_labels: 'u64', buckets: 'ptr', n_buckets: 'u64', quantiles: 'ptr',
                        n_quantiles: 'u64', summary_window_seconds: 'u32', max_series: 'u32',
                        states: 'ptr', n_states: 'u64', process_mode: 'i32',
                        native_max_buckets: 'u32', native_growth: 'f64',
                        native_zero_width: 'f64' }),
  exemplar: layout({ struct_size: 'u32', reserved0: 'u32', labels: 'ptr', n_labels: 'u64',
                     value: 'f64', unix_ms: 'i64' }),
  family_head: layout({ struct_size: 'u32', type: 'i32', name: 'str', help: 'str', unit: 'str',
                        process_mode: 'i32', reserved0: 'u32' }),
  point: layout({ struct_size: 'u32', flags: 'u32', labels: 'ptr', n_labels: 'u64', value: 'f64',
                  unix_ms: 'i64', created_unix_ms: 'i64', count: 'u64', sum: 'f64', bounds: 'ptr',
                  cumulative_counts: 'ptr', n_bounds: 'u64', quantiles: 'ptr',
                  quantile_values: 'ptr', n_quantiles: 'u64', native: 'ptr', exemplars: 'ptr',
                  n_exemplars: 'u64' }),
  writer: layout({ struct_size: 'u32', reserved0: 'u32', family: 'ptr', point: 'ptr', sample: 'ptr',
                   time_left_ms: 'ptr' }),
  collector: layout({ struct_size: 'u32', flags: 'u32', name: 'str', collect: 'ptr', release: 'ptr',
                      user: 'ptr', timeout_ms: 'u32', min_interval_ms: 'u32' }),
  request: layout({ struct_size: 'u32', flags: 'u32', method: 'str', path: 'str', query: 'str',
                    headers: 'ptr', n_headers: 'u64', peer: 'str', timeout_ms: 'u32',
                    reserved0: 'u32' }),
  scrape_head_info: layout({ struct_size: 'u32', status: 'i32', headers: 'ptr', n_headers: 'u64',
                             content_length: 'i64' }),
  status: layout({ struct_size: 'u32', state: 'i32', flags: 'u32', listen_port: 'i32',
                   scrapes: 'u64', scrapes_refused: 'u64', pushes_ok: 'u64', pushes_failed: 'u64',
                   forwards_ok: 'u64', forwards_failed: 'u64', forwards_skipped: 'u64',
                   collector_failures: 'u64', collector_timeouts: 'u64', series: 'u64',
                   series_refused: 'u64', updates_ignored: 'u64', last_scrape_unix_ms: 'i64',
                   last_push_unix_ms: 'i64', last_push_ok_unix_ms: 'i64' }),
  handshake: { size: 256, fields: { struct_size: { offset: 0, kind: 'u32' },
                                    abi_major: { offset: 4, kind: 'u32' },
                                    abi_minor: { offset: 8, kind: 'u32' },
                                    result: { offset: 12, kind: 'i32' },
                                    served_major: { offset: 16, kind: 'u32' },
                                    served_minor: { offset: 20, kind: 'u32' },
                                    text: { offset: 24, kind: 'bytes' } } },
};

// Types of koffi. A pointer is a number: addresses of processes are below 2^53, and koffi takes a
// number faster than a BigInt.
const P = 'uint64';
const I = 'int32';
const U = 'uint32';
const D = 'double';
const S = 'size_t';

// Result, then arguments.
const signatures = {
  create: [I, P, P, P, P], start: [I, P, P], stop: [I, P, U, P], destroy: [I, P],
  reload: [I, P, P, P], status: [I, P, P], last_error: [S, P, P, S], get_extension: [P, P, P],
  register_collector: [I, P, P, P, P], register_value: [I, P, P, P, P], unregister: [I, P, P, U, P],
  family: [I, P, P, P, P], metric: [I, P, P, S, P, P], metric_release: ['void', P],
  metric_remove: [I, P], remove_matching: [I, P, P, S, P],
  counter_inc: ['void', P], counter_add: ['void', P, D], gauge_set: ['void', P, D],
  gauge_add: ['void', P, D], observe: ['void', P, D], state_set: ['void', P, U, I],
  counter_add_exemplar: ['void', P, D, P], observe_exemplar: ['void', P, D, P],
  update: [I, P, P, S, I, D, P], update_many: [I, P, S], counter_cell: [I, P, U, P, P],
  cell_release: [I, P, P], handle_request: [I, P, P, P, P], scrape_begin: [I, P, P, P, P, P, P],
  scrape_head: [I, P, P], scrape_read: [I, P, 'void *', S, P], scrape_end: ['void', P],
  run_pending: [I, P, U], gather: [I, P, P, U, P], push_now: [I, P, U, U, P],
  fork_prepare: [I, P], fork_parent: [I, P], fork_child: [I, P, I, P],
  step_down: [I, P, P],
};

// Of promplug_writer.
const writerSignatures = {
  family: [I, P, P], point: [I, P, P], sample: [I, P, P, S, D], time_left_ms: ['int64', P],
};
const collectSignature = [I, P, P];

// The functions of promplug_api follow its version, in the order of `signatures`.
const TABLE_FUNCTIONS_OFFSET = 24;

module.exports = {
  ...constants, ABI_MAJOR, ABI_MINOR, ENTRY_NAME, constants, structs, signatures, writerSignatures,
  collectSignature, TABLE_FUNCTIONS_OFFSET,
};
