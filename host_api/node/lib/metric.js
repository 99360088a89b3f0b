// SPDX-License-Identifier: MIT
// What the instruments have in common: names, labels, series, and being bound to a plugin.
'use strict';

const abi = require('./abi');
const binding = require('./binding');
const { Collector } = require('./collectors');
const { SeriesTable } = require('./labels');

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
// How the families of several workers become one; prom-client's names, and those of the plugin.
const MODES = {
  sum: abi.MODE_SUM, max: abi.MODE_MAX, min: abi.MODE_MIN, latest: abi.MODE_LATEST,
  per_worker: abi.MODE_PER_WORKER,
};

function isObject(value) {
  return typeof value === 'object' && value !== null;
}

// One series. Before a plugin is loaded it counts by itself; what it counted goes over when it is.
// One that was removed counts on in a series that begins from zero, when it is used again.
class Series {
  constructor(metric, texts) {
    this.texts = texts;
    this.kept = true;
    this._metric = metric;
    this._api = null;
    this._handle = 0; // 0: not in a plugin
    this._removed = false;
    this._clear();
  }

  // ---- for the kinds of series --------------------------------------------------------------

  // Nothing is counted by itself.
  _clear() {}

  // Hands over what was counted by itself; the handle is set.
  _flush() {}

  // The handle goes: back to counting by itself, from zero.
  _letGo() {}

  // ---- inside ---------------------------------------------------------------------------------

  bind(instance, family) {
    const { handle, pinned } = instance.series(family, this.texts);
    this.kept = pinned;
    this._api = instance.api;
    this._handle = handle;
    this._flush();
    this._clear();
  }

  // The instance is about to end, with all that it has.
  unbind() {
    this._letGo();
    this._handle = 0;
    this._clear();
  }

  // Gives the plugin back what it pinned. What it counted stays.
  release() {
    const handle = this._handle;
    if (handle === 0) return;
    const api = this._api;
    this.unbind();
    if (this.kept) api.metric_release(handle);
  }

  // The series is exposed no more.
  leave() {
    if (this._handle !== 0) {
      const handle = this._handle;
      const api = this._api;
      this._letGo();
      api.metric_remove(handle);
    }
    this.release();
    this._clear();
    this._removed = true;
  }

  // It is exposed again, from zero, where it was removed.
  revive() {
    if (!this._removed) return;
    this._removed = false;
    this._metric.takeBack(this);
  }

  // Called before an update where there is no handle. True: there is one now.
  _wanted() {
    this.revive();
    return this._handle !== 0;
  }
}

// A family of series.
class Metric {
  constructor(config, defaults = {}) {
    if (!isObject(config)) throw new TypeError('constructor expected a config object');
    const { name, help, labelNames = [], plugin = null, registers, aggregator, collect,
            enableExemplars = false, unit = '', maxSeries = 0 } = { ...defaults, ...config };
    if (!help) throw new Error('Missing mandatory help parameter');
    if (!name) throw new Error('Missing mandatory name parameter');
    if (!NAME.test(name)) throw new Error(`Invalid metric name: ${name}`);
    if (collect !== undefined && typeof collect !== 'function') {
      throw new Error('Optional "collect" parameter must be a function');
    }
    this.name = name;
    this.help = help;
    this.type = new.target.type;
    this.labelNames = checkedLabels([...labelNames], new.target.reservedLabel);
    this.aggregator = aggregator;
    this.enableExemplars = enableExemplars;
    this._unit = unit;
    this._maxSeries = maxSeries;
    this._mode = modeOf(aggregator);
    this._plugin = plugin;
    this._instance = null;
    this._family = 0;
    this._table = new SeriesTable(this.labelNames, (texts) => this._newSeries(texts));
    this._strays = new Set();
    this._own = null;
    this._configure({ ...defaults, ...config });
    if (this.labelNames.length === 0) this._ownSeries();
    // prom-client's way to make an instrument that is not exposed.
    this._exposed = !(Array.isArray(registers) && registers.length === 0);
    if (this._exposed) binding.attach(this, plugin);
    this._collector = null;
    if (collect !== undefined && this._exposed) this._collectBy(collect);
  }

  toString() {
    return `${this.constructor.name} ${this.name}`;
  }

  // ---- the habits of prom-client ----------------------------------------------------------------

  // The series with these values: labels('GET', 200) or labels({method: 'GET', status: 200}). Keep
  // it where updates are frequent. Over the family's limit of series it is one that counts for
  // nothing.
  labels(...values) {
    return this._series(values);
  }

  // The series is exposed no more. Nothing happens where there is none.
  remove(...values) {
    const names = this.labelNames;
    const given = values.length === 1 && isObject(values[0])
      ? names.map((name) => values[0][name]) : values;
    const series = this._table.peek(given);
    if (series !== undefined) this._drop(series);
  }

  // Every series is exposed no more; one without labels is at once there again, from zero.
  reset() {
    for (const series of [...this._everySeries()]) series.leave();
    this._table.clear();
    this._strays.clear();
    this._own = null;
    if (this.labelNames.length === 0) this._ownSeries();
  }

  // What is exposed of it, as prom-client's get().
  async get() {
    const plugin = this._plugin || binding.defaultPlugin();
    const empty = { help: this.help, name: this.name, type: this.type, values: [] };
    if (plugin === null) return { ...empty, aggregator: this.aggregator };
    const families = await plugin.getMetricsAsJSON([this.name]);
    const found = families.find((family) => family.name === this.name) || empty;
    return { ...found, aggregator: this.aggregator };
  }

  // ---- bound to a plugin, see binding.js ---------------------------------------------------------

  bind(plugin) {
    if (this._instance !== null) return;
    const instance = plugin.instance();
    this._family = instance.family(this._description());
    this._instance = instance;
    for (const series of this._everySeries()) series.bind(instance, this._family);
  }

  unbind() {
    for (const series of this._everySeries()) series.unbind();
    this._instance = null;
    this._family = 0;
  }

  // Gives the plugin back what it holds for this thread, which ends.
  release() {
    for (const series of this._everySeries()) series.release();
    this._instance = null;
  }

  // It is exposed no more, and bound to no plugin from now on.
  dispose() {
    binding.detach(this, this._plugin);
    if (this._collector !== null) this._collector.unregister();
    for (const series of this._everySeries()) series.leave();
    this._instance = null;
  }

  // A series that was removed is used again.
  takeBack(series) {
    if (!this._table.takeBack(series)) this._strays.add(series);
    if (this._instance !== null) series.bind(this._instance, this._family);
  }

  // ---- for the kinds of instrument ---------------------------------------------------------------

  _configure() {}

  _description() {
    return {
      type: this.constructor.kind, name: this.name, help: this.help, unit: this._unit,
      labelNames: this.labelNames, maxSeries: this._maxSeries, mode: this._mode,
    };
  }

  _drop(series) {
    series.leave();
    this._table.drop(series);
  }

  // By what an update was given: an object of labels, or none.
  _of(labels) {
    return isObject(labels) ? this._table.byNames(labels) : this._ownSeries();
  }

  _series(values) {
    return values.length === 1 && isObject(values[0])
      ? this._table.byNames(values[0]) : this._table.byValues(values);
  }

  // Where no labels were given. As in prom-client, that is one series of a labelled family, too.
  _ownSeries() {
    if (this._own === null) this._own = this._table.byNames({});
    return this._own;
  }

  // ---- inside -------------------------------------------------------------------------------------

  _newSeries(texts) {
    const series = new this.constructor.Series(this, texts);
    if (this._instance !== null) series.bind(this._instance, this._family);
    return series;
  }

  * _everySeries() {
    yield* this._table.all();
    yield* this._strays;
  }

  // prom-client asks `collect` before it reads the values. So does a collector of the plugin, which
  // says nothing itself: instruments are read when all collectors have answered.
  _collectBy(collect) {
    const source = () => {
      const done = collect.call(this);
      return done instanceof Promise ? done.then(() => []) : [];
    };
    this._collector = new Collector(`collect() of ${this.name}`, source);
    this._collector.attach(this._plugin);
  }
}

function checkedLabels(names, reserved) {
  for (const name of names) {
    if (typeof name !== 'string' || !LABEL_NAME.test(name) || name.startsWith('__')) {
      throw new Error(`Invalid label name: ${name}`);
    }
    if (name === reserved) throw new Error(`${name} is a reserved label keyword`);
  }
  if (new Set(names).size !== names.length) throw new Error('A label name comes twice');
  return names;
}

function modeOf(aggregator) {
  if (aggregator === undefined) return abi.MODE_DEFAULT;
  if (!Object.hasOwn(MODES, aggregator)) {
    throw new Error(`aggregator ${aggregator} is not one of ${Object.keys(MODES).join(', ')}`);
  }
  return MODES[aggregator];
}

module.exports = { Metric, Series, isObject };
