// SPDX-License-Identifier: MIT
// What the server reads from its own file; README.md describes the keys.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

// FILE:LINE: what is wrong and what is expected.
class HostConfigError extends Error {}

const DEFAULTS = {
  listen: { host: '127.0.0.1', port: 8000 }, // port 0: any free one
  plugin: '',       // empty: no metrics
  pluginConfig: '', // empty: none
  slowMs: 250,
  stopTimeoutMs: 5000,
};

const MOST_MS = 3600000;

function numberIn(text, highest, expected) {
  if (!/^[0-9]+$/.test(text) || Number(text) > highest) throw new Error(expected);
  return Number(text);
}

function address(value) {
  const colon = value.lastIndexOf(':');
  if (colon < 1) throw new Error('HOST:PORT');
  const host = value.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host, port: numberIn(value.slice(colon + 1), 65535, 'HOST:PORT') };
}

function file(value, directory) {
  if (value === '') throw new Error('a path');
  return path.resolve(directory, value);
}

function milliseconds(value) {
  return numberIn(value, MOST_MS, `milliseconds, 0 to ${MOST_MS}`);
}

// By key: the name in the configuration, and how its text is read. It throws what is expected.
const KEYS = {
  listen: ['listen', address],
  plugin: ['plugin', file],
  plugin_config: ['pluginConfig', file],
  slow_ms: ['slowMs', milliseconds],
  stop_timeout_ms: ['stopTimeoutMs', milliseconds],
};

function readLine(line, config, directory) {
  const equals = line.indexOf('=');
  if (equals < 0) throw new HostConfigError('expected KEY = VALUE');
  const key = line.slice(0, equals).trim();
  const value = line.slice(equals + 1).trim();
  try {
    if (!Object.hasOwn(KEYS, key)) throw new Error(`one of ${Object.keys(KEYS).join(', ')}`);
    const [name, read] = KEYS[key];
    config[name] = read(value, directory);
  } catch (expected) {
    throw new HostConfigError(`${key} = ${value}: expected ${expected.message}`);
  }
}

// The configuration in that file, or the defaults where it is undefined. Throws HostConfigError.
function loadHostConfig(name) {
  const config = { ...DEFAULTS };
  if (name === undefined) return config;
  let text;
  try {
    text = fs.readFileSync(name, 'utf8');
  } catch {
    throw new HostConfigError(`${name}: cannot be read`);
  }
  text.split('\n').forEach((line, i) => {
    const said = line.split('#')[0].trim();
    if (said === '') return;
    try {
      readLine(said, config, path.dirname(path.resolve(name)));
    } catch (error) {
      throw new HostConfigError(`${name}:${i + 1}: ${error.message}`);
    }
  });
  return config;
}

module.exports = { loadHostConfig, HostConfigError };
