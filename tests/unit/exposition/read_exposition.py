#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads an exposition with prometheus_client's parser and compares it with what went in.

usage: read_exposition.py text|openmetrics EXPOSITION EXPECTED [--without-created]

EXPECTED has a line for each sample, in order, and one before each family:
  F type name help unit
  S name value timestamp_ms|- [label=value ...] [# exemplar_value timestamp_ms [label=value ...]]
Texts are hex of UTF-8 or - for none, values the bits of the double in hex. The values of `le` and
`quantile` are compared as numbers. With --without-created, times of creation are left out. The parser of OpenMetrics takes -0 for the integer 0.
"""
import struct
import sys

from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families

IS_TEXT = sys.argv[1] == "text"
WITHOUT_CREATED = "--without-created" in sys.argv


def text(hexed):
    return bytes.fromhex(hexed).decode("utf-8") if hexed != "-" else ""


def bits(value):
    value = float(value)
    if value == 0 and not IS_TEXT:
        value = 0.0
    return "nan" if value != value else struct.pack(">d", value).hex()


def from_bits(hexed):
    return bits(struct.unpack(">d", bytes.fromhex(hexed))[0])


def labels(pairs):
    return {k: bits(v) if k in ("le", "quantile") else v for k, v in pairs}


def split_pairs(fields):
    return [tuple(map(text, pair.split("="))) for pair in fields]


def expected(path):
    for line in open(path, encoding="ascii"):
        kind, *fields = line.split()
        if kind == "F":
            yield ("F", fields[0], *map(text, fields[1:]))
            continue
        exemplar = None
        if "#" in fields:
            at = fields.index("#")
            exemplar = (from_bits(fields[at + 1]), int(fields[at + 2]),
                        dict(split_pairs(fields[at + 3:])))
            fields = fields[:at]
        timestamp = None if fields[2] == "-" else int(fields[2])
        yield ("S", text(fields[0]), from_bits(fields[1]), timestamp,
               labels(split_pairs(fields[3:])), exemplar)


def milliseconds(timestamp):
    return None if timestamp is None else round(float(timestamp) * 1000)


def found(path):
    content = open(path, encoding="utf-8", newline="").read()
    parse = text_string_to_metric_families if IS_TEXT else parser.text_string_to_metric_families
    for family in parse(content):
        kind = "untyped" if family.type == "unknown" and IS_TEXT else family.type
        # The parser of the text format takes a counter's _total off the name of the family.
        name = family.name + ("_total" if kind == "counter" and IS_TEXT else "")
        yield ("F", kind, name, family.documentation, family.unit)
        for s in family.samples:
            if WITHOUT_CREATED and s.name.endswith("_created"):
                continue
            exemplar = s.exemplar and (bits(s.exemplar.value), milliseconds(s.exemplar.timestamp),
                                       s.exemplar.labels)
            yield ("S", s.name, bits(s.value), milliseconds(s.timestamp), labels(s.labels.items()),
                   exemplar)


def main():
    want, have = list(expected(sys.argv[3])), list(found(sys.argv[2]))
    for i, (w, h) in enumerate(zip(want, have)):
        if w != h:
            sys.exit(f"item {i}:\n  want {w!r}\n  have {h!r}")
    if len(want) != len(have):
        sys.exit(f"{len(want)} items expected, {len(have)} found")
    if len(want) < 1000:
        sys.exit(f"only {len(want)} items: the comparison says little")


main()
