// SPDX-License-Identifier: MIT
// The answer to a scrape, by the calls of the plugin that never wait.
'use strict';

const abi = require('./abi');
const { checked, makeError, StateError } = require('./errors');
const { addressIn, SCRAPE } = require('./ledger');
const { Arena, read, readPairs } = require('./memory');

const PIECE_BYTES = 65536;

// One promplug_scrape. Whoever begins it ends it.
class Scrape {
  // request: {method, path, query, headers: [[name, value], ...], mounted, needLength, timeoutMs}.
  // Null where the path is not the plugin's. Throws StateError where it does not run, PromplugError.
  static begin(plugin, request) {
    const instance = plugin.instance();
    const { ledger } = instance;
    const entry = ledger.open(SCRAPE);
    try {
      const handled = begin(instance, request, entry.out) !== abi.NOT_HANDLED;
      if (handled) return new Scrape(plugin, instance, entry);
    } catch (error) {
      ledger.close(entry);
      throw error;
    }
    ledger.close(entry);
    return null;
  }

  constructor(plugin, { api, ledger }, entry) {
    this._ready = plugin.ready;
    this._api = api;
    this._ledger = ledger;
    this._address = addressIn(entry);
    this._entry = entry;
    this._memory = new Arena(256);
    this._ready.hold();
  }

  // {status, headers: [[name, value], ...], length}; length is -1 where it is not known.
  async head() {
    const layout = abi.structs.scrape_head_info;
    const place = this._memory.record(layout, {});
    await this._step(() => this._api.scrape_head(this._address, place.address));
    return {
      status: read(place, layout, 'status'),
      headers: readPairs(read(place, layout, 'headers'), read(place, layout, 'n_headers')),
      length: read(place, layout, 'content_length'),
    };
  }

  // The next piece of the body, or null after the last. Throws where the answer broke off.
  async read() {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    this._memory.reset();
    const size = this._memory.take(8);
    const code = await this._step(() => (
      this._api.scrape_read(this._address, buffer, PIECE_BYTES, size.address)));
    if (code === abi.END) return null;
    const piece = buffer.subarray(0, size.block.getPointer(size.offset));
    // Others have the loop between two pieces. A client that takes them at once would not give it
    // up: what it has taken is told before the next turn.
    await new Promise(setImmediate);
    return piece;
  }

  // Also to cancel: what waits in head() or read() is thrown out.
  end() {
    if (this._address === 0) return;
    const address = this._address;
    this._address = 0;
    this._entry.words[this._entry.at] = 0;
    this._api.scrape_end(address);
    this._ledger.close(this._entry);
    this._ready.release();
    this._ready.nudge();
  }

  async _step(call) {
    for (;;) {
      if (this._address === 0) throw new StateError('the scrape has ended');
      const code = call();
      if (code < 0) throw makeError(code, '', 'scrape');
      if (code !== abi.AGAIN) return code;
      await this._ready.next();
    }
  }
}

// Begins it; the plugin writes its address to `out`, and later, without a callback, to the ready
// event.
function begin(instance, request, out) {
  return checked('scrape', (arena, error) => {
    const { method = 'GET', path = '/', query = '', headers = [] } = request;
    const flags = (request.mounted ? abi.REQ_MOUNTED : 0)
      | (request.needLength ? abi.REQ_NEED_LENGTH : 0);
    const record = arena.record(abi.structs.request, {
      flags, method, path, query, headers: arena.pairs(headers), n_headers: headers.length,
      timeout_ms: request.timeoutMs || 0,
    });
    return instance.api.scrape_begin(instance.address, record.address, 0, 0, out, error);
  });
}

// The whole answer, {status, headers, body}, or null where the path is not the plugin's.
async function request(plugin, options = {}) {
  const scrape = Scrape.begin(plugin, options);
  if (scrape === null) return null;
  try {
    const { status, headers } = await scrape.head();
    const pieces = [];
    for (let piece = await scrape.read(); piece !== null; piece = await scrape.read()) {
      pieces.push(piece);
    }
    return { status, headers, body: Buffer.concat(pieces) };
  } finally {
    scrape.end();
  }
}

module.exports = { Scrape, request };
