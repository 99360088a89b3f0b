#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: install.sh [--apt-only] SET...        the sets of packages.txt
#
# Installs by apt what of these sets is missing, without a question. Servers that come with it are
# neither started nor enabled; one that was running or enabled before is left as it is. For the set
# test, what tests/node uses of npm is put into build/node.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
policy=/usr/sbin/policy-rc.d
policy_saved=$policy.before-promplug
policy_mark="written by promplug's scripts/install.sh, for the time of its run"

say() { echo "install: $*"; }

# The column of packages.txt for this distribution; 0 where there is none.
distribution_column() {
  local id="" like="" version=""
  if [[ -r /etc/os-release ]]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    like=$(. /etc/os-release && echo "${ID_LIKE:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  [[ $id == debian && $version == 12 ]] ||
    say "these scripts were tried on Debian 12; ${id:-this system} ${version} is untried" >&2
  case " $id $like " in
    *" ubuntu "*) echo 3 ;;
    *" debian "*) echo 2 ;;
    *) echo 0 ;;
  esac
}

packages_of() {  # column set...
  local column=$1 set
  shift
  for set in "$@"; do
    awk -v set="$set" -v column="$column" \
      '$1 == set { print $column; found = 1 } END { exit !found }' "$here/packages.txt" ||
      { say "packages.txt has no set $set" >&2; return 1; }
  done | sort -u
}

installed() { dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^ii *//p' | sort -u; }

# The same with what they provide: nodejs of other sources has npm in it.
present() {
  dpkg-query -W -f '${db:Status-Abbrev}${Package}, ${Provides}\n' 2>/dev/null |
    sed -n 's/^ii *//p' | tr ',' '\n' | sed 's/^ *//; s/ *(.*//' | sort -u
}

# Units that are enabled, by their links, and start links of init scripts.
enabled_links() {
  find /etc/systemd/system -type l -printf '%f\n' 2>/dev/null || true
  find /etc/rc[2-5].d -name 'S*' -printf '%f\n' 2>/dev/null | sed 's/^S[0-9]*//' || true
}

active_units() {
  if [[ -d /run/systemd/system ]]; then
    systemctl list-units --state=active,activating --plain --no-legend | awk '{ print $1 }'
  fi
}

restore_policy() {
  if [[ -e $policy_saved || -L $policy_saved ]]; then
    mv -f "$policy_saved" "$policy"
  elif grep -qsF "$policy_mark" "$policy"; then
    rm -f "$policy"
  fi
}

block_services() {
  restore_policy  # what a run that was killed has left
  trap restore_policy EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  if [[ -e $policy || -L $policy ]]; then
    mv "$policy" "$policy_saved"
  fi
  printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" >"$policy"
  chmod 755 "$policy"
}

# Services that came with the packages on stdin: stopped and disabled, unless $1 (what was enabled)
# and $2 (what was active) have them.
quiet_new_services() {
  local was_enabled=$1 was_active=$2 package file unit
  while read -r package; do
    while read -r file; do
      unit=${file##*/}
      # A unit and an init script of one name are one service: update-rc.d disables both.
      if grep -qxF -e "$unit" -e "${unit%.service}" -e "$unit.service" <<<"$was_enabled"; then
        continue
      fi
      if [[ $file == /etc/init.d/* ]]; then
        update-rc.d "$unit" disable >/dev/null 2>&1 || true
        continue
      fi
      if ! grep -qxF "$unit" <<<"$was_active" && active_units | grep -qxF "$unit"; then
        systemctl stop "$unit"
      fi
      if enabled_links | grep -qxF "$unit"; then
        if command -v systemctl >/dev/null; then
          systemctl disable --quiet "$unit" 2>/dev/null || true
        else
          deb-systemd-helper disable "$unit" >/dev/null || true
        fi
        if enabled_links | grep -qxF "$unit"; then
          say "could not disable $unit; please do" >&2
        fi
      fi
    done < <(dpkg -L "$package" | grep -E \
      '^((/usr)?/lib/systemd/system/[^/]+\.(service|socket|timer|path)|/etc/init\.d/[^/]+)$')
  done
}

install_missing() {
  local before_packages was_enabled was_active
  exec 9>/run/lock/promplug-install.lock
  flock 9
  before_packages=$(installed)
  was_enabled=$(enabled_links)
  was_active=$(active_units)
  block_services
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  local options=(-y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
  apt-get "${options[@]}" update </dev/null 9>&-
  apt-get "${options[@]}" install --no-install-recommends "$@" </dev/null 9>&-
  comm -13 <(echo "$before_packages") <(installed) |
    quiet_new_services "$was_enabled" "$was_active"
}

# The package of host_api/node itself is a link, so that what is tested is what stands there.
install_node_modules() {
  local target=$here/../build/node
  mkdir -p "$target"
  if ! cmp -s "$here/../tests/node/package.json" "$target/installed.json"; then
    cp "$here/../tests/node/package.json" "$target/package.json"
    npm install --prefix "$target" --no-audit --no-fund --no-package-lock --loglevel=error
    cp "$target/package.json" "$target/installed.json"
  fi
  ln -sfn ../../../host_api/node "$target/node_modules/promplug"
}

main() {
  local apt_only=""
  if [[ ${1:-} == --apt-only ]]; then
    apt_only=1
    shift
  fi
  install_packages "$@"
  if [[ -z $apt_only && " $* " == *" test "* ]] && command -v npm >/dev/null; then
    install_node_modules
  fi
}

install_packages() {
  local column
  column=$(distribution_column)
  if [[ $column == 0 ]] || ! command -v apt-get >/dev/null; then
    say "no apt here: nothing is installed; Debian's names of what is needed:"
    packages_of 2 "$@" | sed 's/^/  /'
    return 0
  fi
  local wanted missing
  wanted=$(packages_of "$column" "$@")
  mapfile -t missing < <(comm -23 <(echo "$wanted") <(present))
  [[ ${#missing[@]} != 0 ]] || return 0
  say "missing: ${missing[*]}"
  if [[ $EUID == 0 ]]; then
    install_missing "${missing[@]}"
  elif command -v sudo >/dev/null; then
    local sudo=(sudo)
    [[ -t 0 ]] || sudo+=(-n)
    "${sudo[@]}" bash "$here/install.sh" --apt-only "$@"
  else
    say "not root, and no sudo here; as root: apt-get install ${missing[*]}"
    return 1
  fi
}

main "$@"
