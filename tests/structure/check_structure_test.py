#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The structure check is seen to fail on each kind of wrong file, in a tree made for it."""
import pathlib
import tempfile
import unittest

from check_structure import MAX_LINES, Checker

HEAD = "// SPDX-License-Identifier: MIT\n#pragma once\n"
GOOD_TREE = {
    "plugin/rooms.txt": "base:\nhttp: base\npush: base http\nabi: base push host_api\n",
    "plugin/base/status.hpp": HEAD + "struct Twice {\n};\nclass Other {\n};\nstruct Local {\n};\n",
    "plugin/http/client.hpp": HEAD + '#include "base/status.hpp"\n',
    "plugin/http/curl_client.cpp": HEAD + "#include <curl/curl.h>\n",
    "plugin/push/push.hpp": HEAD + '#include <vector>\n#include "http/client.hpp"\n',
    "plugin/abi/table.cpp": HEAD + '#include <promplug/promplug.h>\n#include "push/push.hpp"\n',
    "host_api/include/promplug/promplug.h": HEAD + "#include <stdint.h>\n",
    "host_api/include/promplug/promplug.hpp": HEAD + '#include <string>\n#include "host/core.hpp"\n',
    "host_api/include/promplug/host/core.hpp": HEAD + '#include "../promplug.h"\n',
    "host_api/include/promplug/prometheus_cpp.hpp": HEAD + '#include "promplug.hpp"\n'
                                                          "#include <prometheus/family.h>\n",
    "plugin/version.hpp.in": "",
    "plugin/abi/entry.cpp": HEAD + '#include "version.hpp"\n',
    "sample_host/routes.hpp": HEAD + "#include <promplug/promplug.hpp>\n",
    "sample_host/main.cpp": HEAD + '#include <httplib.h>\n#include "routes.hpp"\n',
}


def violations(**changes):
    """What the check says about the good tree with these files added or replaced."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in {**GOOD_TREE, **changes}.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Checker(root).run()


class CheckStructureTest(unittest.TestCase):
    def assert_refused(self, name, text, reason):
        found = violations(**{name: text})
        self.assertEqual(len(found), 1, found)
        self.assertIn(reason, found[0])

    def test_a_good_tree_has_no_violation(self):
        self.assertEqual(violations(), [])

    def test_a_room_may_not_include_what_its_line_does_not_name(self):
        self.assert_refused("plugin/http/x.cpp", HEAD + '#include "push/push.hpp"\n',
                            "plugin/http/x.cpp:3: http may not include push")

    def test_two_types_of_one_name_are_found_unless_one_is_anonymous(self):
        self.assert_refused("plugin/push/x.hpp", HEAD + "class Twice final : public A {\n};\n"
                            "class Other;\nnamespace {\nstruct Local {\n};\n}  // namespace\n",
                            "Twice is defined in plugin/base/status.hpp too")

    def test_nobody_includes_abi(self):
        self.assert_refused("plugin/push/x.cpp", HEAD + '#include "abi/table.cpp"\n',
                            "push may not include abi")

    def test_only_a_room_that_knows_host_api_includes_the_abi_header(self):
        self.assert_refused("plugin/push/x.cpp", HEAD + "#include <promplug/promplug.h>\n",
                            "push may not know the ABI")

    def test_an_include_that_is_not_relative_to_plugin_is_refused(self):
        self.assert_refused("plugin/base/x.cpp", HEAD + '#include "status.hpp"\n',
                            "no path of a file relative to plugin/")
        self.assert_refused("plugin/base/x.cpp", HEAD + '#include "../base/status.hpp"\n',
                            "no path of a file relative to plugin/")

    def test_a_library_stays_in_its_place(self):
        self.assert_refused("plugin/push/x.cpp", HEAD + "#include <curl/curl.h>\n",
                            "belongs to plugin/http/curl_client.cpp alone")
        self.assert_refused("plugin/http/other.cpp", HEAD + "#include <curl/curl.h>\n",
                            "belongs to plugin/http/curl_client.cpp alone")
        self.assert_refused("plugin/base/x.cpp", HEAD + "#include <prometheus/counter.h>\n",
                            "nowhere in plugin/")

    def test_streams_are_refused_in_the_plugin(self):
        self.assert_refused("plugin/base/x.cpp", HEAD + "#include <sstream>\n", "locale")

    def test_a_ring_of_headers_is_named(self):
        found = violations(**{"plugin/base/a.hpp": HEAD + '#include "base/b.hpp"\n',
                              "plugin/base/b.hpp": HEAD + '#include "base/a.hpp"\n'})
        self.assertIn("plugin/base/a.hpp -> plugin/base/b.hpp -> plugin/base/a.hpp", found[0])

    def test_a_ring_of_rooms_is_refused(self):
        found = violations(**{"plugin/rooms.txt": "base: http\nhttp: base\npush: base http\n"
                                                  "abi: base push host_api\n"})
        self.assertTrue(any("knows itself through others" in f for f in found), found)

    def test_a_folder_that_is_no_room_is_refused(self):
        self.assertTrue(violations(**{"plugin/attic/x.hpp": HEAD}))

    def test_the_host_side_may_not_know_the_plugin(self):
        self.assert_refused("host_api/include/promplug/other.hpp",
                            HEAD + '#include "base/status.hpp"\n', "may not know plugin/")
        self.assert_refused("sample_host/x.cpp", HEAD + '#include "../plugin/base/status.hpp"\n',
                            "may not know plugin/")
        self.assert_refused("sample_host/x.cpp", HEAD + "#include <base/status.hpp>\n",
                            "may not know plugin/")

    def test_the_abi_header_includes_c_headers_only(self):
        self.assert_refused("host_api/include/promplug/promplug.h", HEAD + "#include <stdio.h>\n",
                            "promplug.h may not include stdio.h")
        self.assert_refused("host_api/include/promplug/promplug.hpp",
                            HEAD + "#include <prometheus/registry.h>\n", "may not include")
        self.assert_refused("host_api/include/promplug/host/x.hpp",
                            HEAD + '#include "../prometheus_cpp.hpp"\n', "may not include")

    def test_a_long_file_is_refused(self):
        self.assert_refused("plugin/base/x.hpp", HEAD + "\n" * MAX_LINES["plugin"], "longer than")

    def test_the_first_lines_are_checked(self):
        self.assert_refused("plugin/base/x.hpp", "#pragma once\n", "no SPDX")
        self.assert_refused("plugin/base/x.hpp", "// SPDX-License-Identifier: MIT\n",
                            "no #pragma once")


if __name__ == "__main__":
    unittest.main()
