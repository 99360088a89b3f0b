// SPDX-License-Identifier: MIT
// The middleware in Express 4 and 5 and in node:http, and the answer to scrapes.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const net = require('node:net');
const test = require('node:test');
const zlib = require('node:zlib');
const promplug = require('promplug');
const { eventually, fetchFrom, listening, load, sample } = require('./support');

// http_requests_total as {"METHOD ROUTE STATUS": count}, when nothing is in flight any more.
async function counted(plugin) {
  await eventually(async () => await sample(plugin, 'http_requests_in_flight') === 0, 'none in flight');
  const [family] = await plugin.getMetricsAsJSON(['http_requests_total']);
  return Object.fromEntries(family.values.map(({ labels, value }) => (
    [`${labels.method} ${labels.route} ${labels.status}`, value])));
}

for (const version of ['express4', 'express']) {
  test(`${version}: requests are counted by the template of their route, mounts included`, async (t) => {
    const express = require(version);
    const plugin = load(t);
    const app = express();
    app.use(promplug.middleware({ plugin }));
    app.get('/', (req, res) => res.send('root'));
    app.get('/photos/:id', (req, res) => res.send(req.params.id));
    app.post('/photos', (req, res) => res.status(201).end());
    app.get(/^\/reg(ular|exp)$/, (req, res) => res.end());
    app.get(['/one', '/two'], (req, res) => res.end());
    app.get('/throws', () => { throw new Error('x'); });
    const inner = express.Router();
    inner.get('/', (req, res) => res.end());
    inner.get('/items/:item', (req, res) => res.end());
    const outer = express.Router();
    outer.use('/users/:user', inner);
    outer.get('/after', (req, res) => res.end());
    app.use('/api', outer);
    app.use('/tenants/:tenant', inner);
    app.use('/static', (req, res, next) => (req.url === '/there' ? res.end() : next()));
    app.set('env', 'test');
    const url = await listening(t, http.createServer(app));
    for (const path of ['/', '/photos/1', '/photos/2', '/photos/a%20b', '/regular', '/two', '/throws',
                        '/api/users/7/', '/api/users/8', '/api/users/7/items/7', '/api/after',
                        '/tenants/x/items/y%2Fz', '/static/there', '/static/nowhere', '/no/such?x=1']) {
      await fetchFrom(url + path);
    }
    await fetchFrom(`${url}/photos`, { method: 'POST' });
    await fetchFrom(`${url}/photos/1`, { method: 'PROPFIND' });
    assert.deepStrictEqual(await counted(plugin), {
      'GET / 200': 1, 'GET /photos/:id 200': 3, 'GET /^\\/reg(ular|exp)$/ 200': 1, 'GET /one|/two 200': 1,
      'GET /throws 500': 1, 'GET /api/users/:user 200': 2, 'GET /api/users/:user/items/:item 200': 1,
      'GET /api/after 200': 1, 'GET /tenants/:tenant/items/:item 200': 1, 'GET unmatched 200': 1,
      'GET unmatched 404': 2, 'POST /photos 201': 1, 'other unmatched 404': 1,
    });
    assert.strictEqual(await sample(plugin, 'http_request_duration_seconds_count',
      { method: 'GET', route: '/photos/:id', status: 200 }), 3);
  });

  test(`${version}: the middleware answers scrapes, wherever it stands`, async (t) => {
    const express = require(version);
    const plugin = load(t, { overrides: { 'scrape.path': '/ops/metrics' } });
    const app = express();
    app.use('/ops', promplug.middleware({ plugin }));
    const url = await listening(t, http.createServer(app));
    assert.match((await fetchFrom(`${url}/ops/metrics`)).text, /^http_requests_in_flight 0$/m);
    assert.strictEqual((await fetchFrom(`${url}/metrics`)).status, 404);
  });
}

// A listener that names its routes itself, within the middleware, on a server.
async function served(t, plugin, options = {}) {
  const listener = promplug.instrument((req, res) => {
    if (req.url.startsWith('/photos/')) req.promplugRoute = '/photos/{id}';
    if (req.url === '/hangs') return;
    res.statusCode = req.url === '/odd' ? 299 : 200;
    res.end('own');
  }, { plugin, ...options });
  return listening(t, http.createServer(listener));
}

test('node:http: the application names the route, and every status is exact', async (t) => {
  const plugin = load(t);
  const url = await served(t, plugin);
  for (const path of ['/photos/1', '/photos/2', '/odd']) assert.strictEqual((await fetchFrom(url + path)).text, 'own');
  assert.deepStrictEqual(await counted(plugin), { 'GET /photos/{id} 200': 2, 'GET unmatched 299': 1 });
});

test('a client that goes before the answer is 499, and no longer in flight', async (t) => {
  const plugin = load(t);
  const url = await served(t, plugin);
  const request = http.get(`${url}/hangs`);
  request.on('error', () => {});
  await eventually(async () => await sample(plugin, 'http_requests_in_flight') === 1, 'one in flight');
  request.destroy();
  assert.deepStrictEqual(await counted(plugin), { 'GET unmatched 499': 1 });
});

test('options: prefix, buckets, metricsPath, and a routeOf that fails', async (t) => {
  const plugin = load(t);
  const url = await served(t, plugin, {
    prefix: 'web', buckets: [1], metricsPath: '/m', routeOf: (req) => { if (req.url === '/x') return '/y'; throw new Error('no'); },
  });
  await fetchFrom(`${url}/x`);
  await fetchFrom(`${url}/z`);
  assert.strictEqual((await fetchFrom(`${url}/metrics`)).text, 'own');
  const text = await eventually(async () => {
    const { text: said } = await fetchFrom(`${url}/m`);
    return said.includes('web_requests_in_flight 0') && said;
  }, 'all are counted');
  assert.match(text, /^web_requests_total\{method="GET",route="\/y",status="200"\} 1$/m);
  assert.match(text, /^web_requests_total\{method="GET",route="unmatched",status="200"\} 2$/m);
  assert.match(text, /^web_request_duration_seconds_bucket\{method="GET",route="\/y",status="200",le="1"\} 1$/m);
  assert.strictEqual(plugin.logger.matching(/route of a request is not known/).length, 2);
});

test('a scrape is answered as the plugin says: types, HEAD, other methods, gzip, names', async (t) => {
  const plugin = load(t);
  const url = `${await served(t, plugin)}/metrics`;
  new promplug.Counter({ name: 'c_total', help: 'h', plugin });
  const plain = await fetchFrom(url);
  assert.strictEqual(plain.headers['content-type'], plugin.contentType);
  assert.match(plain.text, /^c_total 0$/m);
  const open = await fetchFrom(url, { headers: { Accept: 'application/openmetrics-text' } });
  assert.match(open.text, /# EOF\n$/);
  const head = await fetchFrom(url, { method: 'HEAD' });
  assert.deepStrictEqual([head.status, head.text], [200, '']);
  const post = await fetchFrom(url, { method: 'POST' });
  assert.deepStrictEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
  const zipped = await fetchFrom(url, { headers: { 'Accept-Encoding': 'gzip' } });
  assert.strictEqual(zipped.headers['content-encoding'], 'gzip');
  assert.match(zlib.gunzipSync(zipped.body).toString(), /^c_total 0$/m);
  const named = await fetchFrom(`${url}?name[]=c_total`);
  assert.strictEqual(named.text, '# HELP c_total h\n# TYPE c_total counter\nc_total 0\n');
  assert.strictEqual(await sample(plugin, 'http_requests_in_flight'), 0);
  assert.deepStrictEqual(await plugin.getMetricsAsJSON(['http_requests_total']), []);
});

test('HTTP/1.0 gets a length, and the connection is good for the next request', async (t) => {
  const plugin = load(t);
  const url = new URL(await served(t, plugin));
  const socket = net.connect(url.port, url.hostname);
  let said = '';
  socket.on('data', (piece) => { said += piece; });
  socket.write('GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  const [, length] = await eventually(() => /Content-Length: (\d+)/.exec(said), 'an answer');
  await eventually(() => said.length === said.indexOf('\r\n\r\n') + 4 + Number(length), 'the whole body');
  assert.ok(!/chunked/i.test(said));
  said = '';
  socket.write('GET /photos/1 HTTP/1.0\r\n\r\n');
  await eventually(() => /own$/.test(said), 'the next answer');
  socket.destroy();
});

test('a large scrape does not hold the loop, and one that is broken off ends', async (t) => {
  const plugin = load(t);
  const url = await served(t, plugin);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['i'], maxSeries: 200000, plugin });
  for (let i = 0; i < 100000; i++) c.labels(`a label of some length ${i}`).inc();
  // Each piece is read in a turn of its own, so that others have the loop between any two.
  let [turn, turns] = [0, []];
  const { scrape_read: read } = plugin.api;
  plugin.api.scrape_read = (...args) => {
    turns.push(turn);
    setImmediate(() => { turn = turns.length; });
    return read(...args);
  };
  t.after(() => { plugin.api.scrape_read = read; });
  const { body } = await new Promise((resolve, reject) => {
    // Another process reads: this loop only serves.
    const get = `require('http').get('${url}/metrics', (r) => { let n = 0; r.on('data', (d) => { n += d.length; });
      r.on('end', () => console.log(n)); })`;
    require('node:child_process').execFile(process.execPath, ['-e', get],
      (error, stdout) => (error ? reject(error) : resolve({ body: Number(stdout) })));
  });
  assert.ok(body > 4e6, body);
  assert.ok(turns.length > 50, turns.length);
  assert.strictEqual(new Set(turns).size, turns.length, `${turns}`);
  for (let i = 0; i < 20; i++) {
    const request = http.get(`${url}/metrics`);
    request.on('error', () => {});
    await new Promise((resolve) => request.on('response', (response) => {
      response.on('error', () => {});
      response.once('data', () => resolve(request.destroy()));
    }));
  }
  // More at once than the plugin lets scrapes be in flight: those have ended.
  assert.strictEqual((await fetchFrom(`${url}/metrics?name[]=nothing`)).status, 200);
});

test('scrapes over the limit are refused with 503', async (t) => {
  const plugin = load(t, { overrides: { 'scrape.max_requests_in_flight': 1 } });
  let release;
  promplug.registerCollector('slow', () => new Promise((resolve) => { release = resolve; }), { plugin, timeoutMs: 20000 });
  const url = await served(t, plugin);
  const first = fetchFrom(`${url}/metrics`);
  await eventually(() => release, 'the first is under way');
  assert.strictEqual((await fetchFrom(`${url}/metrics`)).status, 503);
  await assert.rejects(plugin.metrics(), promplug.PromplugError);
  release([]);
  assert.strictEqual((await first).status, 200);
});

test('without a plugin, or with one that is stopped, the application is served as if alone', async (t) => {
  const listener = promplug.instrument((req, res) => res.end('own'));
  t.after(() => promplug.register.clear());
  const url = await listening(t, http.createServer(listener));
  const metricsOnly = await listening(t, http.createServer(promplug.handler()));
  assert.strictEqual((await fetchFrom(`${url}/metrics`)).text, 'own');
  assert.strictEqual((await fetchFrom(metricsOnly)).status, 503);
  const plugin = load(t, { default: true });
  assert.match((await fetchFrom(`${url}/metrics`)).text, /http_requests_total\{.*\} 1/);
  assert.match((await fetchFrom(`${metricsOnly}/metrics`)).text, /http_requests_total/);
  assert.strictEqual((await fetchFrom(metricsOnly)).status, 404);
  await plugin.stop();
  assert.strictEqual((await fetchFrom(`${url}/metrics`)).text, 'own');
  assert.strictEqual((await fetchFrom(`${metricsOnly}/metrics`)).status, 503);
  await plugin.close();
  assert.strictEqual((await fetchFrom(`${url}/metrics`)).text, 'own');
});

test('a server of its own for scrapes', async (t) => {
  const plugin = load(t);
  const server = promplug.metricsServer({ host: '127.0.0.1', plugin });
  t.after(() => server.close());
  await new Promise((resolve) => server.on('listening', resolve));
  assert.strictEqual((await fetchFrom(`http://127.0.0.1:${server.address().port}/metrics`)).status, 200);
});

test('a plugin that is closed during a scrape breaks it off', async (t) => {
  const plugin = load(t);
  promplug.registerCollector('hangs', () => new Promise(() => {}), { plugin, timeoutMs: 60000 });
  const url = await served(t, plugin);
  let asked = false;
  const scrape = fetchFrom(`${url}/metrics`).then(() => 'answered', () => 'broken off');
  await eventually(() => { asked = asked || plugin.status().scrapes > 0; return asked || true; }, 'it is asked');
  await plugin.close();
  assert.ok(['answered', 'broken off'].includes(await scrape));
});
