// SPDX-License-Identifier: MIT
// The last push of a process that ends by itself or by process.exit().
'use strict';

const plugins = new Set();
let installed = false;

// From now on that plugin is stopped when the process ends.
function watch(plugin) {
  plugins.add(plugin);
  if (installed) return;
  installed = true;
  // Nothing is left to do: a stop may take its time on another thread, and is then waited for.
  process.on('beforeExit', () => {
    for (const plugin_ of plugins) plugin_.stopAtIdle();
  });
  process.on('exit', () => {
    for (const plugin_ of plugins) plugin_.stopAtExit();
  });
}

function unwatch(plugin) {
  plugins.delete(plugin);
}

module.exports = { watch, unwatch };
