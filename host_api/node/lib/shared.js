// SPDX-License-Identifier: MIT
// One instance for all threads of a process: the thread that loads the plugin shares it with the
// worker threads that are started from then on. They count straight into it and answer scrapes,
// without a message. Its life (start, stop, reload, push) and collectors
// stay with the first thread.
//
// The instance may not end under a thread that uses it. So a thread that takes it says so on a
// channel, with its ledger, before it looks whether it is closed, and the owner closes it before it
// reads the channel.
'use strict';

const { randomUUID } = require('node:crypto');
const {
  BroadcastChannel, getEnvironmentData, isMainThread, receiveMessageOnPort, setEnvironmentData,
} = require('node:worker_threads');
const { StateError } = require('./errors');
const handover = require('./handover');
const { Instance } = require('./instance');
const { Ledger, settle } = require('./ledger');
const { loadLibrary } = require('./library');
const { MetricsPath } = require('./path');
const { ReadyTimer } = require('./ready_timer');
const { isGone, thisThread } = require('./thread');
const { PluginView } = require('./view');

const KEY = 'promplug.instance';
// Numbers in memory of all threads.
const CLOSED = 0;
const RELOADS = 1;

// Says something to the owner. The channel is open for no longer: what others say would be read here.
function tell(name, message) {
  const channel = new BroadcastChannel(name);
  channel.postMessage(message);
  channel.close();
}

// Calls ended() at the end of each worker that this thread starts.
function watchWorkers(ended) {
  const watch = (worker) => worker.once('exit', ended);
  process.on('worker', watch);
  return () => process.off('worker', watch);
}

// What the owner has of it.
class Share {
  // log(level, text) takes what other threads have to say.
  constructor(instance, log) {
    this._api = instance.api;
    this._log = log;
    this._held = []; // {thread, page}, of all that use it
    this._end = null;
    this._numbers = new Int32Array(new SharedArrayBuffer(8));
    const name = `promplug ${randomUUID()}`;
    this._channel = new BroadcastChannel(name);
    this._channel.onmessage = ({ data }) => {
      this._heard(data);
      this._sweep();
    };
    this._channel.unref();
    this._unwatch = watchWorkers(() => this._sweep());
    setEnvironmentData(KEY, {
      path: this._api.path, address: instance.address, numbers: this._numbers, name,
    });
  }

  // The configuration was read again.
  reloaded() {
    Atomics.add(this._numbers, RELOADS, 1);
  }

  // No other thread takes it from now on. end() is called when none uses it: now, or later.
  close(end) {
    if (getEnvironmentData(KEY).numbers === this._numbers) setEnvironmentData(KEY, undefined);
    Atomics.store(this._numbers, CLOSED, 1);
    this._end = end;
    this._sweep();
  }

  _heard({ thread, page, log }) {
    if (page !== undefined) this._held.push({ thread, page });
    if (log !== undefined) this._log(...log);
  }

  // Gives back what threads held that are gone.
  _sweep() {
    for (let said = this._next(); said !== undefined; said = this._next()) this._heard(said.message);
    const gone = this._held.filter(({ thread }) => isGone(thread));
    this._held = this._held.filter((each) => !gone.includes(each));
    for (const { page } of gone) settle(this._api, page);
    if (this._end === null || this._held.length > 0) return;
    const end = this._end;
    this._end = null;
    this._unwatch();
    this._channel.close();
    end();
  }

  _next() {
    return receiveMessageOnPort(this._channel);
  }
}

// The plugin as a worker thread sees it.
class SharedPlugin extends PluginView {
  constructor({ path, address, numbers, name }) {
    const api = loadLibrary(path);
    super(api);
    const thread = thisThread();
    const ledger = new Ledger((page) => tell(name, { thread, page }));
    this._instance = new Instance(api, address, ledger);
    this._name = name;
    this._numbers = numbers;
    this._path = new MetricsPath();
    this._reloads = Atomics.load(numbers, RELOADS);
    this.ready = new ReadyTimer();
    watchWorkers(() => tell(name, {}));
    process.once('exit', () => handover.finish(Infinity));
  }

  instance() {
    return this._instance;
  }

  get metricsPath() {
    const reloads = Atomics.load(this._numbers, RELOADS);
    if (reloads !== this._reloads) this._path.forget();
    this._reloads = reloads;
    return this._path;
  }

  // Where the plugin's own lines go.
  log(level, text) {
    tell(this._name, { log: [level, text] });
  }
}

for (const method of ['start', 'stop', 'reload', 'close', 'pushNow']) {
  SharedPlugin.prototype[method] = function belongsElsewhere() {
    throw new StateError(`${method}() is for the thread that loaded the plugin`);
  };
}

let found = null;

// The plugin that the process shares with this thread, or null.
function findShared() {
  if (isMainThread || found !== null) return found;
  const shared = getEnvironmentData(KEY);
  if (shared === undefined) return null;
  const isClosed = () => Atomics.load(shared.numbers, CLOSED) === 1;
  if (isClosed()) return null;
  const plugin = new SharedPlugin(shared);
  if (!isClosed()) found = plugin;
  return found;
}

module.exports = { Share, findShared };
