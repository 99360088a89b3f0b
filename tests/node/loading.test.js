// SPDX-License-Identifier: MIT
// load(), and the life of what it gives.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const promplug = require('promplug');
const { directory, Lines, listening, load, PLUGIN, QUIET, sample, script } = require('./support');

const DEFAULT = { plugin: PLUGIN, environment: false, overrides: QUIET, logger: new Lines() };

test('a plugin that cannot be loaded is an error with its path, and nothing changes', (t) => {
  const folder = directory(t);
  const text = path.join(folder, 'text.so');
  fs.writeFileSync(text, 'no object');
  const other = fs.readdirSync('/lib/x86_64-linux-gnu').find((name) => /^libz\.so/.test(name));
  for (const file of [path.join(folder, 'missing.so'), text, `/lib/x86_64-linux-gnu/${other}`]) {
    assert.throws(() => promplug.load({ plugin: file }), (error) => (
      error instanceof promplug.LoadError && error.message.includes(file)), file);
  }
  assert.strictEqual(promplug.defaultPlugin(), null);
});

test('a configuration that is not acceptable is the plugin\'s own text', (t) => {
  const folder = directory(t);
  const config = path.join(folder, 'promplug.yml');
  fs.writeFileSync(config, 'scrape: {path: no-slash}\n');
  const descriptors = () => fs.readdirSync('/proc/self/fd').length;
  const before = descriptors();
  for (let i = 0; i < 20; i++) {
    assert.throws(() => promplug.load({ ...DEFAULT, config }), (error) => (
      error instanceof promplug.ConfigError && error.code === 'E_CONFIG'
      && error.message.includes('promplug.yml:1') && error.message.includes('no-slash')));
  }
  assert.throws(() => promplug.load({ ...DEFAULT, overrides: { 'no.such': 1 } }), promplug.ConfigError);
  assert.ok(descriptors() <= before + 3, 'descriptors leak');
  assert.strictEqual(promplug.defaultPlugin(), null);
});

test('there is one default plugin at a time, and its instruments go on to the next', async (t) => {
  const c = new promplug.Counter({ name: 'c_total', help: 'h' });
  const g = new promplug.Gauge({ name: 'g', help: 'h', collect() { this.set(7); } });
  const broken = new promplug.Gauge({ name: 'c_total', help: 'h' });
  t.after(() => [c, g, broken].forEach((metric) => metric.dispose()));
  for (let i = 0; i < 20; i++) c.inc();
  const logger = new Lines();
  const first = promplug.load({ ...DEFAULT, logger });
  assert.strictEqual(promplug.defaultPlugin(), first);
  assert.deepStrictEqual(logger.matching(/Gauge c_total is not exposed: c_total: /).length, 1);
  assert.throws(() => promplug.load(DEFAULT), promplug.StateError);
  for (let i = 0; i < 20; i++) c.inc();
  assert.strictEqual(await sample(first, 'c_total'), 40);
  await first.close();
  assert.strictEqual(promplug.defaultPlugin(), null);
  c.inc(3);
  const second = promplug.load(DEFAULT);
  assert.strictEqual(await sample(second, 'c_total'), 3);
  assert.strictEqual(await sample(second, 'g'), 7);
  await second.close();
});

test('it is started, stopped, started again, and closed for good', async (t) => {
  const plugin = load(t, { start: false });
  const c = new promplug.Counter({ name: 'c_total', help: 'h', plugin });
  assert.strictEqual(plugin.status().state, 'created');
  await assert.rejects(plugin.metrics(), promplug.StateError);
  await plugin.start();
  await plugin.start();
  assert.strictEqual(plugin.status().state, 'running');
  await plugin.stop();
  await plugin.stop();
  assert.strictEqual(plugin.status().state, 'stopped');
  c.inc();
  await plugin.start();
  assert.strictEqual(await sample(plugin, 'c_total'), 1);
  await Promise.all([plugin.stop(), plugin.start(), plugin.reload(), plugin.close(), plugin.close()]);
  assert.deepStrictEqual(plugin.status(), { state: 'closed' });
  for (const call of [() => plugin.metrics(), () => plugin.start(), () => plugin.pushNow()]) {
    await assert.rejects(call(), promplug.StateError);
  }
  c.inc();
});

test('many instances come and go without a trace', async (t) => {
  const count = () => fs.readdirSync('/proc/self/fd').length;
  const threads = () => fs.readdirSync('/proc/self/task').length;
  let before = null;
  for (let i = 0; i < 30; i++) {
    const plugin = promplug.load({ ...DEFAULT, default: false });
    const c = new promplug.Counter({ name: 'c_total', help: 'h', labelNames: ['i'], plugin });
    for (let n = 0; n < 1000; n++) c.labels(n % 50).inc();
    promplug.registerCollector('x', () => [], { plugin });
    assert.match(await plugin.metrics(), /^c_total\{i="49"\} 20$/m);
    await plugin.close();
    for (let n = 0; n < 1000; n++) c.labels(n % 50).inc();
    if (i === 5) before = [count(), threads()];
  }
  assert.ok(count() <= before[0] + 2, `${before[0]} descriptors, then ${count()}`);
  assert.ok(threads() <= before[1], `${before[1]} threads, then ${threads()}`);
});

test('a reload reads the file again, as a whole or not at all', async (t) => {
  const config = path.join(directory(t), 'promplug.yml');
  fs.writeFileSync(config, 'scrape: {path: /one}\n');
  const plugin = load(t, { config });
  const answers = async (url) => (await plugin.request({ path: url })) !== null;
  assert.deepStrictEqual([await answers('/one'), plugin.metricsPath.isOwn(plugin, '/one')], [true, true]);
  fs.writeFileSync(config, 'scrape: {path: /two}\n');
  await plugin.reload();
  assert.deepStrictEqual([await answers('/one'), await answers('/two')], [false, true]);
  assert.strictEqual(plugin.metricsPath.isOwn(plugin, '/two'), true);
  fs.writeFileSync(config, 'scrape: {path: three}\n');
  await assert.rejects(plugin.reload(), promplug.ConfigError);
  assert.strictEqual(await answers('/two'), true);
});

test('a port that is taken is told, and the rest runs', async (t) => {
  const url = await listening(t, require('node:http').createServer());
  const plugin = load(t, { overrides: { 'scrape.listen': new URL(url).host } });
  assert.strictEqual(plugin.status().listening, false);
  assert.ok(plugin.logger.matching(/started with a problem/).length === 1);
  assert.match(plugin.lastError(), /in use/i);
  await plugin.metrics();
});

test('the plugin\'s lines go to the logger, and to stderr without one', async () => {
  const use = (logger) => `
    const plugin = promplug.load({ environment: false, logger: ${logger} });
    plugin.reload().then(() => plugin.close());`;
  const quiet = await script(use(`{ info: (text) => console.log('I', text), warn() { throw new Error('x'); } }`));
  assert.match(quiet.stdout, /^I configuration reloaded$/m);
  assert.strictEqual(quiet.stderr, '');
  const loud = await script(use('undefined'));
  assert.match(loud.stderr, /^promplug: info configuration reloaded$/m);
});

test('the environment is read unless that is turned off', async () => {
  const text = `
    const of = (options) => { const p = promplug.load({ logger: console, ...options }); return p.request({ path: '/env' })
      .then((answer) => p.close().then(() => answer !== null)); };
    of({}).then((yes) => of({ environment: false }).then((no) => console.error(yes, no)));`;
  const { stderr } = await script(text, { env: { PROMPLUG_SCRAPE_PATH: '/env' } });
  assert.match(stderr, /^true false$/m);
});

test('without a plugin the functions of the package say so', async () => {
  await assert.rejects(promplug.metrics(), promplug.StateError);
  await assert.rejects(promplug.register.getMetricsAsJSON(), promplug.StateError);
  const c = new promplug.Counter({ name: 'c_total', help: 'h' });
  assert.deepStrictEqual((await c.get()).values, []);
  c.dispose();
});

test('the register knows the instruments of the default plugin', async (t) => {
  const plugin = load(t, { default: true });
  const c = new promplug.Counter({ name: 'c_total', help: 'Help.' });
  const g = new promplug.Gauge({ name: 'g', help: 'h', labelNames: ['a'] });
  const { register } = promplug;
  c.inc(5);
  g.set({ a: 1 }, 2);
  assert.strictEqual(register.getSingleMetric('c_total'), c);
  assert.deepStrictEqual(await register.getMetricsAsArray(), [c, g]);
  assert.strictEqual(await register.metrics(), await promplug.metrics());
  assert.strictEqual(await register.getSingleMetricAsString('c_total'),
    '# HELP c_total Help.\n# TYPE c_total counter\nc_total 5\n');
  register.resetMetrics();
  assert.strictEqual(await sample(plugin, 'c_total'), 0);
  assert.strictEqual(await sample(plugin, 'g', { a: '1' }), undefined);
  register.removeSingleMetric('c_total');
  assert.strictEqual(register.getSingleMetric('c_total'), undefined);
  assert.strictEqual(await sample(plugin, 'c_total'), undefined);
  register.clear();
  assert.deepStrictEqual(await register.getMetricsAsArray(), []);
});

test('a module imports every name', async () => {
  // The path, since import does not look into NODE_PATH.
  const module = await import(require.resolve('promplug'));
  for (const name of Object.keys(promplug)) assert.strictEqual(module[name], promplug[name], name);
});

test('the package has all its files when it is packed', async (t) => {
  const folder = directory(t);
  const { execFileSync } = require('node:child_process');
  const source = path.resolve(__dirname, '../../host_api/node');
  const packed = JSON.parse(execFileSync('npm', ['pack', '--json', '--offline', '--pack-destination', folder, source],
    { encoding: 'utf8', env: { ...process.env, HOME: folder, npm_config_update_notifier: 'false' } }));
  const files = packed[0].files.map((file) => file.path).sort();
  const wanted = ['README.md', 'index.d.ts', 'package.json',
                  ...fs.readdirSync(path.join(source, 'lib')).map((name) => `lib/${name}`)];
  assert.deepStrictEqual(files, wanted.sort());
});
