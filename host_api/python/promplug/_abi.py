# SPDX-License-Identifier: MIT
"""promplug.h in ctypes: constants, structs and the table of functions, under the names of the header.

Nothing here acts. A test compiles a C program against the header and compares every size, offset
and constant, so that the two cannot drift apart.
"""
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_int32, c_int64,
                    c_size_t, c_uint32, c_uint64, c_void_p, sizeof, string_at)

ABI_MAJOR = 0
ABI_MINOR = 1
ENTRY_NAME = "promplug_entry"

OK, NOT_HANDLED, AGAIN, END = 0, 1, 2, 3
E_INVAL, E_NOMEM, E_VERSION, E_TOO_NEW, E_EXISTS, E_NOT_FOUND, E_STATE = -1, -2, -3, -4, -5, -6, -7
E_REENTRANT, E_BUSY, E_TIMEOUT, E_IO, E_CONFIG, E_LIMIT, E_FORKED = -8, -9, -10, -11, -12, -13, -14
E_UNSUPPORTED, E_CANCELLED, E_INTERNAL = -15, -16, -17

F_NO_LISTENER, F_NO_ENV = 0x2, 0x4

COUNTER, GAUGE, HISTOGRAM, SUMMARY, UNTYPED, INFO, STATESET, GAUGE_HISTOGRAM = range(1, 9)
(MODE_DEFAULT, MODE_SUM, MODE_MAX, MODE_MIN, MODE_LATEST, MODE_PER_WORKER) = range(6)
POINT_TIMESTAMP, POINT_NO_SUM = 0x1, 0x2
COLLECT_ONE_PROCESS = 0x2
OP_OBSERVE = 3
SRC_FN = 0
REQ_MOUNTED, REQ_NEED_LENGTH = 0x1, 0x2

STATE_CREATED, STATE_RUNNING, STATE_STOPPING, STATE_STOPPED, STATE_FORKED = range(1, 6)
(S_LISTENING, S_PUSHING, S_FORWARDING, S_PUSH_FAILING, S_FORWARD_FAILING,
 S_COLLECTOR_STUCK) = (0x1, 0x2, 0x4, 0x8, 0x10, 0x20)
PUSH_APPLICATION, PUSH_FORWARDS = 0x1, 0x2
CHILD_INERT, CHILD_RESTART = 0, 1


class Str(Structure):
    """promplug_str. Whoever fills it keeps the bytes alive until the call has returned."""
    _fields_ = [("ptr", c_char_p), ("len", c_size_t)]


class Kv(Structure):
    _fields_ = [("key", Str), ("value", Str)]


class Error(Structure):
    _fields_ = [("code", c_int32), ("text_len", c_uint32), ("text", c_char * 504)]


class Sized(Structure):
    """A [sized] struct: struct_size is set, every other byte is zero."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.struct_size = sizeof(self)


LogFn = CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_size_t)
ReleaseFn = CFUNCTYPE(None, c_void_p)
ReadyFn = CFUNCTYPE(None, c_void_p)
ValueFn = CFUNCTYPE(c_int32, c_void_p, POINTER(c_double))
BeginFn = CFUNCTYPE(c_int32, c_void_p, c_int32, POINTER(Kv), c_size_t, c_int64)
WriteFn = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)


class Host(Sized):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("user", c_void_p), ("name", Str),
                ("version", Str), ("log", LogFn), ("thread_enter", c_void_p),
                ("thread_leave", c_void_p), ("wake", c_void_p), ("log_fd", c_int32),
                ("wake_fd", c_int32), ("ready_fd", c_int32), ("reserved0", c_uint32)]


class Options(Sized):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("config_path", Str),
                ("overrides", POINTER(Kv)), ("n_overrides", c_size_t), ("listen_fd", c_int32),
                ("reserved0", c_uint32)]


class FamilyDesc(Sized):
    _fields_ = [("struct_size", c_uint32), ("type", c_int32), ("name", Str), ("help", Str),
                ("unit", Str), ("label_names", POINTER(Str)), ("n_label_names", c_size_t),
                ("const_labels", POINTER(Kv)), ("n_const_labels", c_size_t),
                ("buckets", POINTER(c_double)), ("n_buckets", c_size_t),
                ("quantiles", POINTER(c_double)), ("n_quantiles", c_size_t),
                ("summary_window_seconds", c_uint32), ("max_series", c_uint32),
                ("states", POINTER(Str)), ("n_states", c_size_t), ("process_mode", c_int32),
                ("native_max_buckets", c_uint32), ("native_growth", c_double),
                ("native_zero_width", c_double)]


class Exemplar(Sized):
    _fields_ = [("struct_size", c_uint32), ("reserved0", c_uint32), ("labels", POINTER(Kv)),
                ("n_labels", c_size_t), ("value", c_double), ("unix_ms", c_int64)]


class Update(Structure):
    _fields_ = [("family", c_void_p), ("label_values", POINTER(Str)), ("n_label_values", c_size_t),
                ("exemplar", POINTER(Exemplar)), ("value", c_double), ("op", c_int32),
                ("result", c_int32)]


class FamilyHead(Sized):
    _fields_ = [("struct_size", c_uint32), ("type", c_int32), ("name", Str), ("help", Str),
                ("unit", Str), ("process_mode", c_int32), ("reserved0", c_uint32)]


class Point(Sized):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("labels", POINTER(Kv)),
                ("n_labels", c_size_t), ("value", c_double), ("unix_ms", c_int64),
                ("created_unix_ms", c_int64), ("count", c_uint64), ("sum", c_double),
                ("bounds", POINTER(c_double)), ("cumulative_counts", POINTER(c_uint64)),
                ("n_bounds", c_size_t), ("quantiles", POINTER(c_double)),
                ("quantile_values", POINTER(c_double)), ("n_quantiles", c_size_t),
                ("native", c_void_p), ("exemplars", POINTER(Exemplar)), ("n_exemplars", c_size_t)]


class Writer(Sized):
    pass


WriterFamilyFn = CFUNCTYPE(c_int32, POINTER(Writer), POINTER(FamilyHead))
WriterPointFn = CFUNCTYPE(c_int32, POINTER(Writer), POINTER(Point))
WriterSampleFn = CFUNCTYPE(c_int32, POINTER(Writer), POINTER(Kv), c_size_t, c_double)
WriterTimeLeftFn = CFUNCTYPE(c_int64, POINTER(Writer))
Writer._fields_ = [("struct_size", c_uint32), ("reserved0", c_uint32), ("family", WriterFamilyFn),
                   ("point", WriterPointFn), ("sample", WriterSampleFn),
                   ("time_left_ms", WriterTimeLeftFn)]

CollectFn = CFUNCTYPE(c_int32, c_void_p, POINTER(Writer))
VisitFamilyFn = CFUNCTYPE(c_int32, c_void_p, POINTER(FamilyHead))
VisitPointFn = CFUNCTYPE(c_int32, c_void_p, POINTER(Point))


class Collector(Sized):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("name", Str),
                ("collect", CollectFn), ("release", ReleaseFn), ("user", c_void_p),
                ("timeout_ms", c_uint32), ("min_interval_ms", c_uint32)]


class Value(Sized):
    _fields_ = [("struct_size", c_uint32), ("type", c_int32), ("name", Str), ("help", Str),
                ("labels", POINTER(Kv)), ("n_labels", c_size_t), ("source", c_int32),
                ("process_mode", c_int32), ("fn", ValueFn), ("addr", c_void_p), ("user", c_void_p),
                ("release", ReleaseFn)]


class Request(Sized):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("method", Str), ("path", Str),
                ("query", Str), ("headers", POINTER(Kv)), ("n_headers", c_size_t), ("peer", Str),
                ("timeout_ms", c_uint32), ("reserved0", c_uint32)]


class Response(Sized):
    _fields_ = [("struct_size", c_uint32), ("reserved0", c_uint32), ("user", c_void_p),
                ("begin", BeginFn), ("write", WriteFn)]


class ScrapeHeadInfo(Sized):
    _fields_ = [("struct_size", c_uint32), ("status", c_int32), ("headers", POINTER(Kv)),
                ("n_headers", c_size_t), ("content_length", c_int64)]


class Visitor(Sized):
    _fields_ = [("struct_size", c_uint32), ("sources", c_uint32), ("user", c_void_p),
                ("family", VisitFamilyFn), ("point", VisitPointFn)]


class Status(Sized):
    _fields_ = [("struct_size", c_uint32), ("state", c_int32), ("flags", c_uint32),
                ("listen_port", c_int32), ("scrapes", c_uint64), ("scrapes_refused", c_uint64),
                ("pushes_ok", c_uint64), ("pushes_failed", c_uint64), ("forwards_ok", c_uint64),
                ("forwards_failed", c_uint64), ("forwards_skipped", c_uint64),
                ("collector_failures", c_uint64), ("collector_timeouts", c_uint64),
                ("series", c_uint64), ("series_refused", c_uint64), ("updates_ignored", c_uint64),
                ("last_scrape_unix_ms", c_int64), ("last_push_unix_ms", c_int64),
                ("last_push_ok_unix_ms", c_int64)]


class Handshake(Sized):
    _fields_ = [("struct_size", c_uint32), ("abi_major", c_uint32), ("abi_minor", c_uint32),
                ("result", c_int32), ("served_major", c_uint32), ("served_minor", c_uint32),
                ("text", c_char * 232)]


# result, then arguments
SIGNATURES = {
    "create": (c_int32, POINTER(Host), POINTER(Options), POINTER(c_void_p), POINTER(Error)),
    "start": (c_int32, c_void_p, POINTER(Error)),
    "stop": (c_int32, c_void_p, c_uint32, POINTER(Error)),
    "destroy": (c_int32, c_void_p),
    "reload": (c_int32, c_void_p, POINTER(Options), POINTER(Error)),
    "status": (c_int32, c_void_p, POINTER(Status)),
    "last_error": (c_size_t, c_void_p, c_void_p, c_size_t),
    "get_extension": (c_void_p, c_void_p, c_char_p),
    "register_collector": (c_int32, c_void_p, POINTER(Collector), POINTER(c_uint64), POINTER(Error)),
    "register_value": (c_int32, c_void_p, POINTER(Value), POINTER(c_uint64), POINTER(Error)),
    "unregister": (c_int32, c_void_p, c_uint64, c_uint32, POINTER(Error)),
    "family": (c_int32, c_void_p, POINTER(FamilyDesc), POINTER(c_void_p), POINTER(Error)),
    "metric": (c_int32, c_void_p, POINTER(Str), c_size_t, POINTER(c_void_p), POINTER(Error)),
    "metric_release": (None, c_void_p),
    "metric_remove": (c_int32, c_void_p),
    "remove_matching": (c_int32, c_void_p, POINTER(Kv), c_size_t, POINTER(c_uint64)),
    "counter_inc": (None, c_void_p),
    "counter_add": (None, c_void_p, c_double),
    "gauge_set": (None, c_void_p, c_double),
    "gauge_add": (None, c_void_p, c_double),
    "observe": (None, c_void_p, c_double),
    "state_set": (None, c_void_p, c_uint32, c_int32),
    "counter_add_exemplar": (None, c_void_p, c_double, POINTER(Exemplar)),
    "observe_exemplar": (None, c_void_p, c_double, POINTER(Exemplar)),
    "update": (c_int32, c_void_p, POINTER(Str), c_size_t, c_int32, c_double, POINTER(Exemplar)),
    "update_many": (c_int32, c_void_p, c_size_t),
    "counter_cell": (c_int32, c_void_p, c_uint32, POINTER(POINTER(c_uint64)), POINTER(Error)),
    "cell_release": (c_int32, c_void_p, POINTER(c_uint64)),
    "handle_request": (c_int32, c_void_p, POINTER(Request), POINTER(Response), POINTER(Error)),
    "scrape_begin": (c_int32, c_void_p, POINTER(Request), ReadyFn, c_void_p, POINTER(c_void_p),
                     POINTER(Error)),
    "scrape_head": (c_int32, c_void_p, POINTER(ScrapeHeadInfo)),
    "scrape_read": (c_int32, c_void_p, c_void_p, c_size_t, POINTER(c_size_t)),
    "scrape_end": (None, c_void_p),
    "run_pending": (c_int32, c_void_p, c_uint32),
    "gather": (c_int32, c_void_p, POINTER(Visitor), c_uint32, POINTER(Error)),
    "push_now": (c_int32, c_void_p, c_uint32, c_uint32, POINTER(Error)),
    "fork_prepare": (c_int32, c_void_p),
    "fork_parent": (c_int32, c_void_p),
    "fork_child": (c_int32, c_void_p, c_int32, POINTER(Error)),
    "step_down": (c_int32, c_void_p, POINTER(Error)),
}


class Table(Structure):
    """promplug_api. Its functions are plain addresses here; SIGNATURES types them."""
    _fields_ = [("struct_size", c_uint32), ("abi_major", c_uint32), ("abi_minor", c_uint32),
                ("reserved0", c_uint32), ("version", c_char_p)]
    _fields_ += [(name, c_void_p) for name in SIGNATURES]


EntryFn = CFUNCTYPE(POINTER(Table), POINTER(Handshake))


def text(value: str) -> Str:
    """A promplug_str of `value` that keeps its bytes alive itself."""
    data = value.encode("utf-8", "replace")
    return Str(data, len(data))


def texts(values):
    """An array of promplug_str, or None for no values."""
    values = [text(value) for value in values]
    return (Str * len(values))(*values) if values else None


def pairs(items):
    """An array of promplug_kv of (key, value) pairs, or None for no pairs."""
    items = [Kv(text(key), text(value)) for key, value in items]
    return (Kv * len(items))(*items) if items else None


def doubles(values):
    """An array of double, or None for no values."""
    values = list(values)
    return (c_double * len(values))(*values) if values else None


def read(value: Str) -> str:
    """The text of a promplug_str that the plugin gave."""
    address = c_void_p.from_buffer(value).value
    return string_at(address, value.len).decode("utf-8", "replace") if address and value.len else ""
