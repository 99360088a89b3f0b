// SPDX-License-Identifier: MIT
// When collectors are asked: the plugin wants some, all are asked, and what they said is written.
'use strict';

const abi = require('./abi');

// While collectors.timeout_seconds, which the ABI does not tell, is not known: less than any that is
// of use. It is seen by the time that the first run has left.
const UNKNOWN_TIMEOUT_MS = 600;
const RUN_MS = 1000;

class Rounds {
  constructor(plugin) {
    this._plugin = plugin;
    this._collectors = new Set();
    this._timeouts = new Map();
    this._running = false;
    this._until = 0;
    this.ending = false; // at process.exit(): no promise is settled any more
  }

  add(collector) {
    this._collectors.add(collector);
  }

  remove(collector) {
    this._collectors.delete(collector);
    this._timeouts.delete(collector);
  }

  // The configuration was read again.
  forget() {
    this._timeouts.clear();
  }

  // A collector was called with so much time left.
  learn(collector, leftMs) {
    if (leftMs > (this._timeouts.get(collector) || 0)) this._timeouts.set(collector, leftMs);
  }

  // Some collectors are due.
  wake() {
    if (this._collectors.size === 0 || this._running) return;
    // What was said for a scrape that is gone is not for this one.
    for (const collector of this._collectors) collector.expire();
    this._until = Date.now() + this._limitMs();
    this._ask();
  }

  // Where the loop does not turn any more: those that are done at once are asked, of the others
  // what they said last is taken.
  finish() {
    this.ending = true;
    this._prepare();
    this._write();
  }

  _ask() {
    const promises = this._prepare();
    if (promises.length === 0) {
      this._write();
      return;
    }
    this._running = true;
    this._settled(promises).then(() => {
      this._running = false;
      // Others may be due by now; those that have said something are not asked again.
      this._ask();
    });
  }

  _prepare() {
    return [...this._collectors].map((collector) => collector.prepare()).filter((p) => p !== null);
  }

  // All are settled, or it is high time to write: one that hangs must not cost the others.
  _settled(promises) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(this._until - Date.now(), 0));
      Promise.all(promises).then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  _limitMs() {
    const limits = [...this._collectors].map((collector) => (
      collector.timeoutMs || this._timeouts.get(collector) || UNKNOWN_TIMEOUT_MS));
    return Math.min(...limits) * 3 / 4;
  }

  _write() {
    const instance = this._plugin.openInstance();
    if (instance === null) return;
    if (instance.api.run_pending(instance.address, RUN_MS) !== abi.AGAIN) return;
    if (this.ending) return;
    setImmediate(() => this._write());
  }
}

module.exports = { Rounds };
