// SPDX-License-Identifier: MIT
// Loads promplug.so and types the functions of its table.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const koffi = require('koffi');
const abi = require('./abi');
const { LoadError, makeError } = require('./errors');
const { Arena, read, readText } = require('./memory');

const PATH_VARIABLE = 'PROMPLUG_PLUGIN';
const MACHINES = { x64: 'x86_64', arm64: 'aarch64' };

// The path in PROMPLUG_PLUGIN, else promplug.so beside this package, else an installed one.
// Throws LoadError where there is none.
function findPlugin() {
  const named = process.env[PATH_VARIABLE];
  if (named) return named;
  const machine = MACHINES[process.arch] || process.arch;
  const candidates = [path.join(__dirname, '..', 'promplug.so')];
  for (const prefix of ['/usr/local', '/usr']) {
    for (const folder of ['lib', 'lib64', `lib/${machine}-linux-gnu`]) {
      candidates.push(path.join(prefix, folder, 'promplug', 'promplug.so'));
    }
  }
  const found = candidates.find((candidate) => fs.existsSync(candidate));
  if (found === undefined) {
    throw new LoadError(`no promplug.so: give its path, or set ${PATH_VARIABLE}`);
  }
  return found;
}

// The functions of one promplug.so under their names in promplug.h. Each has .async too.
class Api {
  constructor(table, file) {
    this.path = file;
    this.version = koffi.decode.string(koffi.decode.uint64(table + 16n));
    Object.entries(abi.signatures).forEach(([name, [result, ...args]], i) => {
      const address = koffi.decode.uint64(table + BigInt(abi.TABLE_FUNCTIONS_OFFSET + 8 * i));
      this[name] = koffi.decode(BigInt(address), koffi.proto(result, args));
    });
  }
}

const loaded = new Map();

// The plugin at that path, or where findPlugin() finds one. Throws LoadError.
// It is never unloaded; loading it again gives the same one.
function loadLibrary(file) {
  // With a slash in it, so that nothing is searched for.
  const absolute = path.resolve(file || findPlugin());
  if (!loaded.has(absolute)) loaded.set(absolute, open(absolute));
  return loaded.get(absolute);
}

function open(absolute) {
  let entry;
  try {
    entry = koffi.load(absolute).func(abi.ENTRY_NAME, 'void *', ['uint64']);
  } catch (error) {
    const text = error.message.includes(absolute) ? error.message : `${absolute}: ${error.message}`;
    throw new LoadError(text);
  }
  const layout = abi.structs.handshake;
  const hands = new Arena().record(layout, { abi_major: abi.ABI_MAJOR, abi_minor: abi.ABI_MINOR });
  const table = entry(hands.address);
  if (table === null) {
    const refused = makeError(read(hands, layout, 'result'));
    throw new LoadError(`${absolute}: ${readText(hands, layout, 'text')}`, refused.code);
  }
  const size = abi.TABLE_FUNCTIONS_OFFSET + 8 * Object.keys(abi.signatures).length;
  if (koffi.decode.uint32(table) < size) {
    throw new LoadError(`${absolute}: its table of functions is shorter than expected`);
  }
  return new Api(table, absolute);
}

module.exports = { loadLibrary };
