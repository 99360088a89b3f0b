#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks who includes whom, and the size and first lines of the files.

usage: check_structure.py [ROOT]

Prints one line for each violation, "file:line: what"; exits with 1 if there is any. The rooms of
plugin/ and what each may know are read from plugin/rooms.txt.
"""
import pathlib
import re
import sys

# The lines of a file, by tree. A test is a list of cases, and may be longer.
MAX_LINES = {"plugin": 350, "host_api": 350, "sample_host": 350, "scripts": 350, "tests": 500}
# Too long for a reason: one header is all that a host has to copy.
LONG_FILES = {"host_api/include/promplug/promplug.h"}

SOURCES = {".c", ".cc", ".cpp", ".h", ".hpp"}
SCRIPTS = {".py", ".sh", ".js", ".ts"}

# Libraries that one place of plugin/ has to itself.
LIBRARY_HOMES = {
    "curl/": "plugin/http/curl_client.cpp",
    "yaml.h": "plugin/config/",
    "isa-l": "plugin/compress/",
    "zlib.h": "plugin/compress/",
    "zstd": "plugin/compress/",
    "boost/": "plugin/serve/",
    "prometheus/": "nowhere in plugin/",
}
# They know the locale.
BANNED_IN_PLUGIN = {"iostream", "sstream", "iomanip", "locale", "regex"}

# What a header in host_api/include may include. What promplug.hpp is made of stands in host/.
HOST_HEADERS = "host_api/include/promplug/"
CPP_HEADER = r"[a-z_]+|dlfcn\.h|promplug/(promplug\.hp{0,2}|host/[a-z_]+\.hpp)"
HOST_HEADER_RULES = {
    "promplug.h": r"std(def|int)\.h",
    "prometheus_cpp.hpp": CPP_HEADER + r"|prometheus/[a-z_]+\.h",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')

# A type that is defined, not only named, outside of any other.
TYPE = re.compile(r"^(?:class|struct|enum(?: class)?|union)(?: alignas\([^)]*\))? (\w+)(?: final)?"
                  r"(?: :[^;]*)?(?: \{.*)?$")


class Checker:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.violations = []
        self.rooms = {}

    def run(self):
        self.read_rooms()
        self.check_room_cycles()
        graph = {}
        for path in self.files("plugin", SOURCES):
            graph[self.name(path)] = self.check_plugin_file(path)
        self.check_include_cycles(graph)
        self.check_type_names()
        for path in self.files("host_api", SOURCES):
            self.check_host_api_file(path)
        for path in self.files("sample_host", SOURCES):
            self.check_sample_host_file(path)
        for tree in MAX_LINES:
            for path in self.files(tree, SOURCES | SCRIPTS):
                self.check_form(path, MAX_LINES[tree])
        return self.violations

    def report(self, where, line, text):
        self.violations.append(f"{where}:{line}: {text}")

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    def files(self, tree, suffixes):
        found = (p for p in (self.root / tree).rglob("*") if p.suffix in suffixes)
        return sorted(p for p in found if p.is_file() and "node_modules" not in p.parts)

    def includes(self, path):
        """(line number, name, quoted) of each include."""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[1] or match[2], match[1] is not None

    def check_type_names(self):
        """All rooms share a namespace: two types of one name would be one to the linker."""
        homes = {}
        for path in self.files("plugin", SOURCES):
            anonymous = False
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                anonymous = (anonymous or line == "namespace {") and line != "}  // namespace"
                match = TYPE.match(line)
                if not match or anonymous:
                    continue
                home = homes.setdefault(match[1], self.name(path))
                if home != self.name(path):
                    self.report(self.name(path), number, f"{match[1]} is defined in {home} too")

    # ---- plugin/ ---------------------------------------------------------------------------

    def read_rooms(self):
        path = self.root / "plugin/rooms.txt"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            room, _, known = line.partition(":")
            self.rooms[room] = set(known.split())
            for other in self.rooms[room] - set(self.rooms) - {"host_api"}:
                self.report(self.name(path), number, f"{room} knows {other}, which is no room above it")
        for folder in sorted(p for p in (self.root / "plugin").iterdir() if p.is_dir()):
            if folder.name not in self.rooms and any(f.suffix in SOURCES for f in folder.rglob("*")):
                self.report("plugin/rooms.txt", 1, f"the folder {folder.name} is not listed")

    def check_room_cycles(self):
        for room in self.rooms:
            seen, front = set(), set(self.rooms[room])
            while front:
                seen |= front
                front = {n for r in front for n in self.rooms.get(r, ())} - seen
            if room in seen:
                self.report("plugin/rooms.txt", 1, f"{room} knows itself through others")

    def room_of(self, path):
        parts = path.relative_to(self.root / "plugin").parts
        return parts[0] if len(parts) > 1 else re.split(r"[._]", parts[0])[0]

    def check_plugin_file(self, path):
        """Reports violations; returns the files of plugin/ that this one includes."""
        where, room, included = self.name(path), self.room_of(path), set()
        if room not in self.rooms:
            self.report(where, 1, f"{room} is not a room of plugin/rooms.txt")
            return included
        for line, target, quoted in self.includes(path):
            if target.startswith("promplug/"):
                if "host_api" not in self.rooms[room]:
                    self.report(where, line, f"{room} may not know the ABI ({target})")
            elif quoted:
                included |= self.check_room_include(where, line, room, target)
            else:
                self.check_library(where, line, target)
        return included

    def check_room_include(self, where, line, room, target):
        resolved = self.root / "plugin" / target
        if resolved.with_name(resolved.name + ".in").is_file():
            return set()  # made by CMake, of no room
        if ".." in target or not resolved.is_file():
            self.report(where, line, f'"{target}" is no path of a file relative to plugin/')
            return set()
        other = self.room_of(resolved)
        if other != room and other not in self.rooms[room]:
            self.report(where, line, f"{room} may not include {other} ({target})")
        return {"plugin/" + target}

    def check_library(self, where, line, target):
        if target in BANNED_IN_PLUGIN:
            self.report(where, line, f"<{target}> prints or knows the locale")
        if target.split("/")[0] in self.rooms and "/" in target:
            self.report(where, line, f"<{target}>: a room's header is included with quotes")
        for library, home in LIBRARY_HOMES.items():
            if target.startswith(library) and not where.startswith(home):
                self.report(where, line, f"<{target}> belongs to {home} alone")

    def check_include_cycles(self, graph):
        done, open_path = set(), []

        def visit(node):
            if node in open_path:
                ring = open_path[open_path.index(node):] + [node]
                self.report(node, 1, "include cycle: " + " -> ".join(ring))
                return
            if node in done:
                return
            open_path.append(node)
            for target in sorted(graph.get(node, ())):
                visit(target)
            open_path.pop()
            done.add(node)

        for node in sorted(graph):
            visit(node)

    # ---- the host's side -------------------------------------------------------------------

    def knows_plugin(self, path, target):
        """Whether an include of the host's side names a file of plugin/."""
        beside = (path.parent / target).resolve()
        plugin = (self.root / "plugin").resolve()
        return plugin in beside.parents or (plugin / target).is_file() or "plugin/" in target

    def check_host_api_file(self, path):
        where, allowed = self.name(path), None
        if where.startswith(HOST_HEADERS):
            allowed = HOST_HEADER_RULES.get(path.name, CPP_HEADER)
        for line, target, quoted in self.includes(path):
            if self.knows_plugin(path, target):
                self.report(where, line, f"host_api/ may not know plugin/ ({target})")
                continue
            if allowed and not re.fullmatch(allowed, self.as_seen_by_a_host(path, target, quoted)):
                self.report(where, line, f"{path.name} may not include {target}")

    def as_seen_by_a_host(self, path, target, quoted):
        """promplug/NAME for a header that is named beside the one that includes it."""
        beside = (path.parent / target).resolve()
        include = (self.root / "host_api/include").resolve()
        return beside.relative_to(include).as_posix() if quoted and include in beside.parents else target

    def check_sample_host_file(self, path):
        where, home = self.name(path), (self.root / "sample_host").resolve()
        for line, target, quoted in self.includes(path):
            candidates = [(path.parent / target).resolve(), (home / target).resolve()]
            own = any(c.is_file() and home in c.parents for c in candidates)
            if self.knows_plugin(path, target) and not own:
                self.report(where, line, f"the host may not know plugin/ ({target})")
            elif quoted and not own:
                self.report(where, line, f'"{target}" is no file of sample_host/')

    # ---- form ------------------------------------------------------------------------------

    def check_form(self, path, max_lines):
        where = self.name(path)
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > max_lines and where not in LONG_FILES:
            self.report(where, len(lines), f"longer than {max_lines} lines")
        if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
            self.report(where, 1, "no SPDX-License-Identifier: MIT in the first two lines")
        if path.suffix == ".hpp" and "#pragma once" not in lines:
            self.report(where, 1, "no #pragma once")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    violations = Checker(root).run()
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
