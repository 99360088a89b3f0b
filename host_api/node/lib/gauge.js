// SPDX-License-Identifier: MIT
'use strict';

const util = require('node:util');
const abi = require('./abi');
const { Metric, isObject } = require('./metric');
const { Series } = require('./series');
const { around, stopwatch } = require('./timing');

function checkNumber(value) {
  if (typeof value !== 'number') {
    throw new TypeError(`Value is not a valid number: ${util.format(value)}`);
  }
}

class GaugeSeries extends Series {
  set(value) {
    checkNumber(value);
    this._used = true;
    if (this._handle !== 0 || this._wanted()) this._api.gauge_set(this._handle, value);
    else if (!Number.isNaN(value)) this._pending = value;
  }

  inc(value = 1) {
    checkNumber(value);
    this._used = true;
    if (this._handle !== 0 || this._wanted()) this._api.gauge_add(this._handle, value);
    else if (!Number.isNaN(value)) this._pending += value;
  }

  dec(value = 1) {
    checkNumber(value);
    this.inc(-value);
  }

  // The Unix time in seconds.
  setToCurrentTime() {
    this.set(Date.now() / 1000);
  }

  // A function that sets it to the seconds since now, and returns them.
  startTimer() {
    const seconds = stopwatch();
    return () => {
      const taken = seconds();
      this.set(taken);
      return taken;
    };
  }

  // Up by one while work() goes on, until its promise is settled; returns what it does.
  track(work) {
    this.inc();
    return around(work, () => this.dec());
  }

  _clear() {
    this._pending = 0;
  }

  _flush() {
    if (this._pending !== 0) this._api.gauge_set(this._handle, this._pending);
  }
}

// It goes up and down.
class Gauge extends Metric {
  set(labels, value) {
    if (isObject(labels)) this._table.byNames(labels).set(value);
    else this._ownSeries().set(labels);
  }

  inc(labels, value) {
    if (isObject(labels)) this._table.byNames(labels).inc(value);
    else this._ownSeries().inc(labels);
  }

  dec(labels, value) {
    if (isObject(labels)) this._table.byNames(labels).dec(value);
    else this._ownSeries().dec(labels);
  }

  setToCurrentTime(labels) {
    this._of(labels).setToCurrentTime();
  }

  // The function that it returns takes labels besides.
  startTimer(labels) {
    const seconds = stopwatch();
    return (endLabels) => {
      const taken = seconds();
      this.set({ ...labels, ...endLabels }, taken);
      return taken;
    };
  }

  // track(work), track(labels, work)
  track(labels, work) {
    return typeof labels === 'function' ? this._ownSeries().track(labels) : this._of(labels).track(work);
  }
}
Gauge.type = 'gauge';
Gauge.kind = abi.GAUGE;
Gauge.Series = GaugeSeries;

module.exports = { Gauge };
