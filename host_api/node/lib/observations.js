// SPDX-License-Identifier: MIT
// Histogram and Summary.
'use strict';

const util = require('node:util');
const abi = require('./abi');
const { exemplarOf } = require('./exemplars');
const handover = require('./handover');
const { Metric, isObject } = require('./metric');
const { Series } = require('./series');
const { around, stopwatch } = require('./timing');

// What is observed before there is a plugin, in constant memory: of each bucket the count, the sum
// and the limits. It is handed over as so many observations of the mean, kept within what was
// observed: buckets and count are exact, the sum but for rounding.
class PendingObservations {
  constructor(bounds) {
    this._bounds = bounds;
    this._buckets = bounds.map(() => null);
    this._buckets.push(null);
  }

  observe(value) {
    let i = 0;
    while (i < this._bounds.length && value > this._bounds[i]) i += 1;
    const bucket = this._buckets[i];
    if (bucket === null) {
      this._buckets[i] = { count: 1, sum: value, lowest: value, highest: value };
      return;
    }
    bucket.count += 1;
    bucket.sum += value;
    bucket.lowest = Math.min(bucket.lowest, value);
    bucket.highest = Math.max(bucket.highest, value);
  }

  // Calls observe() so many times at most; returns how many times. What is left stays.
  handOver(most, observe) {
    let left = most;
    for (let i = 0; i < this._buckets.length && left > 0; i++) {
      const bucket = this._buckets[i];
      if (bucket === null) continue;
      const mean = Math.min(Math.max(bucket.sum / bucket.count, bucket.lowest), bucket.highest);
      const now = Math.min(bucket.count, left);
      for (let n = 0; n < now; n++) observe(mean);
      left -= now;
      bucket.count -= now;
      bucket.sum -= mean * now;
      if (bucket.count === 0) this._buckets[i] = null;
    }
    return most - left;
  }
}

class ObservedSeries extends Series {
  constructor(metric, texts) {
    super(metric, texts);
    this._handing = null; // what is on its way to the plugin
  }

  // Throws for what is no finite number.
  observe(value) {
    if (!Number.isFinite(value)) {
      throw new TypeError(`Value is not a valid number: ${util.format(value)}`);
    }
    this._used = true;
    if (this._handle !== 0 || this._wanted()) this._api.observe(this._handle, value);
    else this._keep(value);
  }

  // The same with labels of an exemplar, which is kept until the next one of its bucket.
  observeWithExemplar(value, exemplarLabels) {
    if (Number.isFinite(value) && (this._handle !== 0 || this._wanted())) {
      this._used = true;
      this._api.observe_exemplar(this._handle, value, exemplarOf(exemplarLabels));
    } else {
      this.observe(value);
    }
  }

  // A function that observes the seconds since now, and returns them.
  startTimer() {
    const seconds = stopwatch();
    return () => {
      const taken = seconds();
      this.observe(taken);
      return taken;
    };
  }

  // Observes the seconds that work() takes, until its promise is settled; returns what it does.
  time(work) {
    return around(work, this.startTimer());
  }

  // It is there, with what it has so far.
  zero() {
    this.revive();
  }

  // Of handover.js.
  handOver(most) {
    const done = this._handing.handOver(most, (value) => this._api.observe(this._handle, value));
    if (done < most) this._handing = null;
    return done;
  }

  // What was not handed over yet waits for the next plugin.
  unbind() {
    const left = this._handing;
    super.unbind();
    if (left === null) return;
    handover.remove(this);
    this._handing = null;
    this._pending = left;
  }

  isIdle(now) {
    return super.isIdle(now) && this._handing === null;
  }

  _clear() {
    this._pending = null;
  }

  _flush() {
    if (this._pending === null) return;
    this._handing = this._pending;
    handover.add(this);
  }

  _keep(value) {
    if (this._pending === null) this._pending = new PendingObservations(this._metric.bounds);
    this._pending.observe(value);
  }
}

class Observed extends Metric {
  // observe(0.2), observe({method: 'GET'}, 0.2); with enableExemplars
  // observe({labels, value, exemplarLabels}).
  observe(labels, value) {
    if (this.enableExemplars) this._observeWithExemplar(labels);
    else if (isObject(labels)) this._table.byNames(labels).observe(value);
    else this._ownSeries().observe(labels);
  }

  // A function that observes the seconds since now, and returns them; it takes labels besides.
  startTimer(labels, exemplarLabels) {
    const seconds = stopwatch();
    return (endLabels, endExemplarLabels) => {
      const taken = seconds();
      const series = this._of({ ...labels, ...endLabels });
      const exemplar = { ...exemplarLabels, ...endExemplarLabels };
      if (this.enableExemplars && Object.keys(exemplar).length > 0) {
        series.observeWithExemplar(taken, exemplar);
      } else {
        series.observe(taken);
      }
      return taken;
    };
  }

  // time(work), time(labels, work)
  time(labels, work) {
    return typeof labels === 'function' ? this._ownSeries().time(labels) : this._of(labels).time(work);
  }

  // The series with these labels is there from now on.
  zero(labels) {
    this._of(labels).zero();
  }

  _observeWithExemplar({ labels, value, exemplarLabels } = {}) {
    const series = this._of(labels);
    if (exemplarLabels === undefined) series.observe(value);
    else series.observeWithExemplar(value, exemplarLabels);
  }
}
Observed.Series = ObservedSeries;

// Observations by bucket. `buckets` are ascending upper bounds; +Inf is added. With
// nativeMaxBuckets it has native buckets too, and classic ones only where they are given.
class Histogram extends Observed {
  _configure({ buckets, nativeMaxBuckets = 0, nativeGrowth = 0 }) {
    this._native = { nativeMaxBuckets, nativeGrowth };
    const usual = nativeMaxBuckets > 0 ? [] : Histogram.defaultBuckets;
    const bounds = [...(buckets || usual)];
    if (bounds[bounds.length - 1] === Infinity) bounds.pop();
    const ascends = (bound, i) => Number.isFinite(bound) && (i === 0 || bound > bounds[i - 1]);
    if (!bounds.every(ascends)) {
      throw new Error(`buckets of ${this.name} are not ascending numbers: ${bounds.join(', ')}`);
    }
    this.bounds = bounds;
  }

  _description() {
    return { ...super._description(), buckets: this.bounds, ...this._native };
  }
}
Histogram.type = 'histogram';
Histogram.kind = abi.HISTOGRAM;
Histogram.reservedLabel = 'le';
Histogram.defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

// Count and sum of observations, and the given quantiles of the last maxAgeSeconds (600).
class Summary extends Observed {
  _configure({ percentiles, maxAgeSeconds = 0 }) {
    this.percentiles = [...(percentiles || Summary.defaultPercentiles)];
    this.bounds = [];
    this._windowSeconds = Math.ceil(maxAgeSeconds);
  }

  _description() {
    return {
      ...super._description(), quantiles: this.percentiles, windowSeconds: this._windowSeconds,
    };
  }
}
Summary.type = 'summary';
Summary.kind = abi.SUMMARY;
Summary.reservedLabel = 'quantile';
Summary.defaultPercentiles = [0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999];

module.exports = { Histogram, Summary };
