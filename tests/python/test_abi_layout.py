# SPDX-License-Identifier: MIT
"""promplug/_abi.py says what promplug.h says: a C program that includes the header is asked."""
import ctypes
import os
import re
import subprocess
import unittest

from promplug import _abi
from support import ROOT, PluginCase

HEADER = ROOT / "host_api/include/promplug/promplug.h"
NAMES = {_abi.Table: "promplug_api"}
# C types that are not pointers, by their size and kind.
SCALARS = {"int32_t": "i4", "uint32_t": "u4", "int64_t": "i8", "uint64_t": "u8", "size_t": "u8",
           "promplug_reg": "u8", "double": "f8", "void": "none"}
FUNCTION_TYPES = {"promplug_ready_fn", "promplug_release_fn"}


def structs():
    """Each struct of _abi with its name in C."""
    for kind in vars(_abi).values():
        if (isinstance(kind, type) and issubclass(kind, ctypes.Structure)
                and kind not in (ctypes.Structure, _abi.Sized)):
            snake = re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__).lower()
            yield NAMES.get(kind, "promplug_" + snake), kind


def constants():
    return {name: value for name, value in vars(_abi).items()
            if name.isupper() and isinstance(value, int)}


def kind_of(kind):
    """The same as SCALARS for a type of ctypes; "p" for pointers and functions."""
    if kind is None:
        return "none"
    code = getattr(kind, "_type_", "")
    if code == "d":
        return "f8"
    if isinstance(code, str) and len(code) == 1 and code in "iIlLqQ":
        return ("i" if code.islower() else "u") + str(ctypes.sizeof(kind))
    return "p"


def kind_in_c(text):
    text = re.sub(r"\bconst\b", "", text).strip()
    word = text.split()[0].rstrip("*")
    return "p" if "*" in text or word in FUNCTION_TYPES else SCALARS[word]


class LayoutTest(PluginCase):
    @classmethod
    def setUpClass(cls):
        cls.structs = list(structs())

    def ask_c(self, lines):
        """What a program prints that says each of these expressions."""
        body = "".join(f'  printf("%lld\\n", (long long)({line}));\n' for line in lines)
        folder = self.directory()
        source = folder / "layout.c"
        source.write_text("#include <promplug/promplug.h>\n#include <stdio.h>\n"
                          f"int main(void) {{\n{body}  return 0;\n}}\n", encoding="utf-8")
        subprocess.run([os.environ.get("CC", "cc"), "-I", ROOT / "host_api/include", source, "-o",
                        folder / "layout"], check=True)
        said = subprocess.run([folder / "layout"], check=True, capture_output=True, text=True)
        return [int(line) for line in said.stdout.split()]

    def test_every_struct_has_the_size_of_the_header(self):
        self.assertGreater(len(self.structs), 15)
        sizes = self.ask_c([f"sizeof({name})" for name, _ in self.structs])
        for (name, kind), size in zip(self.structs, sizes):
            self.assertEqual(ctypes.sizeof(kind), size, name)

    def test_every_field_lies_where_the_header_has_it(self):
        fields = [(name, kind, field[0]) for name, kind in self.structs for field in kind._fields_]
        offsets = self.ask_c([f"offsetof({name}, {field})" for name, _, field in fields])
        for (name, kind, field), offset in zip(fields, offsets):
            self.assertEqual(getattr(kind, field).offset, offset, f"{name}.{field}")

    def test_every_constant_has_the_value_of_the_header(self):
        named = constants()
        self.assertGreater(len(named), 50)
        values = self.ask_c(["PROMPLUG_" + name for name in named])
        self.assertEqual(dict(zip(named, values)), named)

    def test_every_function_takes_and_returns_what_the_header_says(self):
        text = re.sub(r"/\*.*?\*/", " ", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)
        table = re.search(r"typedef struct promplug_api \{(.*?)\} promplug_api;", text, re.DOTALL)[1]
        found = re.findall(r"([\w \*]+?)\(\*(\w+)\)\(([^)]*)\);", table)
        self.assertEqual([name for _, name, _ in found], list(_abi.SIGNATURES))
        for result, name, arguments in found:
            said = [kind_in_c(result), *map(kind_in_c, arguments.split(","))]
            self.assertEqual([kind_of(kind) for kind in _abi.SIGNATURES[name]], said, name)


if __name__ == "__main__":
    unittest.main()
