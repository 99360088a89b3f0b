// SPDX-License-Identifier: MIT
// What goes wrong, as errors that carry the plugin's own text.
'use strict';

const abi = require('./abi');
const { Arena, read, readText } = require('./memory');

// `code` is the name of the plugin's result, such as 'E_CONFIG'; undefined where there is none.
class PromplugError extends Error {
  constructor(text, code) {
    super(text);
    this.name = new.target.name;
    if (code !== undefined) this.code = code;
  }
}

// The plugin cannot be loaded: no such file, not a plugin, or of another ABI version.
class LoadError extends PromplugError {}
// File, environment or override is not acceptable; the text names source, key and value.
class ConfigError extends PromplugError {}
// Not possible in this state: not running, push is off, or in a worker thread.
class StateError extends PromplugError {}
// Not done in time; it goes on in the background.
class TimedOut extends PromplugError {}
// A port could not be bound, or a peer was not reached or refused.
class InputOutputError extends PromplugError {}

const KINDS = {
  E_CONFIG: ConfigError, E_STATE: StateError, E_FORKED: StateError, E_REENTRANT: StateError,
  E_TIMEOUT: TimedOut, E_IO: InputOutputError,
};
const NAMES = new Map(Object.entries(abi.constants).filter(([name]) => name.startsWith('E_'))
  .map(([name, number]) => [number, name]));

// The error of a failed call: `what` was tried, `text` is the plugin's (may be empty).
function makeError(code, text = '', what = '') {
  const name = NAMES.get(code) || `error ${code}`;
  const said = text || name;
  return new (KINDS[name] || PromplugError)(what ? `${what}: ${said}` : said, name);
}

// Calls call(arena, address of a promplug_error); returns what it does, or throws the error.
function checked(what, call) {
  const arena = new Arena();
  const error = arena.record(abi.structs.error, {});
  const code = call(arena, error.address);
  if (code < 0) throw makeError(code, readText(error, abi.structs.error, 'text'), what);
  return code;
}

const NOT_SET = 0xffffffff;

// A call of the plugin that may wait, on a thread of libuv's pool.
class BackgroundCall {
  constructor(what, func, ...args) {
    this._what = what;
    // Which is written last of all, on success too.
    this._error = new Arena().record(abi.structs.error, { text_len: NOT_SET });
    this._result = new Promise((resolve, reject) => {
      func.async(...args, this._error.address, (failure, code) => (
        failure ? reject(failure) : resolve(code)));
    });
  }

  // Whether it has ended; also where the loop does not turn any more.
  get done() {
    return read(this._error, abi.structs.error, 'text_len') !== NOT_SET;
  }

  // What it gives; rejects with the error.
  async result() {
    const code = await this._result;
    if (code < 0) throw makeError(code, readText(this._error, abi.structs.error, 'text'), this._what);
    return code;
  }
}

module.exports = {
  PromplugError, LoadError, ConfigError, StateError, TimedOut, InputOutputError, makeError, checked,
  BackgroundCall,
};
