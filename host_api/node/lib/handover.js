// SPDX-License-Identifier: MIT
// What was observed before there is a plugin, handed over when it comes. The ABI takes observations
// one by one, and there may be very many: no turn of the loop has more than a slice of them.
//
// A series that is added has handOver(most), which returns how many it has handed over, fewer than
// `most` where none is left.
'use strict';

const SLICE = 100000; // some 5 ms

const waiting = new Set();
let budget = SLICE; // of this turn
let next = null;

// Some are handed over at once, the others in the turns to come.
function add(series) {
  waiting.add(series);
  work();
}

// Its plugin ends, or it is exposed no more.
function remove(series) {
  waiting.delete(series);
}

function work() {
  for (const series of waiting) {
    if (budget === 0) break;
    const most = budget;
    const done = series.handOver(most);
    budget -= done;
    if (done < most) waiting.delete(series);
  }
  if (next === null && budget < SLICE) next = setImmediate(turn);
  // One that only begins a new slice is not worth a process that lives on.
  if (next !== null && waiting.size === 0) next.unref();
  if (next !== null && waiting.size > 0) next.ref();
}

function turn() {
  next = null;
  budget = SLICE;
  work();
}

// Hands over what is left without giving up the loop, until then (Unix milliseconds).
function finish(until) {
  while (waiting.size > 0 && Date.now() < until) {
    budget = SLICE;
    work();
  }
}

// Resolves when nothing is left, or at that time.
async function finished(until) {
  while (waiting.size > 0 && Date.now() < until) await new Promise(setImmediate);
}

module.exports = { add, remove, finish, finished };
