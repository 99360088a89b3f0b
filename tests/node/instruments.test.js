// SPDX-License-Identifier: MIT
// Counter, Gauge, Histogram, Summary, Info and StateSet against prom-client's habits.
'use strict';

const assert = require('node:assert');
const test = require('node:test');
const promplug = require('promplug');
const { load, sample } = require('./support');

// By when the plugin is there: both must count the same.
function bothWays(name, body) {
  test(`${name}, in a plugin`, async (t) => {
    const plugin = load(t);
    const made = body.make(promplug, { plugin });
    body.use(made);
    await body.check(plugin);
  });
  test(`${name}, before it is loaded`, async (t) => {
    const made = body.make(promplug, {});
    body.use(made);
    t.after(() => made.dispose());
    const plugin = load(t, { default: true });
    await body.check(plugin);
  });
}

bothWays('a counter counts by one and by amounts', {
  make: ({ Counter }, options) => new Counter({ name: 'c_total', help: 'h', ...options }),
  use: (c) => {
    for (let i = 0; i < 100; i++) c.inc();
    c.inc(10);
    c.inc(0.5);
    c.inc(0);
    c.inc(null);
  },
  check: async (plugin) => assert.strictEqual(await sample(plugin, 'c_total'), 111.5),
});

bothWays('labels are given by position, by name, and with the update', {
  make: ({ Counter }, options) => new Counter({
    name: 'l_total', help: 'h', labelNames: ['method', 'status'], ...options,
  }),
  use: (c) => {
    c.labels('GET', 200).inc();
    c.labels('GET', '200').inc();
    c.labels({ status: 200, method: 'GET' }).inc();
    c.inc({ method: 'GET', status: 200 });
    c.inc({ method: 'GET', status: 200 }, 3);
    c.inc({ method: 'POST' });
    c.inc();
  },
  check: async (plugin) => {
    assert.strictEqual(await sample(plugin, 'l_total', { method: 'GET', status: '200' }), 7);
    assert.strictEqual(await sample(plugin, 'l_total', { method: 'POST', status: '' }), 1);
    assert.strictEqual(await sample(plugin, 'l_total', { method: '', status: '' }), 1);
  },
});

bothWays('a gauge is set and moved', {
  make: ({ Gauge }, options) => new Gauge({ name: 'g', help: 'h', labelNames: ['a'], ...options }),
  use: (g) => {
    g.set({ a: 'x' }, 5);
    g.inc({ a: 'x' });
    g.dec({ a: 'x' }, 0.5);
    g.labels('y').set(-3);
    g.labels('z').setToCurrentTime();
  },
  check: async (plugin) => {
    assert.strictEqual(await sample(plugin, 'g', { a: 'x' }), 5.5);
    assert.strictEqual(await sample(plugin, 'g', { a: 'y' }), -3);
    assert.ok(Math.abs(await sample(plugin, 'g', { a: 'z' }) - Date.now() / 1000) < 60);
  },
});

bothWays('a histogram sorts into buckets', {
  make: ({ Histogram }, options) => new Histogram({
    name: 'h', help: 'h', buckets: [1, 2.5, 10], labelNames: ['a'], ...options,
  }),
  use: (h) => [0, 1, 1.5, 10, 11].forEach((value) => h.observe({ a: 'x' }, value)),
  check: async (plugin) => {
    const found = {};
    for (const le of [1, 2.5, 10, '+Inf']) found[le] = await sample(plugin, 'h_bucket', { a: 'x', le });
    assert.deepStrictEqual(found, { 1: 2, 2.5: 3, 10: 4, '+Inf': 5 });
    assert.ok(Math.abs(await sample(plugin, 'h_sum', { a: 'x' }) - 23.5) < 1e-9);
    assert.strictEqual(await sample(plugin, 'h_count', { a: 'x' }), 5);
  },
});

bothWays('a summary has quantiles', {
  make: ({ Summary }, options) => new Summary({
    name: 's', help: 'h', percentiles: [0.5], maxAgeSeconds: 60, ...options,
  }),
  use: (s) => [3, 3, 3].forEach((value) => s.observe(value)),
  check: async (plugin) => {
    assert.ok(Math.abs(await sample(plugin, 's', { quantile: 0.5 }) - 3) < 0.03);
    assert.strictEqual(await sample(plugin, 's_count'), 3);
    assert.strictEqual(await sample(plugin, 's_sum'), 9);
  },
});

bothWays('a state set shows one state', {
  make: ({ StateSet }, options) => new StateSet({ name: 'st', help: 'h', states: ['a', 'b'], ...options }),
  use: (s) => s.state('b'),
  check: async (plugin) => {
    assert.strictEqual(await sample(plugin, 'st', { st: 'a' }), 0);
    assert.strictEqual(await sample(plugin, 'st', { st: 'b' }), 1);
  },
});

bothWays('an info shows its last texts only', {
  make: ({ Info }, options) => new Info({ name: 'build', help: 'h', labelNames: ['version'], ...options }),
  use: (info) => ['1', '2', '1', '1', '3'].forEach((version) => info.set({ version })),
  check: async (plugin) => {
    const [family] = await plugin.getMetricsAsJSON(['build_info']);
    assert.deepStrictEqual(family.values, [{ labels: { version: '3' }, value: 1 }]);
  },
});

test('a counter is exact where its lower half overflows', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'big_total', help: 'h', plugin });
  for (let i = 0; i < 20; i++) c.inc();
  c.inc(2 ** 32 - 1);
  assert.strictEqual(await sample(plugin, 'big_total'), 2 ** 32 + 19);
  c.inc(2 ** 40);
  c.inc(1);
  c.inc(0.25);
  assert.strictEqual(await sample(plugin, 'big_total'), 2 ** 40 + 2 ** 32 + 20.25);
});

test('what is no number, or negative for a counter, is refused', (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', plugin });
  const g = new promplug.Gauge({ name: 'g', help: 'h', plugin });
  const h = new promplug.Histogram({ name: 'h', help: 'h', plugin });
  for (const wrong of [NaN, Infinity, '1', {}]) assert.throws(() => c.labels().inc(wrong), TypeError);
  assert.throws(() => c.inc(-1), /not possible to decrease/);
  for (const wrong of ['1', undefined, null]) assert.throws(() => g.set(wrong), TypeError);
  for (const wrong of ['1', undefined, NaN, Infinity]) assert.throws(() => h.observe(wrong), TypeError);
  assert.strictEqual(plugin.status().updatesIgnored, 0);
});

test('a constructor says what is wrong', (t) => {
  const plugin = load(t);
  const refuse = (Kind, config, pattern) => (
    assert.throws(() => new Kind({ name: 'x', help: 'h', plugin, ...config }), pattern));
  const { Counter, Gauge, Histogram, Summary, StateSet, Info } = promplug;
  assert.throws(() => new Counter(), /config object/);
  refuse(Counter, { help: '' }, /help/);
  refuse(Counter, { name: '' }, /name/);
  refuse(Counter, { name: 'a b' }, /Invalid metric name: a b/);
  refuse(Counter, { labelNames: ['a-b'] }, /Invalid label name: a-b/);
  refuse(Counter, { labelNames: ['a', 'a'] }, /twice/);
  refuse(Gauge, { aggregator: 'omit' }, /omit is not one of sum/);
  refuse(Gauge, { collect: 1 }, /collect/);
  refuse(Histogram, { labelNames: ['le'] }, /reserved/);
  refuse(Histogram, { buckets: [1, 1] }, /not ascending/);
  refuse(Histogram, { buckets: ['a'] }, /not ascending/);
  refuse(Summary, { labelNames: ['quantile'] }, /reserved/);
  refuse(Summary, { percentiles: [50] }, /quantile/);
  refuse(StateSet, {}, /states/);
  refuse(Info, {}, /labelNames/);
  new Counter({ name: 'taken_total', help: 'h', plugin });
  refuse(Gauge, { name: 'taken_total' }, (error) => (
    error instanceof promplug.PromplugError && error.code === 'E_EXISTS'));
});

test('labels that do not fit are refused', (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a', 'b'], plugin });
  assert.throws(() => c.labels('x'), /Invalid number of arguments \(1\)/);
  assert.throws(() => c.inc({ c: 1 }), /"c" is not included in initial labelset/);
  assert.throws(() => c.labels({ a: 1, toString: 2 }), /toString/);
});

test('two instruments of one name count for one family', async (t) => {
  const plugin = load(t);
  const [one, two] = [1, 2].map(() => new promplug.Counter({ name: 'c_total', help: 'h', plugin }));
  for (let i = 0; i < 20; i++) {
    one.inc();
    two.inc(2);
  }
  assert.strictEqual(await sample(plugin, 'c_total'), 60);
});

test('a series that is removed is gone, and begins from zero when it is used again', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'], plugin });
  const kept = c.labels('x');
  for (let i = 0; i < 20; i++) kept.inc();
  c.remove('x');
  c.remove('nobody');
  assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), undefined);
  kept.inc(3);
  c.labels('x').inc(4);
  assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), 7);
  c.remove({ a: 'x' });
  c.labels('x').inc();
  assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), 1);
  kept.inc();
  assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), 2);
});

test('reset() begins from zero', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', plugin });
  const l = new promplug.Gauge({ name: 'l', help: 'h', labelNames: ['a'], plugin });
  for (let i = 0; i < 20; i++) c.inc();
  l.set({ a: 1 }, 1);
  c.reset();
  l.reset();
  assert.strictEqual(await sample(plugin, 'c_total'), 0);
  assert.strictEqual(await sample(plugin, 'l', { a: 1 }), undefined);
  c.inc();
  assert.strictEqual(await sample(plugin, 'c_total'), 1);
});

test('a family keeps to its limit of series, and those beyond count for nothing', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'], maxSeries: 2, plugin });
  for (let i = 0; i < 100; i++) c.labels(i % 4).inc();
  const [family] = await plugin.getMetricsAsJSON(['c_total']);
  assert.deepStrictEqual(family.values, [{ labels: { a: '0' }, value: 25 }, { labels: { a: '1' }, value: 25 }]);
  assert.ok(plugin.status().seriesRefused > 0);
});

test('label values of any kind are texts', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'], plugin });
  const values = [true, null, undefined, 1.5, -0, 'ä"\n\\', '\ud800', { toString: () => 'object' }, ''];
  for (const value of values) c.labels({ a: value }).inc();
  const found = (await plugin.getMetricsAsJSON(['c_total']))[0].values
    .map(({ labels, value }) => [labels.a, value]);
  assert.deepStrictEqual(found, [['true', 1], ['', 3], ['1.5', 1], ['0', 1], ['ä"\n\\', 1],
                                 ['\ufffd', 1], ['object', 1]]);
});

test('exemplars are shown in OpenMetrics', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', enableExemplars: true, plugin });
  const h = new promplug.Histogram({
    name: 'h', help: 'h', labelNames: ['a'], buckets: [1], enableExemplars: true, plugin,
  });
  c.inc({ value: 2, exemplarLabels: { trace_id: 'c1' } });
  c.inc();
  h.observe({ labels: { a: 'x' }, value: 0.5, exemplarLabels: { trace_id: 'h1', n: 7 } });
  h.startTimer({ a: 'y' }, { trace_id: 'begin' })({}, { trace_id: 'end' });
  const { body } = await plugin.request({
    mounted: true, headers: [['Accept', 'application/openmetrics-text;version=1.0.0']],
  });
  const text = body.toString();
  assert.match(text, /^c_total 3 # \{trace_id="c1"\} 2 /m);
  assert.match(text, /^h_bucket\{a="x",le="1.0"\} 1 # \{trace_id="h1",n="7"\} 0\.5/m);
  assert.match(text, /^h_bucket\{a="y",le="1.0"\} 1 # \{trace_id="end"\}/m);
  assert.throws(() => c.inc({ exemplarLabels: { long: 'x'.repeat(200) } }), RangeError);
});

test('timers observe seconds, also of asynchronous work, whatever becomes of it', async (t) => {
  const plugin = load(t);
  const h = new promplug.Histogram({ name: 'h', help: 'h', labelNames: ['a'], plugin });
  const g = new promplug.Gauge({ name: 'g', help: 'h', plugin });
  const end = h.startTimer({ a: 'timer' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const seconds = end();
  assert.ok(seconds >= 0.015 && seconds < 30, seconds);
  assert.strictEqual(await sample(plugin, 'h_sum', { a: 'timer' }), seconds);
  assert.strictEqual(h.time({ a: 'sync' }, () => 5), 5);
  assert.strictEqual(await h.time({ a: 'async' }, async () => 6), 6);
  await assert.rejects(h.labels('async').time(async () => { throw new Error('x'); }), /x/);
  assert.throws(() => h.time({ a: 'sync' }, () => { throw new Error('y'); }), /y/);
  assert.strictEqual(await sample(plugin, 'h_count', { a: 'sync' }), 2);
  assert.strictEqual(await sample(plugin, 'h_count', { a: 'async' }), 2);
  assert.ok(g.startTimer()() >= 0);
  g.set(0);
  const tracked = g.track(async () => sample(plugin, 'g'));
  assert.strictEqual(await tracked, 1);
  assert.strictEqual(await sample(plugin, 'g'), 0);
});

test('zero() makes a series without an observation', async (t) => {
  const plugin = load(t);
  const h = new promplug.Histogram({ name: 'h', help: 'h', labelNames: ['a'], plugin });
  h.zero({ a: 'x' });
  assert.strictEqual(await sample(plugin, 'h_count', { a: 'x' }), 0);
});

test('get() gives what prom-client gives', async (t) => {
  const plugin = load(t);
  const g = new promplug.Gauge({ name: 'g', help: 'Help.', labelNames: ['a'], aggregator: 'max', plugin });
  g.set({ a: 'x' }, 2);
  assert.deepStrictEqual(await g.get(), {
    name: 'g', help: 'Help.', type: 'gauge', aggregator: 'max', values: [{ labels: { a: 'x' }, value: 2 }],
  });
});

test('buckets are made as by prom-client', () => {
  const theirs = require('prom-client');
  assert.deepStrictEqual(promplug.linearBuckets(0, 5, 3), theirs.linearBuckets(0, 5, 3));
  assert.deepStrictEqual(promplug.exponentialBuckets(1, 2, 4), theirs.exponentialBuckets(1, 2, 4));
  assert.throws(() => promplug.linearBuckets(0, 1, 0));
  assert.throws(() => promplug.exponentialBuckets(1, 1, 1));
});

test('an instrument without a register is not exposed', async (t) => {
  const plugin = load(t, { default: true });
  new promplug.Counter({ name: 'hidden_total', help: 'h', registers: [] }).inc();
  assert.strictEqual(await sample(plugin, 'hidden_total'), undefined);
});

test('native buckets are asked for', async (t) => {
  const plugin = load(t);
  const h = new promplug.Histogram({ name: 'h', help: 'h', nativeMaxBuckets: 100, plugin });
  h.observe(3);
  assert.strictEqual(await sample(plugin, 'h_bucket', { le: '+Inf' }), 1);
  assert.strictEqual(await sample(plugin, 'h_bucket', { le: 5 }), undefined);
});
