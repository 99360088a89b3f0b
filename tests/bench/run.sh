#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: tests/bench/run.sh [--no-install] [OPTION...]

Installs what is missing, builds the bench preset, measures promplug beside the metrics libraries
of the distribution (prometheus-cpp, client_golang, VictoriaMetrics/metrics, Python's) in the same
run, prints tables, and writes docs/benchmarks.md from what was measured. Needs 4 GiB of memory.
  --quick         fewer repetitions and sizes: under 3 minutes, and the page is left alone
  --smoke         whether everything runs: under a minute, the figures are worth nothing
  --against FILE  compares with the result of an earlier run
  --result FILE   where the result goes (build/bench/bench.json)
  --no-install    installs nothing
END
}

install=1 arguments=()
for argument in "$@"; do
  case $argument in
    --no-install) install="" ;;
    -h | --help) usage; exit 0 ;;
    *) arguments+=("$argument") ;;
  esac
done

invoked_from=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
if [[ -n $install ]]; then
  bash scripts/install.sh build servers test bench
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
cmake --preset bench "${launcher[@]}" >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build build/bench --target promplug_bench
rm -f "$log"
trap - EXIT

cd "$invoked_from"
exec python3 -B "$root/tests/bench/measure.py" "${arguments[@]}"
