// SPDX-License-Identifier: MIT
// What scrapes of a worker thread wait for. The plugin's ready event is read by the thread that
// loaded it, which may be busy; so they try again on their own.
'use strict';

const RETRY_MS = 5;

class ReadyTimer {
  constructor() {
    this._waiting = new Set();
    this._timer = null;
  }

  // A thread does not end while a scrape waits: its timer runs.
  hold() {}
  release() {}

  // Until some scrape may be able to go on, or nudge() is called.
  next() {
    if (this._timer === null) this._timer = setTimeout(() => this.nudge(), RETRY_MS);
    return new Promise((resolve) => this._waiting.add(resolve));
  }

  nudge() {
    clearTimeout(this._timer);
    this._timer = null;
    const waiting = this._waiting;
    this._waiting = new Set();
    for (const resolve of waiting) resolve();
  }
}

module.exports = { ReadyTimer };
