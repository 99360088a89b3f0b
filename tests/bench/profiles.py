# SPDX-License-Identifier: MIT
"""How many instructions a work takes, by the source file or library that they come from."""
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# By work: how often the probe does it, and how many updates or lines one time is.
WORKS = {"inc": (1000, 1), "set": (1000, 1), "observe": (1024, 1), "look_up_inc": (1000, 1),
         "counters": (3, 10_000), "histograms": (3, 10_000), "gauges": (3, 10_000),
         "counters_gzip": (3, 10_000)}
# Parts below this share of a work are not told apart.
LEAST_SHARE = 0.02
REST = "the rest"
# The probe's own: no part of the work, and left out.
CALLER = "the caller"


def part_of(library, file):
    """file: as callgrind says it; library: of the instructions."""
    if "/plugin/" in file:
        return file.rsplit("/plugin/", 1)[1]
    name = pathlib.Path(library).name
    if name.startswith("work_probe"):
        return CALLER
    if name.startswith("promplug"):
        return "headers of the C++ library"
    return name.split(".so")[0]


def parts(callgrind_out):
    """By part, what the cost lines of a callgrind.out say (Callgrind Format Specification, without
    compression). The line after calls= is the cost of what was called, which has its own lines."""
    costs, library, file, called = {}, "", "", False
    for line in callgrind_out.splitlines():
        key, equals, value = line.partition("=")
        if equals and key == "ob":
            library = value
        elif equals and key in ("fl", "fi", "fe"):
            file = value
        elif equals and key == "calls":
            called = True
        elif line[:1].isdigit():
            if not called:
                part = part_of(library, file)
                costs[part] = costs.get(part, 0) + int(line.split()[1])
            called = False
    return costs


def larger(costs):
    """The parts that are worth a row, the largest first, and the rest of them in one."""
    total = sum(costs.values())
    shown = {part: cost for part, cost in sorted(costs.items(), key=lambda item: -item[1])
             if cost >= LEAST_SHARE * total}
    rest = total - sum(shown.values())
    return {**shown, REST: rest} if rest else shown


def count(drivers, work, times):
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory, "callgrind.out")
        subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=measured_work",
                        "--compress-strings=no", "--compress-pos=no",
                        f"--callgrind-out-file={out}", *drivers.command("work_probe", work, times)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return {part: cost for part, cost in parts(out.read_text()).items() if part != CALLER}


def instructions(drivers, _):
    for work, (times, units) in WORKS.items():
        drivers.say(f"instructions of {work}")
        costs = count(drivers, work, times)
        if not costs:
            raise SystemExit(f"callgrind counted nothing of {work}")
        for part, cost in larger(costs).items():
            drivers.keep(f"profile/{work}/{part}", "instructions", [cost / times / units])
        drivers.keep(f"instructions/{work}", "instructions",
                     [sum(costs.values()) / times / units])
