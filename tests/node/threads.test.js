// SPDX-License-Identifier: MIT
// worker_threads: one instance for the process, into which every thread counts.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { Worker } = require('node:worker_threads');
const promplug = require('promplug');
const { directory, eventually, fetchFrom, load, sample, script } = require('./support');

// A worker thread that runs the text.
function start(text) {
  return new Worker(`'use strict';
    const { parentPort } = require('node:worker_threads');
    const promplug = require('promplug');\n${text}`, { eval: true });
}

// Runs the text in a worker thread; resolves to what it posts, the last message.
function inWorker(text) {
  return new Promise((resolve, reject) => {
    let said;
    const worker = start(text);
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

test('load() in a thread gives what the process has; its life is for the first thread', async (t) => {
  const plugin = load(t, { default: true });
  const said = await inWorker(`
    const plugin = promplug.load({ plugin: '/not/read/again.so' });
    new promplug.Gauge({ name: 'of_thread', help: 'h' }).set(1);
    const refused = [];
    for (const call of ['start', 'stop', 'reload', 'close', 'pushNow']) {
      try { plugin[call](); } catch (error) { refused.push(error instanceof promplug.StateError); }
    }
    let collector = null;
    try {
      new promplug.Gauge({ name: 'asked', help: 'h', collect() {} });
    } catch (error) { refused.push(error instanceof promplug.StateError); }
    try { promplug.registerCollector('x', () => []); } catch (error) { collector = error.message; }
    promplug.metrics().then((metrics) => parentPort.postMessage({
      refused, collector, state: plugin.status().state, metrics, lastError: plugin.lastError(),
      version: plugin.version, same: promplug.defaultPlugin() === plugin }));`);
  assert.deepStrictEqual(said, {
    refused: Array(6).fill(true), collector: 'collector x: collectors run in the thread that loaded the plugin',
    state: plugin.status().state, metrics: '# HELP of_thread h\n# TYPE of_thread gauge\nof_thread 1\n',
    lastError: '', version: plugin.version, same: true,
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

// A server in a worker thread; posts its port when it listens.
const SERVER = `
  const http = require('node:http');
  const express = require('express');
  const serve = (listener) => http.createServer(listener).listen(0, '127.0.0.1', function () {
    parentPort.postMessage(this.address().port);
  });`;

// The URL of a server that the text begins in a worker thread, and the thread.
async function serverIn(t, text) {
  const worker = start(SERVER + text);
  t.after(() => worker.terminate());
  const port = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { worker, url: `http://127.0.0.1:${port}` };
}

// A collector that says of_main 3.
function ofMain(t) {
  const family = { name: 'of_main', type: 'gauge', values: [{ labels: {}, value: 3 }] };
  const registered = promplug.registerCollector('of_main', async () => family);
  t.after(() => registered.unregister());
}

test('a server in a thread counts, and answers for the whole process', async (t) => {
  const plugin = load(t, { default: true });
  ofMain(t);
  const own = new promplug.Counter({ name: 'own_total', help: 'h' });
  t.after(() => promplug.register.clear());
  own.inc(5);
  const servers = await Promise.all([`
    const app = express();
    app.use(promplug.middleware());
    app.get('/photos/:id', (req, res) => res.send(req.params.id));
    serve(app);`, `
    serve(promplug.instrument((req, res) => { req.promplugRoute = '/photos/:id'; res.end(); }));`, `
    const listener = (req, res) => { req.promplugRoute = '/photos/:id'; res.end(); };
    serve(promplug.instrument(listener, { metricsPath: '/metrics' }));`,
  ].map((text) => serverIn(t, text)));
  for (const { url } of servers) {
    for (const id of [1, 2]) assert.strictEqual((await fetchFrom(`${url}/photos/${id}`)).status, 200);
  }
  await eventually(async () => await sample(plugin, 'http_requests_in_flight') === 0, 'none in flight');
  for (const { url } of servers) {
    const { text, status } = await fetchFrom(`${url}/metrics`);
    assert.strictEqual(status, 200);
    assert.match(text, /^http_requests_total\{method="GET",route="\/photos\/:id",status="200"\} 6$/m);
    assert.match(text, /^of_main 3$/m);
    assert.match(text, /^own_total 5$/m);
  }
});

test('handler() in a thread: the path of the configuration, also after a reload, 404, and 503', async (t) => {
  const config = path.join(directory(t), 'promplug.yml');
  fs.writeFileSync(config, 'scrape: {path: /one}\n');
  const plugin = load(t, { default: true, config });
  const { url } = await serverIn(t, 'serve(promplug.handler());');
  const status = async (file) => (await fetchFrom(url + file)).status;
  assert.deepStrictEqual([await status('/one'), await status('/two')], [200, 404]);
  fs.writeFileSync(config, 'scrape: {path: /two}\n');
  await plugin.reload();
  assert.deepStrictEqual([await status('/one'), await status('/two')], [404, 200]);
  await plugin.close();
  assert.strictEqual(await status('/two'), 503);
});

test('a large scrape in a thread does not wait for the loop of the first one', async (t) => {
  load(t, { default: true, overrides: { 'collectors.timeout_seconds': 1 } });
  t.after(() => promplug.register.clear());
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['i'] });
  for (let i = 0; i < 5000; i++) c.labels(`a label of some length ${i}`).inc();
  ofMain(t);
  const { url } = await serverIn(t, 'serve(promplug.handler());');
  const get = `require('http').get('${url}/metrics', (r) => r.pipe(process.stdout))`;
  const text = execFileSync(process.execPath, ['-e', get], { encoding: 'utf8', timeout: 30000 });
  assert.match(text, /^c_total\{i="a label of some length 4999"\} 1$/m);
  assert.ok(!text.includes('of_main '));
});

test('a thread that is terminated leaves nothing behind', async (t) => {
  const plugin = load(t, { default: true, overrides: { 'scrape.max_requests_in_flight': 1 } });
  let asked = false;
  const hangs = promplug.registerCollector('hangs', () => {
    asked = true;
    return new Promise(() => {});
  }, { timeoutMs: 20000 });
  t.after(() => hangs.unregister());
  const calls = {};
  for (const name of ['metric_release', 'scrape_end', 'destroy']) {
    const { [name]: call } = plugin.api;
    calls[name] = 0;
    plugin.api[name] = (...args) => {
      calls[name] += 1;
      return call(...args);
    };
    t.after(() => { plugin.api[name] = call; });
  }
  const { worker, url } = await serverIn(t, `
    const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['i'] });
    for (let i = 0; i < 1000; i++) for (let n = 0; n < 10; n++) c.labels(i).inc();
    for (let i = 0; i < 100; i++) c.remove(i);
    serve(promplug.handler());`);
  const first = fetchFrom(`${url}/metrics`).then(() => 'answered', () => 'broken off');
  await eventually(() => asked, 'it is under way');
  assert.strictEqual((await plugin.request({ mounted: true })).status, 503);
  assert.strictEqual(calls.metric_release, 0);
  await worker.terminate();
  assert.strictEqual(await first, 'broken off');
  await eventually(() => calls.metric_release === 900, 'all is given back');
  assert.strictEqual(await sample(plugin, 'c_total', { i: 999 }), 10);
  await plugin.close();
  assert.strictEqual(calls.destroy, 1);
});

test('an instance that is closed under a thread ends with that thread, however it ends', async (t) => {
  for (const end of ['terminate', 'by itself', 'nested']) {
    const plugin = load(t, { default: true });
    const { destroy } = plugin.api;
    let destroyed = 0;
    plugin.api.destroy = (...args) => {
      destroyed += 1;
      return destroy(...args);
    };
    const count = `
      const c = new promplug.Counter({ name: 'c_total', help: 'h' });
      for (let i = 0; i < 20; i++) c.inc();`;
    const worker = start(end === 'nested' ? `
      const { Worker } = require('node:worker_threads');
      new Worker(\`const promplug = require('promplug'); ${count}
        require('node:worker_threads').parentPort.postMessage('up');
        setInterval(() => c.inc(), 1);\`, { eval: true })
        .on('message', (up) => parentPort.postMessage(up));` : `${count}
      parentPort.postMessage('up');
      parentPort.once('message', () => { c.inc(); });`);
    await new Promise((resolve) => worker.once('message', resolve));
    await plugin.close();
    assert.strictEqual(destroyed, 0, end);
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    if (end === 'by itself') worker.postMessage('go');
    else await worker.terminate();
    await gone;
    await eventually(() => destroyed === 1, `destroyed, ${end}`);
    plugin.api.destroy = destroy;
  }
});

test('what a thread has to say is in the log of the plugin', async (t) => {
  const plugin = load(t, { default: true });
  const { url } = await serverIn(t, `
    serve(promplug.instrument((req, res) => res.end(), { routeOf: () => { throw new Error('no route'); } }));`);
  await fetchFrom(`${url}/x`);
  await eventually(() => plugin.logger.matching(/^error .*no route/).length === 1, 'the line');
});
