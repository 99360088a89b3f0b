#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Prints what an update costs here and in prom-client, side by side; no test.
//
// usage: NODE_PATH=build/node/node_modules node tests/node/cost.js PROMPLUG_SO [REPETITIONS]
//
// CPU time of the process, the lowest of the repetitions, both interleaved.
'use strict';

const promClient = require('prom-client');
const promplug = require('promplug');

const CALLS = 50000;
const LABELS = ['method', 'route', 'status'];

function instruments(library) {
  const made = {
    counter: new library.Counter({ name: 'cost_count_total', help: 'x' }),
    gauge: new library.Gauge({ name: 'cost_level', help: 'x' }),
    histogram: new library.Histogram({ name: 'cost_seconds', help: 'x' }),
    summary: new library.Summary({ name: 'cost_sum', help: 'x' }),
    labelled: new library.Counter({ name: 'cost_labelled_total', help: 'x', labelNames: LABELS }),
    timed: new library.Histogram({ name: 'cost_labelled_seconds', help: 'x', labelNames: LABELS }),
  };
  made.kept = made.labelled.labels('GET', '/photos/{id}', '200');
  made.keptTimed = made.timed.labels('GET', '/photos/{id}', '200');
  return made;
}

// Loops of the same text, made anew for each library: what the compiler learns of one must not
// serve the other.
const WORK = {
  'counter.inc()': 'm.counter.inc()',
  'counter.inc(2.5)': 'm.counter.inc(2.5)',
  'gauge.set(3.5)': 'm.gauge.set(3.5)',
  'gauge.inc()': 'm.gauge.inc()',
  'histogram.observe(0.003)': 'm.histogram.observe(0.003)',
  'histogram.observe(3)': 'm.histogram.observe(3)',
  'summary.observe(3)': 'm.summary.observe(3)',
  'labels(three).inc()': "m.labelled.labels('GET', '/photos/{id}', '200').inc()",
  'inc({three})': "m.labelled.inc({method: 'GET', route: '/photos/{id}', status: '200'})",
  'kept labels, inc()': 'm.kept.inc()',
  'labels(three).observe(0.003)': "m.timed.labels('GET', '/photos/{id}', '200').observe(0.003)",
  'kept labels, observe(0.003)': 'm.keptTimed.observe(0.003)',
};

function loop(statement) {
  return new Function('m', 'n', `for (let i = 0; i < n; i++) ${statement};`);
}

function nanoseconds(run, made) {
  const before = process.cpuUsage();
  run(made, CALLS);
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000 / CALLS;
}

async function main() {
  const repetitions = Number(process.argv[3] || 30);
  const plugin = promplug.load({ plugin: process.argv[2], environment: false });
  const ours = instruments(promplug);
  const theirs = instruments(promClient);
  console.log(`node ${process.version}, prom-client ${require('prom-client/package.json').version}`);
  console.log(`${'CPU ns a call'.padEnd(32)}${'promplug'.padStart(10)}${'prom-client'.padStart(13)}` +
    'ratio'.padStart(8));
  for (const [name, statement] of Object.entries(WORK)) {
    const [mine, other] = [loop(statement), loop(statement)];
    let [best, bestOther] = [Infinity, Infinity];
    for (let i = 0; i < repetitions; i++) {
      best = Math.min(best, nanoseconds(mine, ours));
      bestOther = Math.min(bestOther, nanoseconds(other, theirs));
    }
    console.log(name.padEnd(32) + best.toFixed(1).padStart(10) + bestOther.toFixed(1).padStart(13) +
      (best / bestOther).toFixed(2).padStart(8));
  }
  await plugin.close();
}

main();
