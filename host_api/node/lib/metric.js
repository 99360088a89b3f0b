// SPDX-License-Identifier: MIT
// What the instruments have in common: names, labels, series, and being bound to a plugin.
'use strict';

const { modeOf } = require('./aggregators');
const binding = require('./binding');
const { Collector } = require('./collectors');
const { SeriesTable, textsOf } = require('./labels');
const { Series } = require('./series');

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function isObject(value) {
  return typeof value === 'object' && value !== null;
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
    this._mode = modeOf(name, aggregator);
    this._plugin = plugin;
    this._instance = null;
    this._family = 0;
    this._table = new SeriesTable(this.labelNames, (texts) => this._newSeries(texts));
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
  // nothing, until there is room.
  labels(...values) {
    return this._series(values);
  }

  // The series is exposed no more. Nothing happens where there is none.
  remove(...values) {
    const names = this.labelNames;
    const texts = textsOf(values.length === 1 && isObject(values[0])
      ? names.map((name) => values[0][name]) : values);
    const found = this._table.withTexts(texts);
    for (const series of found) this._drop(series);
    const mayBeThere = found.length === 0 && this._table.gaveUp && texts.length === names.length;
    if (mayBeThere && this._instance !== null) this._instance.removeSeries(this._family, texts);
  }

  // Every series is exposed no more; one without labels is at once there again, from zero.
  reset() {
    this._leaveAll();
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
    for (const series of this._table.all()) {
      series.bind(instance, this._family);
      if (!series.kept) this._table.drop(series);
    }
  }

  unbind() {
    for (const series of this._table.all()) series.unbind();
    this._table.gaveUp = false;
    this._instance = null;
    this._family = 0;
  }

  // It is exposed no more, and bound to no plugin from now on.
  dispose() {
    binding.detach(this, this._plugin);
    if (this._collector !== null) this._collector.unregister();
    this._leaveAll();
    this._instance = null;
  }

  // A series that is not in the table is used again.
  takeBack(series) {
    if (this._instance !== null) series.bind(this._instance, this._family);
    if (series.kept) this._table.takeBack(series);
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

  // No series is exposed any more, also of those that were given up.
  _leaveAll() {
    for (const series of this._table.all()) series.leave();
    if (this._table.gaveUp && this._instance !== null) this._instance.removeAll(this._family);
    this._table.clear();
  }

  // prom-client asks `collect` before it reads the values. So does a collector of the plugin, which
  // says nothing itself: instruments are read when all collectors have answered.
  _collectBy(collect) {
    const source = () => {
      const done = collect.call(this);
      return done instanceof Promise ? done.then(() => []) : [];
    };
    this._collector = new Collector(`collect() of ${this.name}`, source);
    try {
      this._collector.attach(this._plugin);
    } catch (error) {
      this.dispose();
      throw error;
    }
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

module.exports = { Metric, isObject };
