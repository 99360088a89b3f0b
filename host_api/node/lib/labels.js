// SPDX-License-Identifier: MIT
// From label values to series.
'use strict';

const util = require('node:util');

// Series by label values. The values are looked up as they are given, without making texts of them:
// 200 and '200' are two ways to one series.
class SeriesTable {
  // make(texts) gives a new series; it is kept where its `kept` is true.
  constructor(labelNames, make) {
    this._names = labelNames;
    this._known = new Set(labelNames);
    this._make = make;
    this._quick = new Map();
    this._byTexts = new Map();
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

  // The series that is there, or undefined.
  peek(values) {
    return this._byTexts.get(keyOf(textsOf(values)));
  }

  all() {
    return this._byTexts.values();
  }

  // Forgets that series; the quick ways to it stay, and lead to one that comes back when it is used.
  drop(series) {
    const key = keyOf(series.texts);
    if (this._byTexts.get(key) === series) this._byTexts.delete(key);
  }

  // A series that was dropped is used again. False: there is another one by now.
  takeBack(series) {
    const key = keyOf(series.texts);
    if (this._byTexts.has(key)) return false;
    this._byTexts.set(key, series);
    return true;
  }

  // All are forgotten.
  clear() {
    this._byTexts.clear();
    this._quick.clear();
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
  }
}

function textsOf(values) {
  return values.map((value) => (value === undefined || value === null ? '' : String(value)));
}

function keyOf(texts) {
  return texts.length === 1 ? texts[0] : JSON.stringify(texts);
}

module.exports = { SeriesTable };
