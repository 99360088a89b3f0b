// SPDX-License-Identifier: MIT
// Collectors in JavaScript: on the loop, asynchronous ones too, and none of them stops a scrape.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const test = require('node:test');
const promClient = require('prom-client');
const promplug = require('promplug');
const { load, eventually, sample } = require('./support');

const never = () => new Promise(() => {});
const gauge = (name, value = 1) => ({ name, type: 'gauge', help: 'h', values: [{ labels: {}, value }] });
const register = (plugin, name, source, options = {}) => (
  promplug.registerCollector(name, source, { plugin, ...options }));

test('a collector says what its function returns, or resolves to, at each scrape', async (t) => {
  const plugin = load(t);
  let calls = 0;
  register(plugin, 'sync', () => [gauge('calls', ++calls)]);
  register(plugin, 'async', async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return gauge('later', calls * 10);
  });
  register(plugin, 'object', { collect: () => new Set([gauge('of_object')]) });
  register(plugin, 'nothing', () => {});
  for (const call of [1, 2, 3]) {
    const found = Object.fromEntries((await plugin.getMetricsAsJSON()).map((f) => [f.name, f.values[0].value]));
    assert.deepStrictEqual(found, { calls: call, later: call * 10, of_object: 1 });
  }
});

test('every type of family comes over as what it is', async (t) => {
  const plugin = load(t);
  register(plugin, 'all', () => [
    { name: 'c_total', type: 'counter', help: 'C "x" \\ \n.', values: [
      { labels: { a: 'ä"\n\\' }, value: 1.5 }, { labels: { a: 2 }, value: 3, timestamp: 1700000000123 }] },
    { name: 'h', type: 'histogram', help: 'h', values: [
      { labels: { le: 1, a: 'x' }, value: 1, metricName: 'h_bucket' },
      { labels: { le: '+Inf', a: 'x' }, value: 2, metricName: 'h_bucket' },
      { labels: { a: 'x' }, value: 5, metricName: 'h_sum' },
      { labels: { a: 'x' }, value: 2, metricName: 'h_count' },
      { labels: { le: 1, a: 'no sum' }, value: 3, metricName: 'h_bucket' },
      { labels: { le: '+Inf', a: 'no sum' }, value: 4, metricName: 'h_bucket' }] },
    { name: 's', type: 'summary', help: 'h', values: [
      { labels: { quantile: 0.5 }, value: 7, metricName: 's' },
      { labels: {}, value: 9, metricName: 's_sum' }, { labels: {}, value: 2, metricName: 's_count' }] },
    { name: 'i', type: 'info', help: 'h', values: [{ labels: { version: '1' }, value: 1 }] },
    { name: 'u', values: [{ labels: {}, value: NaN }] },
  ]);
  const text = await plugin.metrics();
  assert.match(text, /^# HELP c_total C "x" \\\\ \\n\.$/m);
  assert.match(text, /^c_total\{a="ä\\"\\n\\\\"\} 1\.5$/m);
  assert.match(text, /^c_total\{a="2"\} 3 1700000000123$/m);
  assert.match(text, /^h_bucket\{a="x",le="1"\} 1\nh_bucket\{a="x",le="\+Inf"\} 2\nh_sum\{a="x"\} 5\nh_count\{a="x"\} 2$/m);
  assert.match(text, /^h_count\{a="no sum"\} 4$/m);
  assert.ok(!text.includes('h_sum{a="no sum"}'));
  assert.match(text, /^s\{quantile="0.5"\} 7\ns_sum 9\ns_count 2$/m);
  assert.match(text, /^i_info\{version="1"\} 1$/m);
  assert.match(text, /^u NaN$/m);
});

test('one that throws, rejects, or says nonsense costs itself, and is told once', async (t) => {
  const plugin = load(t);
  const logger = plugin.logger;
  register(plugin, 'throws', () => { throw new Error('broken'); });
  register(plugin, 'rejects', async () => { throw new TypeError('later'); });
  register(plugin, 'no_type', () => ({ name: 'x', type: 'gage', values: [] }));
  register(plugin, 'no_mode', () => ({ ...gauge('y'), aggregator: 'mode' }));
  register(plugin, 'no_families', () => 5);
  register(plugin, 'throws_text', () => { throw 'just text'; }); // eslint-disable-line no-throw-literal
  register(plugin, 'invalid', () => [{ name: '', type: 'gauge', values: [] }, gauge('valid')]);
  register(plugin, 'good', () => gauge('good'));
  for (let i = 0; i < 3; i++) {
    assert.deepStrictEqual((await plugin.getMetricsAsJSON()).map((f) => f.name), ['good', 'valid']);
  }
  for (const said of [/throws failed: Error: broken/, /rejects failed: TypeError: later/,
                      /no known type: gage/, /y: aggregator mode is not one of sum/, /no_families failed/, /throws_text failed: .*just text/]) {
    assert.strictEqual(logger.matching(said).length, 1, `${said} in ${logger.lines.join('\n')}`);
  }
  assert.strictEqual(plugin.status().collectorFailures, 18);
});

test('one that hangs costs one wait, and no other its output', async (t) => {
  const plugin = load(t, { overrides: { 'collectors.timeout_seconds': 20 } });
  register(plugin, 'hangs', never);
  register(plugin, 'good', async () => gauge('good'));
  register(plugin, 'quick', () => gauge('quick'));
  const names = async () => (await plugin.getMetricsAsJSON()).map((f) => f.name);
  assert.deepStrictEqual(await names(), ['good', 'quick']);
  const begun = Date.now();
  for (let i = 0; i < 5; i++) assert.deepStrictEqual(await names(), ['good', 'quick']);
  assert.ok(Date.now() - begun < 10000, `${Date.now() - begun} ms: it was waited for again`);
});

test('a slow one with a timeout of its own is waited for', async (t) => {
  const plugin = load(t, { overrides: { 'collectors.timeout_seconds': 1 } });
  register(plugin, 'slow', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return gauge('slow');
  }, { timeoutMs: 20000 });
  assert.strictEqual(await sample(plugin, 'slow'), 1);
});

test('scrapes at once share a run', async (t) => {
  const plugin = load(t);
  let [running, most, calls] = [0, 0, 0];
  register(plugin, 'slow', async () => {
    calls += 1;
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running -= 1;
    return gauge('slow', calls);
  });
  const all = await Promise.all([1, 2, 3, 4].map(() => sample(plugin, 'slow')));
  assert.ok(all.every((value) => value >= 1), all);
  assert.strictEqual(most, 1);
  assert.ok(calls <= 4);
});

test('the last output serves for as long as min interval says', async (t) => {
  const plugin = load(t);
  let calls = 0;
  register(plugin, 'seldom', () => gauge('seldom', ++calls), { minIntervalMs: 3600000 });
  register(plugin, 'often', () => gauge('often'));
  for (let i = 0; i < 3; i++) assert.strictEqual(await sample(plugin, 'seldom'), 1);
});

test('a name is taken once, and free after unregister()', async (t) => {
  const plugin = load(t);
  const first = register(plugin, 'x', () => gauge('first'));
  assert.throws(() => register(plugin, 'x', () => gauge('second')), { code: 'E_EXISTS' });
  first.unregister();
  first.unregister();
  assert.strictEqual(await sample(plugin, 'first'), undefined);
  register(plugin, 'x', () => gauge('second'));
  assert.strictEqual(await sample(plugin, 'second'), 1);
  assert.throws(() => register(plugin, 'y', 5), TypeError);
});

test('one may be unregistered while it runs, and inside of another', async (t) => {
  const plugin = load(t);
  let release;
  const slow = register(plugin, 'slow', () => new Promise((resolve) => { release = resolve; }));
  const scrape = sample(plugin, 'slow');
  await eventually(() => release, 'the collector is asked');
  slow.unregister();
  assert.strictEqual(await scrape, undefined);
  release(gauge('slow'));
  const other = register(plugin, 'other', () => gauge('other'));
  register(plugin, 'ender', () => { other.unregister(); return gauge('ender'); });
  assert.strictEqual(await sample(plugin, 'ender'), 1);
  assert.strictEqual(await sample(plugin, 'other'), undefined);
});

test('one may scrape, and may make and change instruments', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'], plugin });
  let nested = null;
  register(plugin, 'x', () => {
    c.labels(Math.random()).inc();
    if (nested === null) nested = plugin.metrics();
    new promplug.Gauge({ name: 'made', help: 'h', plugin }).set(3);
    return gauge('x');
  });
  assert.strictEqual(await sample(plugin, 'made'), 3);
  assert.match(await nested, /^c_total/m);
});

test('collect() of an instrument is asked before its values are read, in its own words', async (t) => {
  const plugin = load(t);
  const sync = new promplug.Gauge({ name: 'sync', help: 'h', plugin, collect() { this.inc(); } });
  new promplug.Counter({
    name: 'later_total', help: 'h', plugin, labelNames: ['a'],
    async collect() {
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.inc({ a: 'x' }, 2);
    },
  });
  for (const call of [1, 2, 3]) {
    const text = await plugin.metrics();
    assert.match(text, new RegExp(`^sync ${call}$`, 'm'));
    assert.match(text, new RegExp(`^later_total\\{a="x"\\} ${call * 2}$`, 'm'));
  }
  sync.dispose();
  assert.ok(!(await plugin.metrics()).includes('sync'));
});

test('a loop that is busy loses its collectors, and holds up no scrape of the listener', async (t) => {
  const plugin = load(t, {
    overrides: { 'scrape.listen': '127.0.0.1:0', 'collectors.timeout_seconds': 1 },
  });
  register(plugin, 'x', () => gauge('of_loop'));
  const c = new promplug.Counter({ name: 'c_total', help: 'h', plugin });
  c.inc();
  const { listenPort } = plugin.status();
  // This holds the loop until the answer is there.
  const get = `require('http').get('http://127.0.0.1:${listenPort}/metrics', (r) => r.pipe(process.stdout))`;
  const text = execFileSync(process.execPath, ['-e', get], { encoding: 'utf8', timeout: 30000 });
  assert.match(text, /^c_total 1$/m);
  assert.ok(!text.includes('of_loop'));
  assert.strictEqual(await eventually(() => sample(plugin, 'of_loop'), 'the collector is back'), 1);
});

test('prom-client\'s registry is exposed as it exposes itself', async (t) => {
  const plugin = load(t);
  const registry = new promClient.Registry();
  const registers = [registry];
  const labelNames = ['a', 'b'];
  const c = new promClient.Counter({ name: 'c_total', help: 'Counter.', labelNames, registers });
  c.inc({ a: 'x "quoted"', b: 'line\nend\\' }, 3);
  c.inc({ a: 'y', b: 1 });
  new promClient.Gauge({ name: 'g', help: 'Gauge.', registers, async collect() { this.set(-2.5); } });
  const h = new promClient.Histogram({ name: 'h', help: 'Histogram.', labelNames, registers });
  [0.001, 0.3, 5, 50].forEach((value) => h.observe({ a: 'x', b: 'z' }, value));
  const s = new promClient.Summary({ name: 's', help: 'Summary.', percentiles: [0.5, 0.9], registers });
  [1, 2, 3].forEach((value) => s.observe(value));
  new promClient.Gauge({ name: 'process_x', help: 'Of the process.', registers }).set(1);
  promplug.bridge(registry, { plugin, processMetrics: true });
  const lines = (text) => text.split('\n').filter((line) => line !== '').sort();
  const order = (line) => line.replace(/\{(.*)\}/, (_, labels) => (
    `{${labels.match(/[^=,]+="(?:[^"\\]|\\.)*"/g).sort().join()}}`));
  assert.deepStrictEqual(lines(await plugin.metrics()).map(order).sort(),
    lines(await registry.metrics()).map(order).sort());
});

test('process_* of a bridge are left to the plugin', async (t) => {
  const plugin = load(t);
  const registry = new promClient.Registry();
  promClient.collectDefaultMetrics({ register: registry });
  promplug.bridge(registry, { plugin });
  const text = await plugin.metrics();
  assert.ok(text.includes('nodejs_heap_size_total_bytes'));
  assert.ok(!/^process_/m.test(text));
  assert.throws(() => promplug.bridge({}), TypeError);
});

test('exemplars of a bridge come over', async (t) => {
  const plugin = load(t);
  const registry = new promClient.Registry();
  registry.setContentType(promClient.Registry.OPENMETRICS_CONTENT_TYPE);
  const h = new promClient.Histogram({
    name: 'h', help: 'h', buckets: [1], enableExemplars: true, registers: [registry],
  });
  h.observe({ value: 0.5, exemplarLabels: { trace_id: 'abc' } });
  promplug.bridge(registry, { plugin });
  const { body } = await plugin.request({
    mounted: true, headers: [['Accept', 'application/openmetrics-text']],
  });
  assert.match(body.toString(), /^h_bucket\{le="1.0"\} 1 # \{trace_id="abc"\} 0\.5/m);
});

test('Node says of itself what prom-client says', async (t) => {
  const plugin = load(t);
  const registration = promplug.collectNodeMetrics({ plugin });
  const names = async () => (await plugin.getMetricsAsJSON()).map((f) => f.name);
  const found = await names();
  const registry = new promClient.Registry();
  promClient.collectDefaultMetrics({ register: registry });
  const theirs = (await registry.getMetricsAsJSON()).map((f) => f.name)
    .filter((name) => name.startsWith('nodejs_'))
    // Of interfaces of Node that are deprecated; active_resources has them all.
    .filter((name) => !/_(handles|requests|resources)(_total)?$/.test(name));
  assert.ok(theirs.length > 10);
  assert.deepStrictEqual(theirs.filter((name) => !found.includes(name) && name !== 'nodejs_eventloop_lag_seconds'), []);
  registration.unregister();
  assert.deepStrictEqual((await names()).filter((name) => name.startsWith('nodejs_')), []);
});
