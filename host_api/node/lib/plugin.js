// SPDX-License-Identifier: MIT
// The plugin as an object: its life, its status, what can be asked of it.
'use strict';

const { isMainThread } = require('node:worker_threads');
const abi = require('./abi');
const binding = require('./binding');
const { LogSocket, ReadyEvent, WakeEvent } = require('./descriptors');
const { BackgroundCall, checked, StateError, TimedOut } = require('./errors');
const exit = require('./exit');
const handover = require('./handover');
const { Instance } = require('./instance');
const { loadLibrary } = require('./library');
const { MetricsPath } = require('./path');
const { Rounds } = require('./rounds');
const { findShared, Share } = require('./shared');
const { PluginView } = require('./view');

const TURN_MS = 2;

// One instance of the plugin, made by load().
class Plugin extends PluginView {
  constructor(api, options) {
    super(api);
    this._stopTimeoutMs = options.stopTimeoutMs === undefined ? 5000 : options.stopTimeoutMs;
    this._instance = null;
    this._share = null;
    this._control = Promise.resolve();
    this._call = null; // the one that changes it and goes on
    this.metricsPath = new MetricsPath();
    this.rounds = new Rounds(this);
    this.due = new WakeEvent(() => this.rounds.wake());
    this.ready = new ReadyEvent();
    this._log = options.logger ? new LogSocket(options.logger) : null;
    try {
      this._instance = this._create(options);
    } catch (error) {
      this._closeDescriptors();
      throw error;
    } finally {
      if (this._log !== null) this._log.handedOver();
    }
  }

  // The instance, whose `address` the functions of `api` take. Throws StateError once closed.
  instance() {
    if (this._instance === null) throw new StateError('the plugin is closed');
    return this._instance;
  }

  // The same, or null.
  openInstance() {
    return this._instance;
  }

  // ---- life -------------------------------------------------------------------------------------

  // Starts threads, listener and push; nothing if they run. After stop() it starts again.
  // Rejects with InputOutputError where something of it failed (a busy port, no libcurl); the rest
  // runs, and that part is tried again in the background.
  start() {
    return this._inTurn(() => this._change('start', this._api.start));
  }

  // The last push or DELETE, as configured, then the end of every thread; the loop goes on meanwhile.
  // Rejects with TimedOut when the time is over; it goes on ending, and stop() can be called again.
  stop({ timeoutMs = this._stopTimeoutMs } = {}) {
    return this._inTurn(() => this._stop(timeoutMs));
  }

  // Reads the configuration again. On an error (ConfigError) the old one stays.
  reload() {
    return this._inTurn(async () => {
      try {
        await this._change('reload', this._api.reload, 0);
      } finally {
        this.metricsPath.forget();
        this.rounds.forget();
        if (this._share !== null) this._share.reloaded();
      }
    });
  }

  // Stops and ends it. Its instruments count on by themselves, for the next plugin. Rejects as
  // stop(); it is closed all the same, also for a second call.
  close({ timeoutMs = this._stopTimeoutMs } = {}) {
    return this._inTurn(async () => {
      if (this._instance === null) return;
      try {
        await this._stop(timeoutMs);
      } finally {
        this._end();
      }
    });
  }

  // ---- questions, see PluginView too ------------------------------------------------------------

  status() {
    return this._instance === null ? { state: 'closed' } : super.status();
  }

  // Pushes and waits for it. Rejects with StateError (push is off), InputOutputError (refused or
  // not reached), TimedOut.
  pushNow({ application = true, forwards = false, timeoutMs = 10000 } = {}) {
    const targets = (application ? abi.PUSH_APPLICATION : 0) | (forwards ? abi.PUSH_FORWARDS : 0);
    return this._held(() => (
      new BackgroundCall('push', this._api.push_now, this.instance().address, targets, timeoutMs).result()));
  }

  // ---- inside the package -------------------------------------------------------------------------

  log(level, text) {
    if (this._log === null) process.stderr.write(`promplug: ${level} ${text}\n`);
    else this._log.say(level, text);
  }

  // Of load(): nobody else knows it yet, and start() does not wait.
  startNow() {
    try {
      checked('start', (_, error) => this._api.start(this._instance.address, error));
    } catch (error) {
      this.log('warn', `the plugin started with a problem: ${error.message}`);
    }
  }

  share() {
    this._share = new Share(this._instance, (level, text) => this.log(level, text));
  }

  // The process has nothing more to do.
  stopAtIdle() {
    if (!['running', 'stopping'].includes(this.status().state)) return;
    this.stop().catch((error) => this._notInOrder(error));
  }

  // The process ends, and the loop does not turn any more. The stop runs on another thread; here its
  // collectors are run meanwhile, as far as they need no loop.
  stopAtExit() {
    const end = Date.now() + this._stopTimeoutMs;
    handover.finish(end);
    const isOver = () => this._call === null || this._call.done;
    this._turnUntil(isOver, end);
    if (!isOver()) {
      this._notInOrder(new TimedOut('stop: another call goes on'));
    } else if (['running', 'stopping'].includes(this.status().state)) {
      const left = Math.max(end - Date.now(), 0);
      const stop = new BackgroundCall('stop', this._api.stop, this._instance.address, left);
      this._turnUntil(() => stop.done, end);
      if (this.status().state !== 'stopped') this._notInOrder(new TimedOut('stop: not done in time'));
    }
    if (this._log !== null) this._log.drain();
  }

  _turnUntil(isOver, end) {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (!isOver() && Date.now() < end) {
      this.rounds.finish();
      Atomics.wait(pause, 0, 0, TURN_MS);
    }
  }

  _notInOrder(error) {
    this.log('warn', `the plugin did not stop in good order: ${error.message}`);
  }

  _create({ config = '', overrides = {}, environment = true, listener = true, name = 'node' }) {
    const pairs = Object.entries(overrides).map(([key, value]) => [key, String(value)]);
    let address = 0;
    checked('', (arena, error) => {
      const host = arena.record(abi.structs.host, {
        name, wake_fd: this.due.fd, ready_fd: this.ready.fd,
        log_fd: this._log === null ? 0 : this._log.fd,
      });
      const options = arena.record(abi.structs.options, {
        flags: (environment ? 0 : abi.F_NO_ENV) | (listener ? 0 : abi.F_NO_LISTENER),
        config_path: String(config), overrides: arena.pairs(pairs), n_overrides: pairs.length,
      });
      const out = arena.take(8);
      const code = this._api.create(host.address, options.address, out.address, error);
      address = out.block.getPointer(out.offset);
      return code;
    });
    return new Instance(this._api, address);
  }

  _end() {
    exit.unwatch(this);
    binding.leave(this);
    const { address } = this._instance;
    this._instance = null;
    // Not done where a scrape goes on.
    const destroy = () => this._api.destroy(address);
    if (this._share === null) destroy();
    else this._share.close(destroy);
    this._closeDescriptors();
  }

  _closeDescriptors() {
    this.due.close();
    this.ready.close();
    if (this._log !== null) this._log.close();
  }

  // What was observed before it was loaded is to be in the last push.
  async _stop(timeoutMs) {
    const end = Date.now() + timeoutMs;
    await handover.finished(end);
    await this._change('stop', this._api.stop, Math.max(end - Date.now(), 0));
  }

  async _change(what, func, ...args) {
    const call = new BackgroundCall(what, func, this.instance().address, ...args);
    this._call = call;
    try {
      await call.result();
    } finally {
      this._call = null;
    }
  }

  // Start, stop, reload and close come one at a time, as the ABI wants it.
  _inTurn(action) {
    const turn = this._control.then(() => this._held(action));
    this._control = turn.catch(() => {});
    return turn;
  }

  // What it waits for may need the loop: collectors of a last push.
  async _held(action) {
    this.due.hold();
    try {
      return await action();
    } finally {
      this.due.release();
    }
  }
}

// Loads promplug.so, reads its configuration, binds the instruments made so far, and starts.
//
// plugin         path of promplug.so; else PROMPLUG_PLUGIN of the environment, else promplug.so
//                beside this package, else an installed one.
// config         path of the YAML file; else PROMPLUG_CONFIG of the environment, else none.
// overrides      keys of docs/config.md and their values; they win over file and environment.
// environment    false: do not read the environment.
// listener       false: never listen, whatever the configuration says.
// start          false: the caller calls start().
// default        whether it becomes the plugin of all instruments, collectors and middlewares that
//                name none. There is one at a time.
// stopTimeoutMs  what stop(), close() and the stop at exit wait at most, 5000 by default.
// logger         has debug(), info(), warn() and error(), as console; by default the plugin's lines
//                go to stderr.
//
// Throws LoadError or ConfigError, and then nothing has changed. What start() could not do (a busy
// port) is logged and tried again in the background.
//
// In a worker thread: gives the plugin that the process has, which counts there too. Throws
// StateError where there was none when the thread was started.
function load(options = {}) {
  if (!isMainThread) {
    const shared = binding.defaultPlugin();
    if (shared === null) {
      throw new StateError('load the plugin in the main thread before it starts worker threads');
    }
    return shared;
  }
  if (options.default !== false) binding.checkFree();
  const plugin = new Plugin(loadLibrary(options.plugin), options);
  if (options.default !== false) {
    binding.enter(plugin, (text) => plugin.log('error', text));
    plugin.share();
  }
  exit.watch(plugin);
  if (options.start !== false) plugin.startNow();
  return plugin;
}

binding.setFindShared(findShared);

module.exports = { load, Plugin };
