#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The code in the documents is real: it compiles, is as short as promised, and the whole host of
docs/abi.md is the example that the tests run. Also: relative links lead somewhere.

usage: check_documents.py ROOT C_COMPILER CXX_COMPILER
"""
import pathlib
import re
import subprocess
import sys
import unittest

MAX_SNIPPET_LINES = 20
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def blocks(path, language):
    return [text for found, text in BLOCK.findall(path.read_text(encoding="utf-8"))
            if found == language]


class DocumentsTest(unittest.TestCase):
    root, c_compiler, cxx_compiler = pathlib.Path(), "", ""

    def compile(self, compiler, arguments, text):
        done = subprocess.run([compiler, *arguments, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                               f"-I{self.root}/host_api/include", "-"],
                              input=text, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def snippets(self, language):
        found = blocks(self.root / "README.md", language)
        self.assertTrue(found)
        found += blocks(self.root / "docs/hosts.md", language)
        for text in found:
            self.assertLess(len(text.splitlines()), MAX_SNIPPET_LINES)
        return found

    def test_the_c_of_the_documents_compiles(self):
        for text in self.snippets("c"):
            self.compile(self.c_compiler, ["-x", "c", "-std=c11"], text)

    def test_the_cpp_of_the_documents_compiles(self):
        for text in self.snippets("cpp"):
            self.compile(self.cxx_compiler, ["-x", "c++", "-std=c++17"], text)

    def test_the_host_of_the_abi_page_is_the_example_that_the_tests_run(self):
        example = (self.root / "host_api/examples/minimal_host.c").read_text(encoding="utf-8")
        self.assertIn(example, blocks(self.root / "docs/abi.md", "c"))

    def test_links_lead_to_files(self):
        for document in [*self.root.glob("*.md"), *self.root.glob("docs/*.md")]:
            for target in LINK.findall(BLOCK.sub("", document.read_text(encoding="utf-8"))):
                self.assertTrue((document.parent / target).exists(), f"{document.name}: {target}")


if __name__ == "__main__":
    DocumentsTest.root = pathlib.Path(sys.argv[1]).resolve()
    DocumentsTest.c_compiler, DocumentsTest.cxx_compiler = sys.argv[2:4]
    unittest.main(argv=sys.argv[:1])
