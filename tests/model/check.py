#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks a model by spin, exhaustively.

usage: check.py MODEL.pml RUN|MUTANT_NAME [CC]

RUN is a name of the model's lines "RUN name: MACRO=VALUE ...", which give the bounds: no error may
be found, the search must be complete, and in the first run every statement must be reached.
MUTANT_NAME is a macro of the model that breaks the protocol: an error must be found, by one of the
runs. A run that defines LIVENESS looks for cycles too, with weak fairness.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

# Of states that are stored; pan stops with "Search not completed" beyond it.
MAX_MEGABYTES = 2048
MAX_DEPTH = 1_000_000


def runs_of(model):
    """{name: [macro, ...]} in the order of the file."""
    return {name: bounds.split()
            for name, bounds in re.findall(r"/\* RUN (\w+): ([^*]*)\*/", model.read_text())}


def run(command, folder):
    return subprocess.run(command, cwd=folder, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def verify(model, macros, compiler):
    """What pan says of the model with these macros defined."""
    live = any(macro.startswith("LIVENESS") for macro in macros)
    with tempfile.TemporaryDirectory() as folder:
        said = run(["spin", "-a", *(f"-D{macro}" for macro in macros), str(model)], folder)
        if not pathlib.Path(folder, "pan.c").exists():
            sys.exit(f"spin made no verifier of {model}:\n{said}")
        flags = ["-DCOLLAPSE", f"-DMEMLIM={MAX_MEGABYTES}", *([] if live else ["-DSAFETY"])]
        said = run([compiler, "-O1", "-w", *flags, "-o", "pan", "pan.c"], folder)
        if not pathlib.Path(folder, "pan").exists():
            sys.exit(f"the verifier of {model} does not compile:\n{said}")
        return run(["./pan", f"-m{MAX_DEPTH}", *(["-a", "-f"] if live else [])], folder)


def errors_of(said):
    """How many errors pan has found; None: it has not come to its end."""
    found = re.search(r"errors: (\d+)", said)
    return int(found[1]) if found else None


def is_complete(said):
    return "Search not completed" not in said and "max search depth too small" not in said


def unreached(said):
    """The lines of statements that pan never came to; the ends of endless processes do not count."""
    return [line.strip() for line in re.findall(r"^\t.*\.pml:.*$", said, re.MULTILINE)
            if "-end-" not in line]


def check_run(model, name, compiler):
    runs = runs_of(model)
    said = verify(model, runs[name], compiler)
    print(said)
    if errors_of(said) != 0:
        return "the protocol fails, or the search did"
    if not is_complete(said):
        return "the search was not complete"
    if name == next(iter(runs)) and unreached(said):
        return "never reached: " + "; ".join(unreached(said))
    return ""


def check_mutant(model, name, compiler):
    for bounds in runs_of(model).values():
        said = verify(model, [*bounds, name], compiler)
        if errors_of(said):
            print(said)
            return ""
    return "no run has found what is wrong with it"


def main():
    model, name = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    compiler = sys.argv[3] if len(sys.argv) > 3 else "cc"
    if name in runs_of(model):
        wrong = check_run(model, name, compiler)
    elif name.startswith("MUTANT_") and re.search(rf"\b{name}\b", model.read_text()):
        wrong = check_mutant(model, name, compiler)
    else:
        sys.exit(f"{model} has no run and no mutant {name}")
    if wrong:
        sys.exit(f"{model.name}, {name}: {wrong}")


if __name__ == "__main__":
    main()
