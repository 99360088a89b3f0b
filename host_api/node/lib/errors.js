// SPDX-License-Identifier: MIT
// What goes wrong, as errors that carry the plugin's own text.
'use strict';

const abi = require('./abi');
const { Arena, readText } = require('./memory');

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

// The same for a function of the plugin that may wait: it runs on a thread of koffi.
async function checkedAsync(what, func, ...args) {
  const error = new Arena().record(abi.structs.error, {});
  const code = await new Promise((resolve, reject) => {
    func.async(...args, error.address, (failure, result) => (failure ? reject(failure) : resolve(result)));
  });
  if (code < 0) throw makeError(code, readText(error, abi.structs.error, 'text'), what);
  return code;
}

module.exports = {
  PromplugError, LoadError, ConfigError, StateError, TimedOut, InputOutputError, makeError, checked,
  checkedAsync,
};
