#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
set -euo pipefail

usage() {
  cat <<'END'
usage: scripts/test.sh [--quick] [--sanitizers] [--lint] [--no-install]

Installs what is missing, builds, and runs every test:
  the format of the sources; all tests in an optimised build, those with real servers too.
  --quick       without the tests with servers
  --sanitizers  the unit and ABI tests again under the address and undefined-behaviour sanitizers,
                and under the thread sanitizer (two more builds: on two processors they take longer
                than all the rest)
  --lint        clang-tidy over all sources as well (slow)
  --no-install  install nothing
The last line is "N passed, N failed".
END
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
quick="" sanitizers="" lint="" install=1
for argument in "$@"; do
  case $argument in
    --quick) quick=1 ;;
    --sanitizers) sanitizers=1 ;;
    --lint) lint=1 ;;
    --no-install) install="" ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

jobs=$(nproc)
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

step() { printf '\n==== %s (%ss)\n' "$*" "$SECONDS"; }

# Counts the command as one test.
check() {  # name command...
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

# Configures and builds; a build that fails is one failed test.
build() {  # directory preset cmake-arguments...
  local directory=$1 preset=$2
  shift 2
  step "build $directory"
  local launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  if ! { cmake --preset "$preset" -B "$directory" "${launcher[@]}" "$@" >"$log" 2>&1 ||
    { cat "$log"; false; }; } || ! cmake --build "$directory" -j "$jobs"; then
    failed=$((failed + 1))
    echo "FAILED: build $directory"
    return 1
  fi
}

# Runs ctest and adds what its closing lines say.
run_tests() {  # directory ctest-arguments...
  local directory=$1 status=0 ran_failed=0 ran_all=0
  shift
  step "tests in $directory: $*"
  "${wrapper[@]}" ctest --test-dir "$directory" --output-on-failure --no-tests=error "$@" |
    tee "$log" || status=$?
  if read -r ran_failed ran_all < <(sed -nE \
    's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+).*/\1 \2/p' "$log"); then
    failed=$((failed + ran_failed))
    passed=$((passed + ran_all - ran_failed))
  fi
  if [[ $status != 0 && $ran_failed == 0 ]]; then
    failed=$((failed + 1))
  fi
}

# promplug.h is set by hand, as the document that it is.
sources() {
  find plugin host_api sample_host tests -type f ! -name promplug.h \
    \( -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name '*.h' \) | sort
}

format_check() {
  if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    echo "clang-format 14, whose format this is, is not here: not checked"
    return 0
  fi
  sources | xargs -d '\n' clang-format --dry-run --Werror
}

# By what gcc was called with, but for the one option that clang does not know.
tidy_check() {
  mkdir -p build/tidy
  sed 's/ -fno-gnu-unique//g' build/ci/compile_commands.json >build/tidy/compile_commands.json
  sources | grep -E '^(plugin|sample_host)/.*\.cpp$' |
    xargs -d '\n' -P "$jobs" -n 4 clang-tidy -p build/tidy --quiet
}

wrapper=()
if [[ -n $install ]]; then
  step "install"
  sets=(build test)
  [[ -n $quick ]] || sets+=(servers)
  [[ -z $lint ]] || sets+=(lint)
  bash scripts/install.sh "${sets[@]}"
fi

step "format"
check "format of the sources (clang-format -i)" format_check

if build build/ci ci; then
  run_tests build/ci -LE integration -j "$jobs"
  # These wait most of their time: more of them than there are processors.
  [[ -n $quick ]] || run_tests build/ci -L integration -j $((jobs * 2))
  if [[ -n $lint ]]; then
    step "clang-tidy"
    check clang-tidy tidy_check
  fi
fi

if [[ -n $sanitizers ]]; then
  export UBSAN_OPTIONS=print_stacktrace=1
  if build build/asan-ubsan asan -DPROMPLUG_SANITIZE=address,undefined -DPROMPLUG_SAMPLE_HOST=OFF; then
    run_tests build/asan-ubsan -LE integration -j "$jobs"
  fi
  if build build/tsan tsan -DPROMPLUG_SAMPLE_HOST=OFF; then
    # Its shadow memory does not fit every random layout of addresses.
    if setarch -R true 2>/dev/null; then
      wrapper=(setarch -R)
    fi
    run_tests build/tsan -LE integration -j "$jobs"
  fi
fi

step "done"
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
