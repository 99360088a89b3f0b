// SPDX-License-Identifier: MIT
// What instruments keep of their series, in this process and in the plugin.
'use strict';

const assert = require('node:assert');
const test = require('node:test');
const promplug = require('promplug');
const { eventually, load, PLUGIN, QUIET, sample, script } = require('./support');

// Entries in all maps of an instrument, nested ones too.
function entries(metric) {
  const count = (map) => [...map.values()].reduce((sum, value) => (
    sum + 1 + (value instanceof Map ? count(value) : 0)), 0);
  const { _quick: quick, _byTexts: byTexts, _strays: strays } = metric._table;
  return count(quick) + count(byTexts) + count(strays);
}

// Calls of that function of the plugin, from now on.
function counted(t, plugin, name) {
  const { [name]: call } = plugin.api;
  const counter = { calls: 0 };
  plugin.api[name] = (...args) => {
    counter.calls += 1;
    return call(...args);
  };
  t.after(() => { plugin.api[name] = call; });
  return counter;
}

// A clock for idle series that the test sets.
function clock(t) {
  const { now } = Date;
  const begun = now();
  t.after(() => { Date.now = now; });
  return (seconds) => { Date.now = () => begun + 1000 * seconds; };
}

test('series that come and are removed for ever leave nothing behind', async (t) => {
  const plugin = load(t);
  const released = counted(t, plugin, 'metric_release');
  const g = new promplug.Gauge({ name: 'g', help: 'h', labelNames: ['a', 'b'], maxSeries: 2, plugin });
  g.set({ a: 'stays', b: 1 }, 1);
  const before = entries(g);
  for (let i = 0; i < 1000000; i++) {
    g.labels(i, 'b').set(i);
    if (i % 10 === 0) g.labels(`${i}`, 'b').inc();
    g.remove(i, 'b');
  }
  assert.strictEqual(entries(g), before);
  assert.strictEqual(released.calls, 1000000);
  assert.strictEqual(plugin.status().series, 1);
  assert.strictEqual(plugin.status().seriesRefused, 0);
});

test('an info whose texts change for ever keeps the last ones', async (t) => {
  const plugin = load(t);
  const info = new promplug.Info({ name: 'i', help: 'h', labelNames: ['version'], plugin });
  info.set({ version: 'first' });
  const before = entries(info);
  for (let version = 0; version < 10000; version++) info.set({ version });
  assert.strictEqual(entries(info), before);
  assert.strictEqual(await sample(plugin, 'i_info', { version: '9999' }), 1);
  assert.strictEqual(plugin.status().series, 1);
});

test('a removed series that somebody holds is removed again with the one after it', async (t) => {
  const plugin = load(t);
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'], plugin });
  const before = entries(c);
  const held = c.labels('x');
  held.inc();
  for (let i = 0; i < 100; i++) {
    c.remove('x');
    c.labels('x').inc();
    for (let n = 0; n < 20; n++) held.inc();
    assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), 21);
  }
  c.remove('x');
  assert.strictEqual(await sample(plugin, 'c_total', { a: 'x' }), undefined);
  assert.strictEqual(entries(c), before);
  held.inc();
  c.reset();
  assert.deepStrictEqual([entries(c), plugin.status().series], [before, 0]);
});

for (const kind of ['Counter', 'Gauge', 'Histogram']) {
  test(`${kind}: series that are idle are not held for ever, and go on where they were`, async (t) => {
    const plugin = load(t);
    const at = clock(t);
    const released = counted(t, plugin, 'metric_release');
    const m = new promplug[kind]({ name: 'm', help: 'h', labelNames: ['i'], maxSeries: 100000, plugin });
    const update = (series) => (kind === 'Histogram' ? series.observe(1) : series.inc());
    const held = m.labels('held');
    const busy = m.labels('busy');
    for (let n = 0; n < 20; n++) update(held);
    // One new series a second for ten hours.
    for (let i = 0; i < 36000; i++) {
      at(i);
      update(m.labels(i));
      update(busy);
    }
    assert.ok(entries(m) < 3000, `${entries(m)}`);
    assert.ok(released.calls > 34000, `${released.calls}`);
    // Only held no more: they are there until the plugin lets them expire.
    assert.strictEqual(plugin.status().series, 36002);
    update(held);
    update(m.labels('held'));
    update(m.labels(5));
    const name = kind === 'Histogram' ? 'm_count' : 'm';
    const value = (i) => sample(plugin, name, { i });
    assert.deepStrictEqual([await value('held'), await value(5), await value('busy')], [22, 2, 36000]);
    m.remove(7);
    m.remove('no such');
    assert.deepStrictEqual([await value(7), plugin.status().series], [undefined, 36001]);
    m.reset();
    assert.strictEqual(plugin.status().series, 0);
  });
}

test('states and infos are not given up: what they show is known here alone', async (t) => {
  const plugin = load(t);
  const at = clock(t);
  const states = new promplug.StateSet({
    name: 'st', help: 'h', labelNames: ['i'], states: ['a', 'b'], plugin,
  });
  for (let i = 0; i < 1000; i++) {
    at(i);
    states.state({ i }, 'b');
  }
  states.state({ i: 3 }, 'a');
  const shown = (st) => sample(plugin, 'st', { i: 3, st });
  assert.deepStrictEqual([await shown('a'), await shown('b')], [1, 0]);
});

test('a series over the limit counts when there is room, and outlives its plugin', async (t) => {
  const first = load(t, { default: true });
  const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['a'], maxSeries: 1 });
  t.after(() => c.dispose());
  c.labels('x').inc();
  const over = c.labels('y');
  for (let i = 0; i < 20; i++) over.inc();
  assert.strictEqual(await sample(first, 'c_total', { a: 'y' }), undefined);
  c.remove('x');
  for (let i = 0; i < 20; i++) over.inc();
  assert.strictEqual(await sample(first, 'c_total', { a: 'y' }), 20);
  const again = c.labels('x');
  again.inc();
  await first.close();
  again.inc(3);
  over.inc(2);
  const second = load(t, { default: true });
  // The first of the two that comes has the room.
  assert.strictEqual(await sample(second, 'c_total', { a: 'y' }), 2);
  assert.strictEqual(await sample(second, 'c_total', { a: 'x' }), undefined);
  again.inc();
  await second.close();
  again.inc();
});

test('very many observations from before load() are handed over in slices, each once', async (t) => {
  const h = new promplug.Histogram({ name: 'h', help: 'h', buckets: [1, 2] });
  const s = new promplug.Summary({ name: 's', help: 'h' });
  t.after(() => promplug.register.clear());
  for (let i = 0; i < 300000; i++) {
    h.observe(i % 3 + 0.5);
    s.observe(i % 3);
  }
  const plugin = load(t, { default: true });
  const calls = counted(t, plugin, 'observe');
  h.observe(0.5);
  const perTurn = [];
  while (calls.calls < 500001) {
    const before = calls.calls;
    await new Promise(setImmediate);
    perTurn.push(calls.calls - before);
  }
  assert.ok(Math.max(...perTurn) <= 100001, `${perTurn}`);
  assert.strictEqual(await sample(plugin, 'h_bucket', { le: 1 }), 100001);
  assert.strictEqual(await sample(plugin, 'h_bucket', { le: 2 }), 200001);
  assert.strictEqual(await sample(plugin, 'h_count'), 300001);
  assert.ok(Math.abs(await sample(plugin, 'h_sum') - 450000.5) < 0.01);
  assert.strictEqual(await sample(plugin, 's_count'), 300000);
  assert.strictEqual(await sample(plugin, 's_sum'), 300000);
});

test('what is not handed over when a plugin ends goes to the next one', async (t) => {
  const h = new promplug.Histogram({ name: 'h', help: 'h', buckets: [1] });
  t.after(() => h.dispose());
  for (let i = 0; i < 1000000; i++) h.observe(0.5);
  const first = load(t, { default: true });
  const calls = counted(t, first, 'observe');
  await first.close({ timeoutMs: 0 }).catch((error) => assert.ok(error instanceof promplug.TimedOut));
  const taken = 100000 + calls.calls;
  assert.ok(taken < 1000000, `${taken}`);
  h.observe(0.5);
  const second = load(t, { default: true });
  await eventually(async () => await sample(second, 'h_count') === 1000001 - taken, 'the others');
});

test('a process that exits at once hands over all', async () => {
  const { code, stdout, stderr } = await script(`
    const h = new promplug.Histogram({ name: 'h', help: 'h' });
    for (let i = 0; i < 500000; i++) h.observe(1);
    const plugin = promplug.load({ plugin: ${JSON.stringify(PLUGIN)}, environment: false,
                                   overrides: ${JSON.stringify(QUIET)}, logger: console });
    const { observe } = plugin.api;
    let calls = 0;
    plugin.api.observe = (...args) => { calls += 1; return observe(...args); };
    process.on('exit', () => console.log('handed over later', calls));
    process.exit(0);`);
  assert.match(stdout, /^handed over later 400000$/m, stderr);
  assert.strictEqual(code, 0);
});
