#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what a process gets when it loads promplug.so: its symbols, libraries and flags.

usage: check_shared_object.py FILE
"""
import re
import subprocess
import sys
import unittest

# Anything else would be one more thing for a host to have, or to clash with.
ALLOWED_LIBRARIES = {"libisal.so.2", "libz.so.1", "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1",
                     "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
# What Debian 12 has.
NEWEST_GLIBC = (2, 36)


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class SharedObjectTest(unittest.TestCase):
    path = ""

    def test_one_symbol_is_exported(self):
        lines = output("nm", "-D", "--defined-only", self.path).splitlines()
        self.assertEqual([line.split()[1:] for line in lines], [["T", "promplug_entry"]])

    def test_it_needs_no_library_that_is_not_expected(self):
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", self.path)))
        self.assertTrue(needed)
        self.assertLessEqual(needed, ALLOWED_LIBRARIES)

    def test_it_is_bound_at_once_never_unmapped_and_has_no_text_relocations(self):
        dynamic = output("readelf", "-d", self.path)
        flags = re.search(r"\(FLAGS_1\)\s+Flags: (.*)", dynamic)[1].split()
        self.assertIn("NOW", flags)
        self.assertIn("NODELETE", flags)
        self.assertNotIn("TEXTREL", dynamic)

    def test_it_has_no_thread_local_data(self):
        self.assertNotRegex(output("readelf", "-lW", self.path), r"\n\s*TLS ")

    def test_it_runs_on_the_oldest_system_promised(self):
        versions = {tuple(map(int, v.split(".")))
                    for v in re.findall(r"GLIBC_(\d+(?:\.\d+)+)", output("objdump", "-T", self.path))}
        self.assertTrue(versions)
        self.assertLessEqual(max(v[:2] for v in versions), NEWEST_GLIBC)


if __name__ == "__main__":
    SharedObjectTest.path = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
