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
const CELL = 2;
const SCRAPE = 3;

const HIGH = 2 ** 32;
// Of an entry, in words: what it is (0: nothing), one that is free, the address that the plugin
// wrote, and that of the series of a cell.
const ADDRESS = 2;
const OWNER = 4;
const WIDTH = 6;
const ENTRIES = 512;

class Ledger {
  // announce(page) hands each new page to the owner.
  constructor(announce) {
    this._announce = announce;
    this._free = [];
    this._addPage();
  }

  // An entry for what is going to be taken; `out` is where the plugin writes its address.
  open(kind, owner = 0) {
    if (this._free.length === 0) this._addPage();
    const entry = this._free.pop();
    const { words, at } = entry;
    write(words, at + ADDRESS, 0);
    write(words, at + OWNER, owner);
    words[at] = kind;
    return entry;
  }

  // It was not taken after all, or is given back.
  close(entry) {
    entry.words[entry.at] = 0;
    this._free.push(entry);
  }

  _addPage() {
    const words = new Uint32Array(new SharedArrayBuffer(4 * WIDTH * ENTRIES));
    for (let i = ENTRIES - 1; i >= 0; i--) this._free.push(newEntry(words, WIDTH * i));
    this._announce(words);
  }
}

// Of the thread that owns the instance, which gives everything back with it.
class NoLedger {
  constructor() {
    this._entry = newEntry(new Uint32Array(new ArrayBuffer(4 * WIDTH)), 0);
  }

  open() {
    write(this._entry.words, ADDRESS, 0);
    return this._entry;
  }

  close() {}
}

function newEntry(words, at) {
  return { words, at, out: Number(koffi.address(words)) + 4 * (at + ADDRESS) };
}

function write(words, at, value) {
  words[at] = value >>> 0;
  words[at + 1] = Math.floor(value / HIGH);
}

function read(words, at) {
  return words[at] + words[at + 1] * HIGH;
}

// What the plugin wrote.
function addressIn({ words, at }) {
  return read(words, at + ADDRESS);
}

// Gives back what is on a page of a thread that is gone.
function settle(api, words) {
  for (let at = 0; at < words.length; at += WIDTH) {
    const kind = words[at];
    const address = read(words, at + ADDRESS);
    words[at] = 0;
    if (address === 0) continue;
    if (kind === SCRAPE) api.scrape_end(address);
    if (kind === CELL) api.cell_release(read(words, at + OWNER), address);
    if (kind === SERIES) api.metric_release(address);
  }
}

module.exports = { Ledger, NoLedger, addressIn, settle, SERIES, CELL, SCRAPE };
