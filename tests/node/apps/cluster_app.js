// SPDX-License-Identifier: MIT
// A cluster whose workers count, and end as they are asked: by the path of a request. The primary
// starts another one for each that ends, and never loads the plugin.
'use strict';

const cluster = require('node:cluster');
const http = require('node:http');

const WORKERS = Number(process.env.APP_WORKERS);

function primary() {
  let ending = false;
  cluster.on('exit', () => {
    if (!ending) cluster.fork();
  });
  for (let i = 0; i < WORKERS; i++) cluster.fork();
  process.on('SIGTERM', () => {
    ending = true;
    cluster.disconnect(); // the primary ends when the last worker has
  });
  // All are replaced, the old ones ending when they have nothing more to do.
  process.on('SIGHUP', () => Object.values(cluster.workers).forEach((worker) => worker.disconnect()));
}

// With gauges as prom-client has them, which it adds up unless they say otherwise.
function promClientRegistry() {
  const { Gauge, Registry } = require('prom-client');
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: 'bridged', help: 'h', registers }).set(3);
  new Gauge({ name: 'bridged_max', help: 'h', aggregator: 'max', registers }).set(3);
  return registry;
}

function worker() {
  const promplug = require('promplug');
  promplug.load({ overrides: JSON.parse(process.env.APP_OVERRIDES) });
  const counted = new promplug.Counter({ name: 'app_total', help: 'h', labelNames: ['kind'] });
  const sizes = new promplug.Histogram({ name: 'app_size', help: 'h', buckets: [10] });
  const level = new promplug.Gauge({ name: 'app_level', help: 'h', aggregator: 'sum' });
  level.set(1);
  promplug.registerCollector('pid', () => ({
    name: 'app_worker', type: 'gauge', help: 'h', values: [{ labels: { pid: process.pid }, value: 1 }] }));
  promplug.registerCollector('modes', () => ['sum', 'max', 'first', 'average', undefined].map((aggregator) => ({
    name: `app_${aggregator}`, type: 'gauge', help: 'h', aggregator, values: [{ labels: {}, value: 2 }] })));
  promplug.bridge(promClientRegistry());
  const server = http.createServer(promplug.instrument((req, res) => {
    if (req.url === '/pid') return res.end(String(process.pid));
    const [, kind, times] = /^\/count\/(\w+)\/(\d+)$/.exec(req.url);
    const series = counted.labels(kind);
    for (let i = 0; i < Number(times); i++) series.inc();
    sizes.observe(Number(times));
    req.promplugRoute = '/count';
    return res.end(String(process.pid));
  }));
  server.listen(Number(process.env.APP_PORT), '127.0.0.1');
  // Where the last connection is gone the worker has nothing more to do.
  process.on('disconnect', () => server.closeIdleConnections());
}

if (cluster.isPrimary) primary();
else worker();
