// SPDX-License-Identifier: MIT
// One instance for all threads of a process: the thread that loads the plugin shares it with the
// worker threads that are started from then on. They count straight into it, each in cells of its
// own, without a message. All else (start, stop, scrapes, collectors) stays with the first thread.
//
// The instance may not end under a thread that uses it. `counts` is two numbers in memory of all
// threads: how many use it, and whether its owner has closed it.
'use strict';

const { getEnvironmentData, isMainThread, setEnvironmentData } = require('node:worker_threads');
const { StateError } = require('./errors');
const { Instance } = require('./instance');
const { loadLibrary } = require('./library');
const { readStatus } = require('./status');

const KEY = 'promplug.instance';
const USERS = 0;
const CLOSED = 1;

// What the owner has of it.
class Share {
  constructor(api, address) {
    this._counts = new Int32Array(new SharedArrayBuffer(8));
    setEnvironmentData(KEY, { path: api.path, address, counts: this._counts });
  }

  // No other thread takes it from now on. True: none uses it, it may end.
  close() {
    if (getEnvironmentData(KEY).counts === this._counts) setEnvironmentData(KEY, undefined);
    Atomics.store(this._counts, CLOSED, 1);
    return Atomics.load(this._counts, USERS) === 0;
  }
}

// The plugin as a worker thread sees it.
class SharedPlugin {
  constructor({ path, address, counts }) {
    this.items = new Set();
    this._instance = new Instance(loadLibrary(path), address);
    // A thread that is terminated does not get here: the instance is then not freed at its end.
    process.once('exit', () => {
      for (const item of this.items) item.release();
      Atomics.sub(counts, USERS, 1);
    });
  }

  instance() {
    return this._instance;
  }

  status() {
    return readStatus(this._instance);
  }
}

for (const method of ['start', 'stop', 'reload', 'close', 'pushNow', 'metrics', 'getMetricsAsJSON',
                      'request', 'lastError']) {
  SharedPlugin.prototype[method] = function belongsElsewhere() {
    throw new StateError(`${method}() is for the thread that loaded the plugin`);
  };
}

let found = null;

// The plugin that the process shares with this thread, or null.
function findShared() {
  if (isMainThread || found !== null) return found;
  const shared = getEnvironmentData(KEY);
  if (shared === undefined) return null;
  Atomics.add(shared.counts, USERS, 1);
  if (Atomics.load(shared.counts, CLOSED) === 1) {
    Atomics.sub(shared.counts, USERS, 1);
    return null;
  }
  found = new SharedPlugin(shared);
  return found;
}

module.exports = { Share, findShared };
