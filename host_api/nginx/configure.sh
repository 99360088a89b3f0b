#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# usage: configure.sh NGINX_SOURCE MODULE SOURCE OBJS
#
# Runs the configure of NGINX_SOURCE for the module in the folder MODULE, with the options that this
# nginx was built with. SOURCE becomes a folder of links to NGINX_SOURCE, OBJS what it makes.
set -euo pipefail
nginx_source=$1 module=$2 source=$3 objs=$4

rm -rf "$source" "$objs"
cp -rs "$nginx_source" "$source"
cd "$source"
. ./conf_flags
log=$source/configure.log
bash ./configure "${NGX_CONF_FLAGS[@]}" --with-cc-opt=-fPIC --with-ld-opt=-fPIC \
  --add-dynamic-module="$module" --builddir="$objs" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
