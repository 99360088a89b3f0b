// SPDX-License-Identifier: MIT
// What a worker thread holds in the plugin, in memory that outlives it: a thread that is terminated
// gives nothing back itself. The thread that owns the instance reads it when that one is gone.
//
// A thread may end between any two calls of functions. So the plugin writes the address of what it
// gives straight into the entry, which is opened before, and whoever gives it back stores 0 in
// entry.words[entry.at] just before: at worst it is not given back then, but never twice.
'use strict';

const koffi = require('koffi');

const SERIES = 1;
const SCRAPE = 2;

const HIGH = 2 ** 32;
// Of an entry, in words: what it is (0: nothing), one that is free, the address that the plugin
// wrote.
const ADDRESS = 2;
const WIDTH = 4;
const ENTRIES = 512;

class Ledger {
  // announce(page) hands each new page to the owner.
  constructor(announce) {
    this._announce = announce;
    this._free = [];
    this._addPage();
  }

  // An entry for what is going to be taken; `out` is where the plugin writes its address.
  open(kind) {
    if (this._free.length === 0) this._addPage();
    const entry = this._free.pop();
    clear(entry);
    entry.words[entry.at] = kind;
    return entry;
  }

  // It was not taken after all, or is given back.
  close(entry) {
    entry.words[entry.at] = 0;
    this._free.push(entry);
  }

  _addPage() {
    const words = new Uint32Array(new SharedArrayBuffer(4 * WIDTH * ENTRIES));
    const address = addressOf(words);
    for (let at = WIDTH * (ENTRIES - 1); at >= 0; at -= WIDTH) {
      this._free.push({ words, at, out: address + 4 * (at + ADDRESS) });
    }
    this._announce(words);
  }
}

// Of the thread that owns the instance, which gives everything back with it.
class NoLedger {
  constructor() {
    const words = new Uint32Array(new ArrayBuffer(4 * WIDTH));
    this._entry = { words, at: 0, out: addressOf(words) + 4 * ADDRESS };
  }

  open() {
    clear(this._entry);
    return this._entry;
  }

  close() {}
}

function addressOf(words) {
  return Number(koffi.address(words));
}

function clear({ words, at }) {
  words[at + ADDRESS] = 0;
  words[at + ADDRESS + 1] = 0;
}

// What the plugin wrote.
function addressIn({ words, at }) {
  return words[at + ADDRESS] + words[at + ADDRESS + 1] * HIGH;
}

// Gives back what is on a page of a thread that is gone.
function settle(api, words) {
  for (let at = 0; at < words.length; at += WIDTH) {
    const kind = words[at];
    const address = addressIn({ words, at });
    words[at] = 0;
    if (address === 0) continue;
    if (kind === SCRAPE) api.scrape_end(address);
    if (kind === SERIES) api.metric_release(address);
  }
}

module.exports = { Ledger, NoLedger, addressIn, settle, SERIES, SCRAPE };
