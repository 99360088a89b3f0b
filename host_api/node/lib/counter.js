// SPDX-License-Identifier: MIT
'use strict';

const util = require('node:util');
const koffi = require('koffi');
const abi = require('./abi');
const { exemplarOf } = require('./exemplars');
const { Metric, isObject } = require('./metric');
const { Series } = require('./series');

const WORD = 2 ** 32;
// A call of the plugin takes some 30 ns, an addition to a word of it less than 2. The word costs
// 64 bytes in the plugin and a view here, so only a series that is used gets one.
const CALLS_BEFORE_A_CELL = 8;
// Stands for a cell where there is none: every addition to it overflows into the slow way.
const NO_CELL = new Uint32Array([WORD - 1, 0]);

class CounterSeries extends Series {
  // Adds `value`, 1 by default. Throws for what is negative or no number.
  inc(value = 1) {
    const cell = this._cell;
    if ((value >>> 0) === value) {
      const low = cell[0] + value;
      if (low < WORD) {
        // The plugin reads the whole word at once; its upper half does not change here.
        cell[0] = low;
        return;
      }
    }
    this._add(value, null);
  }

  // The same with labels of an exemplar, which is kept until the next one.
  incWithExemplar(value, exemplarLabels) {
    this._add(value, exemplarLabels);
  }

  _clear() {
    this._cell = NO_CELL;
    this._seen = NO_CELL[0];
    this._whole = null; // the cell as one BigInt
    this._calls = 0;
    this._pending = 0;
  }

  _flush() {
    if (this._pending > 0) this._api.counter_add(this._handle, this._pending);
  }

  _letGo() {
    const whole = this._whole;
    if (whole === null) return;
    this._cell = NO_CELL;
    this._whole = null;
    this._api.cell_release(this._handle, this._cellAddress);
  }

  _wasUsed() {
    const seen = this._seen;
    this._seen = this._cell[0];
    return super._wasUsed() || this._seen !== seen;
  }

  _add(given, exemplarLabels) {
    const value = given === undefined || given === null ? 1 : given;
    if (!Number.isFinite(value)) {
      throw new TypeError(`Value is not a valid number: ${util.format(value)}`);
    }
    if (value < 0) throw new Error('It is not possible to decrease a counter');
    this._used = true;
    if (this._handle === 0 && !this._wanted()) {
      this._pending += value; // an exemplar is not kept
    } else if (exemplarLabels !== null) {
      this._api.counter_add_exemplar(this._handle, value, exemplarOf(exemplarLabels));
    } else if (this._whole !== null && Number.isSafeInteger(value)) {
      this._whole[0] += BigInt(value);
    } else {
      this._api.counter_add(this._handle, value);
      this._calls += 1;
      if (this._calls === CALLS_BEFORE_A_CELL && this.kept) this._takeCell();
    }
  }

  _takeCell() {
    const address = this._instance.cell(this._handle);
    if (address === 0) return;
    const store = koffi.view(BigInt(address), 8);
    this._cellAddress = address;
    this._whole = new BigUint64Array(store);
    this._cell = new Uint32Array(store);
  }
}

// It only goes up. Exposed under the name given, which best ends in _total.
class Counter extends Metric {
  // inc(), inc(2), inc({method: 'GET'}), inc({method: 'GET'}, 2); with enableExemplars
  // inc({labels, value, exemplarLabels}).
  inc(labels, value) {
    if (this.enableExemplars) this._incWithExemplar(labels);
    else if (isObject(labels)) this._table.byNames(labels).inc(value);
    else this._ownSeries().inc(labels);
  }

  _incWithExemplar({ labels, value = 1, exemplarLabels } = {}) {
    const series = this._of(labels);
    if (exemplarLabels === undefined) series.inc(value);
    else series.incWithExemplar(value, exemplarLabels);
  }
}
Counter.type = 'counter';
Counter.kind = abi.COUNTER;
Counter.Series = CounterSeries;

module.exports = { Counter };
