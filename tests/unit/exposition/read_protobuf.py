#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads delimited MetricFamily messages with Google's library and the distribution's metrics.proto,
and compares them with what went in.

usage: read_protobuf.py EXPOSITION EXPECTED

EXPECTED has a line for each family: its fields that are set, in the order of their numbers, each as
name=value; or name{fields}. Texts are hex, doubles their bits in hex.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf.descriptor import FieldDescriptor

SOURCE = "/usr/share/gocode/src/github.com/prometheus/client_model"
TIMESTAMP = """syntax = "proto3"; package google.protobuf;
message Timestamp { int64 seconds = 1; int32 nanos = 2; }"""
# What client_model got after the version of the distribution: message, field, number, type.
NEWER = (("Counter", "created_timestamp", 3, ".google.protobuf.Timestamp"),
         ("Summary", "created_timestamp", 4, ".google.protobuf.Timestamp"),
         ("Histogram", "created_timestamp", 15, ".google.protobuf.Timestamp"),
         ("Histogram", "exemplars", 16, ".io.prometheus.client.Exemplar"),
         ("MetricFamily", "unit", 5, ""))


def described():
    with tempfile.TemporaryDirectory() as directory:
        imported = pathlib.Path(directory, "google/protobuf/timestamp.proto")
        imported.parent.mkdir(parents=True)
        imported.write_text(TIMESTAMP, encoding="ascii")
        out = pathlib.Path(directory, "out")
        subprocess.run(["protoc", f"-I{SOURCE}", f"-I{directory}", f"--descriptor_set_out={out}",
                        "io/prometheus/client/metrics.proto"], check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file[0]


def add_newer(file):
    messages = {message.name: message for message in file.message_type}
    for name, field, number, kind in NEWER:
        if number in (f.number for f in messages[name].field):
            continue
        added = messages[name].field.add(name=field, number=number)
        added.label = added.LABEL_REPEATED if field == "exemplars" else added.LABEL_OPTIONAL
        added.type = added.TYPE_MESSAGE if kind else added.TYPE_STRING
        if kind:
            added.type_name = kind


def family_class():
    file = described()
    add_newer(file)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    family = pool.FindMessageTypeByName("io.prometheus.client.MetricFamily")
    return message_factory.MessageFactory(pool).GetPrototype(family)


def shown(field, value):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return f"{field.name}{{{fields(value)}}}"
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        value = "nan" if value != value else struct.pack(">d", value).hex()
    elif field.type == FieldDescriptor.TYPE_STRING:
        value = value.encode().hex()
    return f"{field.name}={value};"


def fields(message):
    if message.UnknownFields():
        sys.exit(f"{message.DESCRIPTOR.name} has fields that are not known")
    text = ""
    for field, value in message.ListFields():
        several = field.label == FieldDescriptor.LABEL_REPEATED
        text += "".join(shown(field, each) for each in (value if several else (value,)))
    return text


def families(content):
    family = family_class()
    at = 0
    while at < len(content):
        size, at = _DecodeVarint32(content, at)
        yield family.FromString(content[at:at + size])
        at += size


def main():
    have = [fields(f) for f in families(pathlib.Path(sys.argv[1]).read_bytes())]
    want = pathlib.Path(sys.argv[2]).read_text(encoding="ascii").splitlines()
    for i, (w, h) in enumerate(zip(want, have)):
        if w != h:
            at = next((k for k, (a, b) in enumerate(zip(w, h)) if a != b), min(len(w), len(h)))
            sys.exit(f"family {i}:\n  want ..{w[max(0, at - 80):at + 80]}\n"
                     f"  have ..{h[max(0, at - 80):at + 80]}")
    if len(want) != len(have):
        sys.exit(f"{len(want)} families expected, {len(have)} found")
    if len(want) < 100:
        sys.exit(f"only {len(want)} families: the comparison says little")


main()
