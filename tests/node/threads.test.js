// SPDX-License-Identifier: MIT
// worker_threads: one instance for the process, into which every thread counts.
'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { Worker } = require('node:worker_threads');
const promplug = require('promplug');
const { load, sample, script } = require('./support');

// Runs the text in a worker thread; resolves to what it posts, the last message.
function inWorker(text) {
  return new Promise((resolve, reject) => {
    let said;
    const worker = new Worker(`'use strict';
      const { parentPort } = require('node:worker_threads');
      const promplug = require('promplug');\n${text}`, { eval: true });
    worker.on('message', (message) => { said = message; });
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve(said) : reject(new Error(`exit ${code}`))));
  });
}

const COUNT = `
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'] });
  const h = new promplug.Histogram({ name: 'h', help: 'h' });
  const series = c.labels('x');
  for (let i = 0; i < 100000; i++) series.inc();
  for (let i = 0; i < 1000; i++) { c.labels(i % 10).inc(0.5); h.observe(1); }
  parentPort.postMessage('done');`;

test('threads count into the plugin of the process, without losing an update', async (t) => {
  const plugin = load(t, { default: true });
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'] });
  const workers = [1, 2, 3, 4].map(() => inWorker(COUNT));
  for (let i = 0; i < 100000; i++) c.labels('x').inc();
  assert.deepStrictEqual(await Promise.all(workers), Array(4).fill('done'));
  assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), 500000);
  assert.strictEqual(await sample(plugin, 'c_total', { a: '3' }), 200);
  assert.strictEqual(await sample(plugin, 'h_count'), 4000);
  promplug.register.clear();
});

test('load() in a thread gives what the process has; all else is for the first thread', async (t) => {
  const plugin = load(t, { default: true });
  const said = await inWorker(`
    const plugin = promplug.load({ plugin: '/not/read/again.so' });
    const refused = [];
    for (const call of ['start', 'stop', 'reload', 'close', 'pushNow', 'metrics']) {
      try { plugin[call](); } catch (error) { refused.push(error instanceof promplug.StateError); }
    }
    let collector = null;
    try { promplug.registerCollector('x', () => []); } catch (error) { collector = error.message; }
    promplug.metrics().catch((error) => parentPort.postMessage({
      refused, collector, state: plugin.status().state, metrics: error.message,
      same: promplug.defaultPlugin() === plugin }));`);
  assert.deepStrictEqual(said, {
    refused: Array(6).fill(true), collector: 'collector x: collectors run in the thread that loaded the plugin',
    state: plugin.status().state, metrics: 'metrics() is for the thread that loaded the plugin', same: true,
  });
});

test('a thread that was started before load(), or without one, is told so', async () => {
  const said = await inWorker(`
    try { promplug.load({}); } catch (error) { parentPort.postMessage([error.name, error.message]); }`);
  assert.deepStrictEqual(said, ['StateError',
    'load the plugin in the main thread before it starts worker threads']);
});

test('closing the plugin under threads that count harms nobody', async () => {
  const { code, stderr, stdout } = await script(`
    const { Worker } = require('node:worker_threads');
    const options = { environment: false, logger: console };
    let plugin = promplug.load(options);
    const text = \`
      const promplug = require('promplug');
      const { parentPort } = require('node:worker_threads');
      const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'] });
      parentPort.postMessage('up');
      const count = () => { for (let i = 0; i < 10000; i++) c.labels(i % 100).inc(); setImmediate(count); };
      count();\`;
    const workers = [1, 2].map(() => new Worker(text, { eval: true }));
    Promise.all(workers.map((w) => new Promise((r) => w.once('message', r)))).then(async () => {
      await plugin.close();
      plugin = promplug.load(options);
      await Promise.all([workers[0].terminate(), plugin.metrics()]);
      await plugin.close();
      await workers[1].terminate();
      console.log('good');
    });`);
  assert.deepStrictEqual([code, stdout.includes('good')], [0, true], stderr);
});

test('many threads come and go, and leave the plugin as it was', async (t) => {
  const plugin = load(t, { default: true });
  for (let i = 0; i < 20; i++) await inWorker(COUNT);
  assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), 2000000);
  await plugin.close();
});
