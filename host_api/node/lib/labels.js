// SPDX-License-Identifier: MIT
// From label values to series.
'use strict';

const util = require('node:util');

// With each new series so many others are looked at: enough that idle ones go as fast as new ones
// come, and no look takes long.
const LOOKS = 4;

// Series by label values. The values are looked up as they are given, without making texts of them:
// 200 and '200' are two ways to one series.
//
// One that is dropped is forgotten whole, however many there are. Somebody may hold it, though, and
// use it again when there is another one of its texts: it is a stray then.
class SeriesTable {
  // make(texts) gives a new series; it is kept where its `kept` is true.
  constructor(labelNames, make) {
    this._names = labelNames;
    this._known = new Set(labelNames);
    this._make = make;
    this._quick = new Map();
    this._byTexts = new Map();
    this._strays = new Map();
    this._hand = this._byTexts.values();
    this.gaveUp = false; // since the last clear()
  }

  // By position. Throws where the number of values does not fit.
  byValues(values) {
    const names = this._names;
    if (values.length !== names.length) {
      throw new Error(`Invalid number of arguments (${values.length}): "${values.join(', ')}" for ` +
        `label names (${names.length}): "${names.join(', ')}"`);
    }
    let node = this._quick;
    for (let i = 0; i < values.length && node !== undefined; i++) node = node.get(values[i]);
    return node !== undefined && values.length > 0 ? node : this._find(values);
  }

  // By name; names that are not given are empty. Throws for a name that is not known.
  byNames(labels) {
    for (const name in labels) {
      if (!this._known.has(name)) {
        throw new Error(`Added label "${name}" is not included in initial labelset: ` +
          util.inspect(this._names));
      }
    }
    const names = this._names;
    let node = this._quick;
    for (let i = 0; i < names.length && node !== undefined; i++) node = node.get(labels[names[i]]);
    return node !== undefined && names.length > 0 ? node : this._find(names.map((name) => labels[name]));
  }

  // The series with these texts, strays too.
  withTexts(texts) {
    const key = keyOf(texts);
    const strays = [...(this._strays.get(key) || [])];
    return this._byTexts.has(key) ? [this._byTexts.get(key), ...strays] : strays;
  }

  * all() {
    yield* this._byTexts.values();
    for (const strays of this._strays.values()) yield* strays;
  }

  // Forgets that series.
  drop(series) {
    const key = keyOf(series.texts);
    if (this._byTexts.get(key) === series) {
      this._byTexts.delete(key);
      for (const way of series.ways) this._block(way);
      return;
    }
    const strays = this._strays.get(key);
    if (strays === undefined) return;
    strays.delete(series);
    if (strays.size === 0) this._strays.delete(key);
  }

  // A series that was dropped is used again.
  takeBack(series) {
    series.ways = [];
    const key = keyOf(series.texts);
    if (!this._byTexts.has(key)) {
      this._byTexts.set(key, series);
    } else if (this._strays.has(key)) {
      this._strays.get(key).add(series);
    } else {
      this._strays.set(key, new Set([series]));
    }
  }

  // All are forgotten.
  clear() {
    this._byTexts.clear();
    this._quick.clear();
    this._strays.clear();
    this.gaveUp = false;
  }

  _find(values) {
    const texts = textsOf(values);
    const key = keyOf(texts);
    let series = this._byTexts.get(key);
    if (series === undefined) {
      series = this._make(texts);
      // One over the limit is not kept: the limit is one of this process's memory too.
      if (!series.kept) return series;
      this._byTexts.set(key, series);
      this._lookAround();
    }
    this._remember(values, series);
    return series;
  }

  // Only texts, numbers and what is missing: an object would be kept alive by its place here.
  _remember(values, series) {
    const plain = (value) => ['string', 'number', 'undefined'].includes(typeof value);
    if (values.length === 0 || !values.every(plain)) return;
    let node = this._quick;
    for (const value of values.slice(0, -1)) {
      if (!node.has(value)) node.set(value, new Map());
      node = node.get(value);
    }
    node.set(values[values.length - 1], series);
    series.ways.push([...values]);
  }

  // Undoes _remember().
  _block(way) {
    const nodes = [this._quick];
    for (const value of way.slice(0, -1)) nodes.push(nodes[nodes.length - 1].get(value));
    for (let i = way.length - 1; i >= 0; i--) {
      nodes[i].delete(way[i]);
      if (nodes[i].size > 0) return;
    }
  }

  // Gives up series that were idle for long, so that labels which change for ever do not fill the
  // memory: the plugin may have let them expire, but not while they are held here. One that is only
  // idle stays there as it is, and whoever holds or looks it up goes on with it.
  _lookAround() {
    const now = Date.now();
    for (let i = 0; i < LOOKS; i++) {
      const { value: series, done } = this._hand.next();
      if (done) {
        this._hand = this._byTexts.values();
        return;
      }
      if (!series.isIdle(now)) continue;
      series.giveUp();
      this.drop(series);
      this.gaveUp = true;
    }
  }
}

function textsOf(values) {
  return values.map((value) => (value === undefined || value === null ? '' : String(value)));
}

function keyOf(texts) {
  return texts.length === 1 ? texts[0] : JSON.stringify(texts);
}

module.exports = { SeriesTable, textsOf };
