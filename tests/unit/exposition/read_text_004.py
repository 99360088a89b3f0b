#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads an exposition with prometheus_client's parser and compares it with what went in.

usage: read_text_004.py EXPOSITION EXPECTED

EXPECTED has a line for each sample, in order, and one before each family:
  F type name help
  S name value timestamp_ms|- [label=value ...]
Texts are hex of UTF-8, values the bits of the double in hex. The values of `le` and `quantile`
are compared as numbers.
"""
import struct
import sys

from prometheus_client.parser import text_string_to_metric_families


def text(hexed):
    return bytes.fromhex(hexed).decode("utf-8")


def bits(value):
    return "nan" if value != value else struct.pack(">d", value).hex()


def labels(pairs):
    return {k: bits(float(v)) if k in ("le", "quantile") else v for k, v in pairs}


def expected(path):
    for line in open(path, encoding="ascii"):
        kind, *fields = line.split()
        if kind == "F":
            yield ("F", fields[0], text(fields[1]), text(fields[2]) if len(fields) > 2 else "")
        else:
            value = struct.unpack(">d", bytes.fromhex(fields[1]))[0]
            pairs = [tuple(map(text, pair.split("="))) for pair in fields[3:]]
            timestamp = None if fields[2] == "-" else int(fields[2])
            yield ("S", text(fields[0]), bits(value), timestamp, labels(pairs))


def found(path):
    content = open(path, encoding="utf-8", newline="").read()
    for family in text_string_to_metric_families(content):
        kind = "untyped" if family.type == "unknown" else family.type
        # The parser takes a counter's _total off the name of the family.
        name = family.name + ("_total" if kind == "counter" else "")
        yield ("F", kind, name, family.documentation)
        for s in family.samples:
            timestamp = None if s.timestamp is None else round(float(s.timestamp) * 1000)
            yield ("S", s.name, bits(s.value), timestamp, labels(s.labels.items()))


def main():
    want, have = list(expected(sys.argv[2])), list(found(sys.argv[1]))
    for i, (w, h) in enumerate(zip(want, have)):
        if w != h:
            sys.exit(f"item {i}:\n  want {w!r}\n  have {h!r}")
    if len(want) != len(have):
        sys.exit(f"{len(want)} items expected, {len(have)} found")
    if len(want) < 1000:
        sys.exit(f"only {len(want)} items: the comparison says little")


main()
