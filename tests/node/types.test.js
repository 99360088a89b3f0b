// SPDX-License-Identifier: MIT
// index.d.ts says what the package has.
'use strict';

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const promplug = require('promplug');
const { directory, ROOT } = require('./support');

const PACKAGE = path.join(ROOT, 'host_api/node');
const MODULES = path.join(ROOT, 'build/node/node_modules');

const RIGHT = `
  const plugin: promplug.Plugin = promplug.load({ config: 'x.yml', overrides: { 'scrape.path': '/m' } });
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['method', 'status'] });
  c.inc(); c.inc(2); c.inc({ method: 'GET' }, 2); c.labels('GET', 200).inc(); c.labels({ status: 1 }).inc(3);
  const g = new promplug.Gauge({ name: 'g', help: 'h', async collect() { this.set(1); } });
  g.set(1); g.startTimer()();
  const h = new promplug.Histogram({ name: 'h', help: 'h', buckets: promplug.linearBuckets(0, 1, 3) });
  h.observe(1); h.observe({ value: 1, exemplarLabels: { trace_id: 'x' } });
  const n: Promise<number> = h.time(async () => 5);
  new promplug.Summary({ name: 's', help: 'h', percentiles: [0.5], maxAgeSeconds: 5 }).observe(2);
  new promplug.StateSet({ name: 'st', help: 'h', states: ['a'] }).state('a');
  new promplug.Info({ name: 'i', help: 'h', labelNames: ['version'] }).set({ version: '1' });
  promplug.registerCollector('x', async () => [{ name: 'y', type: 'gauge', values: [{ labels: {}, value: 1 }] }]);
  promplug.metricsServer({ port: 9000 }).close();
  plugin.stop().catch((error: promplug.PromplugError) => error.code);
`;
const WRONG = `
  new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['method'] }).inc({ wrong: 1 });
  new promplug.Gauge({ name: 'g' });
  promplug.load({ pluginn: 'x' });
`;

// What the compiler says of these texts, each after an import, by line: ["FILE LINE", ...].
function compile(t, texts) {
  const folder = directory(t);
  fs.symlinkSync(MODULES, path.join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(texts)) {
    fs.writeFileSync(path.join(folder, `${name}.ts`), `import * as promplug from 'promplug';\n${text}`);
  }
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'node16',
                   '--moduleResolution', 'node16', '--types', 'node', '--preserveSymlinks'];
  const files = Object.keys(texts).map((name) => `${name}.ts`);
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(MODULES, 'typescript/bin/tsc'), ...options, ...files],
      { cwd: folder }, (error, stdout) => resolve(stdout));
  });
}

test('the declarations and the package have the same names', () => {
  const text = fs.readFileSync(path.join(PACKAGE, 'index.d.ts'), 'utf8');
  const declared = [...text.matchAll(/^export (?:function|const|class) (\w+)/gm)].map(([, name]) => name);
  // Plugin is what load() gives.
  const wanted = new Set(declared.filter((name) => name !== 'Plugin'));
  assert.deepStrictEqual([...wanted].sort(), Object.keys(promplug).sort());
});

test('what is used as documented compiles, and what is wrong does not', async (t) => {
  // One run for both: the compiler reads the declarations of Node for seconds.
  const said = await compile(t, { right: RIGHT, wrong: WRONG });
  const lines = said.split('\n').filter((line) => /^\S+\(\d+,/.test(line)).map((line) => line.split(',')[0]);
  assert.deepStrictEqual(lines, ['wrong.ts(3', 'wrong.ts(4', 'wrong.ts(5'], said);
});
