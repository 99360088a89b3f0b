// SPDX-License-Identifier: MIT
// What is asked at each scrape and push: collectors in JavaScript.
//
// They run on the event loop, never twice at once, and may be asynchronous. Since the plugin's
// callback cannot wait for a promise, each is asked first, and what it said is written when the
// plugin calls (rounds.js). One that throws or hangs costs its own part of the scrape only; the log
// and the promplug_collector_* metrics tell of it.
'use strict';

const koffi = require('koffi');
const abi = require('./abi');
const binding = require('./binding');
const { checked, StateError } = require('./errors');
const { GivenUp, Writer, writeFamilies } = require('./families');

// By the number that the plugin is given as `user`: a call that comes late finds nothing instead of
// something else.
const byNumber = new Map();
let lastNumber = 0;
let entry = 0n;

function entryAddress() {
  if (entry === 0n) {
    const [result, ...args] = abi.collectSignature;
    const call = (user, writer) => {
      const collector = byNumber.get(Number(user));
      return collector === undefined ? abi.E_CANCELLED : collector.write(Number(writer));
    };
    entry = koffi.register(call, koffi.pointer(koffi.proto(result, args)));
  }
  return Number(entry);
}

// What a source is asked by: a function, prom-client's registry or metric, or has collect().
function askOf(source) {
  if (typeof source === 'function') return source;
  for (const method of ['collect', 'getMetricsAsJSON', 'get']) {
    if (source && typeof source[method] === 'function') return () => source[method]();
  }
  throw new TypeError('a collector is a function, a registry of prom-client, or has collect()');
}

class Collector {
  constructor(name, source, { timeoutMs = 0, minIntervalMs = 0, oneProcess = false } = {}) {
    this.name = name;
    this.timeoutMs = timeoutMs;
    this._ask = askOf(source);
    this._minIntervalMs = minIntervalMs;
    this._flags = abi.COLLECT_ON_LOOP | (oneProcess ? abi.COLLECT_ONE_PROCESS : 0);
    this._target = null;
    this._plugin = null;
    this._number = 0;
    this._said = null;   // families
    this._saidAt = -Infinity;
    this._error = null;
    this._fresh = false; // it was asked for the run to come
    this._asked = null;  // the promise of a run that goes on
    this._failing = '';
  }

  toString() {
    return `collector ${this.name}`;
  }

  // Registers it with `plugin`, or the default one (null), now or when that is loaded.
  attach(plugin = null) {
    binding.attach(this, plugin);
    this._target = plugin;
  }

  // It is not asked from now on.
  unregister() {
    binding.detach(this, this._target);
    const plugin = this._plugin;
    if (plugin === null) return;
    const { api, address } = plugin.instance();
    checked(`unregister ${this.name}`, (_, error) => (
      api.unregister(address, this._registration, 0, error)));
    this.unbind();
  }

  bind(plugin) {
    if (this._plugin !== null) return;
    if (plugin.rounds === undefined) {
      throw new StateError(`${this}: collectors run in the thread that loaded the plugin`);
    }
    lastNumber += 1;
    const number = lastNumber;
    const { api, address } = plugin.instance();
    byNumber.set(number, this);
    try {
      checked(String(this), (arena, error) => {
        const out = arena.take(8);
        const record = arena.record(abi.structs.collector, {
          flags: this._flags, name: this.name, collect: entryAddress(), user: number,
          timeout_ms: this.timeoutMs, min_interval_ms: this._minIntervalMs,
        });
        const code = api.register_collector(address, record.address, out.address, error);
        this._registration = out.block.getPointer(out.offset);
        return code;
      });
    } catch (error) {
      byNumber.delete(number);
      throw error;
    }
    this._plugin = plugin;
    this._number = number;
    plugin.rounds.add(this);
  }

  unbind() {
    if (this._plugin === null) return;
    byNumber.delete(this._number);
    this._plugin.rounds.remove(this);
    this._plugin = null;
  }

  // It has to be asked for the next run.
  expire() {
    this._fresh = false;
  }

  // Asks the source. Returns a promise where it is not done yet; null where it is, where an earlier
  // run goes on, or where the last output is new enough.
  prepare() {
    if (this._fresh || this._asked !== null) return null;
    if (Date.now() - this._saidAt < this._minIntervalMs) return null;
    this._fresh = true;
    let said;
    try {
      said = this._ask();
      if (said === null || said === undefined || typeof said.then !== 'function') {
        this._hasSaid(said);
        return null;
      }
    } catch (error) {
      this._failed(error);
      return null;
    }
    this._asked = Promise.resolve(said)
      .then((families) => this._hasSaid(families))
      .catch((error) => this._failed(error))
      .finally(() => { this._asked = null; });
    return this._asked;
  }

  // Called by the plugin inside run_pending().
  write(address) {
    try {
      const writer = new Writer(address);
      this._plugin.rounds.learn(this, writer.timeLeftMs());
      this.prepare();
      this._fresh = false;
      if (this._asked !== null && !this._plugin.rounds.ending) throw new Error('it is not done yet');
      if (this._error !== null) throw this._error;
      writeFamilies(writer, this._said || []);
    } catch (error) {
      // The plugin tells of what it has given up itself.
      if (error instanceof GivenUp) return error.result;
      this._tell(error);
      return abi.E_CANCELLED;
    }
    this._failing = '';
    return abi.OK;
  }

  _hasSaid(families) {
    this._said = families === null || families === undefined ? [] : listOf(families);
    this._saidAt = Date.now();
    this._error = null;
  }

  _failed(error) {
    this._error = error instanceof Error ? error : new Error(String(error));
  }

  // Once, until it fails in another way.
  _tell(error) {
    const text = `${error.name}: ${error.message}`;
    if (text === this._failing) return;
    this._failing = text;
    this._plugin.log('error', `${this} failed: ${error.stack || text}`);
  }
}

// One family, or something that gives families.
function listOf(families) {
  if (typeof families !== 'object') throw new TypeError(`${families} is no list of families`);
  return typeof families[Symbol.iterator] === 'function' ? [...families] : [families];
}

// Has `source` asked at each scrape and push; it may be called before load().
//
// name    label value in promplug_collector_*; distinct.
// source  a function that returns or resolves to families, an object with such a function
//         collect(), or a registry or metric of prom-client. A family is what prom-client's
//         getMetricsAsJSON() gives: {name, type, help, values: [{labels, value}, ...]}, and
//         `aggregator`, of several workers that are one instance.
// options timeoutMs       0: collectors.timeout_seconds of the configuration
//         minIntervalMs   for which the last output is used again
//         oneProcess      of many workers that are one instance, only the leader asks it
//         plugin          by default the one that load() made, now or when it is loaded
//
// Throws PromplugError where the plugin refuses it, such as a name that is taken.
function registerCollector(name, source, options = {}) {
  const collector = new Collector(name, source, options);
  collector.attach(options.plugin || null);
  return collector;
}

// Exposes everything in that registry of prom-client, unchanged: existing instrumentation is kept.
// Its process_* are left to the plugin, unless processMetrics is true.
function bridge(registry, options = {}) {
  if (!registry || typeof registry.getMetricsAsJSON !== 'function') {
    throw new TypeError('expected a registry of prom-client, such as require("prom-client").register');
  }
  const { name = 'prom-client', processMetrics = false } = options;
  const source = async () => {
    const families = await registry.getMetricsAsJSON();
    return processMetrics ? families : families.filter((f) => !f.name.startsWith('process_'));
  };
  return registerCollector(name, source, options);
}

module.exports = { Collector, registerCollector, bridge };
