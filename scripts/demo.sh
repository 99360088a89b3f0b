#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: scripts/demo.sh [--once] [--scrape-only] [--no-install]

Installs what is missing, builds, and shows the plugin at work: a Pushgateway, a node_exporter, a
Prometheus and the sample host with the plugin, all on free ports of 127.0.0.1, with traffic. It
runs until Ctrl-C and ends all that it started.
  --once         ends by itself: with 0 when everything has arrived in Prometheus, else with 1 and
                 what is missing (about half a minute: a push interval is never below 15 s)
  --scrape-only  no other server: the sample host, the plugin and /metrics
  --no-install   install nothing
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
install=1 sets=(build servers) arguments=()
for argument in "$@"; do
  case $argument in
    --once) arguments+=("$argument") ;;
    --scrape-only) arguments+=("$argument"); sets=(build) ;;
    --no-install) install="" ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

cd "$root"
if [[ -n $install ]]; then
  echo "[1/3] packages"
  bash scripts/install.sh "${sets[@]}"
fi
echo "[2/3] build (release)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
cmake --preset release -B build/demo "${launcher[@]}" -DPROMPLUG_TESTS=OFF \
  >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build build/demo --target promplug sample_host
rm -f "$log"
trap - EXIT

echo "[3/3] servers and traffic"
exec python3 -B scripts/demo.py --build build/demo "${arguments[@]}"
