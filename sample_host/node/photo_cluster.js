#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The photo server with several workers; README.md describes it.
// usage: photo_cluster.js WORKERS [photo_service.js's own arguments]
'use strict';

const cluster = require('node:cluster');
const path = require('node:path');

const USAGE = 'usage: photo_cluster.js WORKERS [--config FILE]\n';
const MOST_WORKERS = 64;
const AGAIN_MS = 1000;

let stopping = false;

function signalAll(signal) {
  for (const worker of Object.values(cluster.workers)) worker.process.kill(signal);
}

// One that dies at once is not made again at once.
function start() {
  const begun = Date.now();
  cluster.fork().once('exit', (code, signal) => {
    if (stopping) return;
    process.stderr.write(`a worker ended (${signal ?? code}), another one follows\n`);
    const wait = Math.max(0, begun + AGAIN_MS - Date.now());
    setTimeout(() => stopping || start(), wait);
  });
}

function main([workers, ...rest]) {
  if (!/^[0-9]+$/.test(workers ?? '') || Number(workers) < 1 || Number(workers) > MOST_WORKERS) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  cluster.setupPrimary({ exec: path.join(__dirname, 'photo_service.js'), args: rest });
  for (let i = 0; i < Number(workers); i += 1) start();
  process.on('SIGHUP', () => signalAll('SIGHUP'));
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      stopping = true;
      signalAll('SIGTERM');
    });
  }
}

main(process.argv.slice(2));
