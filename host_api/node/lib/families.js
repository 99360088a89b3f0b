// SPDX-License-Identifier: MIT
// Families as JavaScript says them, in the form of prom-client's getMetricsAsJSON(), given to the
// plugin's writer.
'use strict';

const koffi = require('koffi');
const abi = require('./abi');
const { nearestModeOf } = require('./aggregators');
const { makeError, PromplugError } = require('./errors');
const { Arena } = require('./memory');

const KINDS = {
  counter: abi.COUNTER, gauge: abi.GAUGE, histogram: abi.HISTOGRAM, summary: abi.SUMMARY,
  unknown: abi.UNTYPED, untyped: abi.UNTYPED, info: abi.INFO, stateset: abi.STATESET,
  gaugehistogram: abi.GAUGE_HISTOGRAM,
};
const PART_LABELS = { histogram: 'le', gaugehistogram: 'le', summary: 'quantile' };

const arena = new Arena(1 << 16);
const functions = new Map();

// The plugin takes no more of this run: it is too late, or too large.
class GivenUp extends Error {
  constructor(code) {
    super(makeError(code).message);
    this.result = code;
  }
}

// The functions of a promplug_writer, which are the same ones each time.
class Writer {
  constructor(address) {
    this._address = address;
    for (const name of Object.keys(abi.writerSignatures)) {
      this['_' + name] = functionAt(address, name);
    }
  }

  // False: refused as not valid. Throws GivenUp.
  family(head) {
    arena.reset();
    return taken(this._family(this._address, arena.record(abi.structs.family_head, head).address));
  }

  // `make(arena)` gives the fields of a promplug_point.
  point(make) {
    arena.reset();
    return taken(this._point(this._address, arena.record(abi.structs.point, make(arena)).address));
  }

  sample(pairs, value) {
    arena.reset();
    return taken(this._sample(this._address, arena.pairs(pairs), pairs.length, value));
  }

  timeLeftMs() {
    return Number(this._time_left_ms(this._address));
  }
}

function functionAt(writer, name) {
  const { offset } = abi.structs.writer.fields[name];
  const address = koffi.decode.uint64(BigInt(writer) + BigInt(offset));
  const known = `${name} ${address}`;
  if (!functions.has(known)) {
    const [result, ...args] = abi.writerSignatures[name];
    functions.set(known, koffi.decode(BigInt(address), koffi.proto(result, args)));
  }
  return functions.get(known);
}

function taken(code) {
  if (code < 0 && code !== abi.E_INVAL) throw new GivenUp(code);
  return code === abi.OK;
}

// Writes each of {name, type, help, unit, aggregator,
// values: [{labels, value, metricName, exemplar, timestamp}]}.
// A family or series that the plugin refuses as not valid is left out, which the plugin counts.
// Throws GivenUp, and an Error for a type or aggregator that is not known.
function writeFamilies(writer, families) {
  for (const family of families) {
    const { name, type = 'gauge', help = '', unit = '', values = [] } = family;
    if (!Object.hasOwn(KINDS, type)) {
      throw new PromplugError(`family ${name} is of no known type: ${type}`);
    }
    const head = {
      type: KINDS[type], name: String(name), help: String(help), unit: String(unit),
      process_mode: nearestModeOf(name, family.aggregator),
    };
    if (!writer.family(head)) continue;
    if (Object.hasOwn(PART_LABELS, type)) writeParts(writer, type, values);
    else writeValues(writer, values);
  }
}

// Families of which each sample is a series.
function writeValues(writer, values) {
  for (const { labels, value, timestamp, exemplar } of values) {
    const pairs = pairsOf(labels);
    if (!timestamp && !exemplar) {
      writer.sample(pairs, Number(value));
      continue;
    }
    writer.point((memory) => ({
      ...placed(memory, pairs, timestamp), value: Number(value),
      ...exemplarFields(memory, exemplar ? [exemplar] : []),
    }));
  }
}

// Families of which several samples are one series: buckets or quantiles, sum and count.
function writeParts(writer, type, values) {
  const series = new Map();
  for (const sample of values) {
    const pairs = pairsOf(sample.labels).filter(([name]) => name !== PART_LABELS[type]);
    const key = JSON.stringify(pairs);
    if (!series.has(key)) series.set(key, new Parts(type, pairs));
    series.get(key).add(sample);
  }
  for (const parts of series.values()) parts.write(writer);
}

class Parts {
  constructor(type, pairs) {
    this._type = type;
    this._pairs = pairs;
    this._parts = [];
    this._exemplars = [];
  }

  add({ labels = {}, value, metricName = '', timestamp, exemplar }) {
    const part = labels[PART_LABELS[this._type]];
    this._timestamp = this._timestamp || timestamp;
    if (part !== undefined) {
      this._parts.push([part === '+Inf' ? Infinity : Number(part), Number(value)]);
      if (exemplar) this._exemplars.push(exemplar);
    } else if (metricName.endsWith('count')) {
      this._count = Number(value);
    } else if (metricName.endsWith('sum')) {
      this._sum = Number(value);
    }
  }

  write(writer) {
    this._parts.sort(([a], [b]) => a - b);
    const last = this._parts[this._parts.length - 1];
    if (this._count === undefined && last !== undefined && last[0] === Infinity) this._count = last[1];
    const finite = this._parts.filter(([bound]) => bound !== Infinity);
    const bounds = finite.map(([bound]) => bound);
    const amounts = finite.map(([, value]) => value);
    writer.point((memory) => {
      const point = placed(memory, this._pairs, this._timestamp);
      point.count = this._count || 0;
      if (this._sum === undefined) point.flags |= abi.POINT_NO_SUM;
      else point.sum = this._sum;
      return { ...point, ...this._partFields(memory, bounds, amounts) };
    });
  }

  _partFields(memory, bounds, amounts) {
    if (this._type === 'summary') {
      return {
        quantiles: memory.doubles(bounds), quantile_values: memory.doubles(amounts),
        n_quantiles: bounds.length,
      };
    }
    return {
      bounds: memory.doubles(bounds), cumulative_counts: memory.counts(amounts),
      n_bounds: bounds.length, ...exemplarFields(memory, this._exemplars),
    };
  }
}

function pairsOf(labels) {
  const pairs = [];
  for (const name in labels) {
    const value = labels[name];
    pairs.push([name, typeof value === 'string' ? value : String(value)]);
  }
  return pairs;
}

// timestamp: Unix milliseconds.
function placed(memory, pairs, timestamp) {
  const fields = { flags: 0, labels: memory.pairs(pairs), n_labels: pairs.length };
  if (timestamp) {
    fields.flags |= abi.POINT_TIMESTAMP;
    fields.unix_ms = timestamp;
  }
  return fields;
}

// Of prom-client's exemplars: {labelSet, value, timestamp in seconds}.
function exemplarFields(memory, exemplars) {
  if (exemplars.length === 0) return {};
  const layout = abi.structs.exemplar;
  const given = exemplars.map(({ labelSet, value, timestamp = 0 }) => {
    const pairs = pairsOf(labelSet);
    return { labels: memory.pairs(pairs), n_labels: pairs.length, value: Number(value),
             unix_ms: timestamp * 1000 };
  });
  const array = memory.take(layout.size * given.length);
  given.forEach((fields, i) => {
    memory.fill({ block: array.block, offset: array.offset + i * layout.size }, layout, fields);
  });
  return { exemplars: array.address, n_exemplars: given.length };
}

module.exports = { Writer, writeFamilies, GivenUp };
