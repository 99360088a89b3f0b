// SPDX-License-Identifier: MIT
// What any thread can ask of a plugin.
'use strict';

const { PromplugError } = require('./errors');
const { readExposition } = require('./exposition');
const { Arena } = require('./memory');
const { request } = require('./scrape');
const { readStatus } = require('./status');

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const ERROR_BYTES = 4096;

// Has instance(), and for scrapes `ready`, `metricsPath` and log().
class PluginView {
  constructor(api) {
    this._api = api;
    this.contentType = CONTENT_TYPE;
    this.items = new Set();
  }

  get version() {
    return this._api.version;
  }

  // The functions of promplug.h, for what this package has no words for.
  get api() {
    return this._api;
  }

  // {state, listening, pushing, ..., listenPort, scrapes, ..., lastPushMs}; times are Unix
  // milliseconds, 0 for never. Never waits.
  status() {
    return readStatus(this.instance());
  }

  // The last failure in the background; empty where there was none.
  lastError() {
    const { address } = this.instance();
    const place = new Arena(2 * ERROR_BYTES).take(ERROR_BYTES);
    const size = Number(this._api.last_error(address, place.address, ERROR_BYTES));
    const end = place.offset + Math.min(size, ERROR_BYTES - 1);
    return place.block.buffer.toString('utf8', place.offset, end);
  }

  // All metrics as text, as register.metrics() of prom-client.
  // Rejects with StateError where it does not run, PromplugError where it refuses.
  metrics() {
    return this._text('');
  }

  // The same as prom-client's register.getMetricsAsJSON(); of these families, or all.
  async getMetricsAsJSON(names = []) {
    const query = names.map((name) => `name[]=${encodeURIComponent(name)}`).join('&');
    return readExposition(await this._text(query));
  }

  // Its answer, {status, headers: [[name, value], ...], body: Buffer}, or null where the path is not
  // its own. options: method, path, query, headers, timeoutMs, and mounted: do not compare the path.
  request(options) {
    return request(this, options);
  }

  async _text(query) {
    const { status, body } = await this.request({ mounted: true, query });
    const text = body.toString('utf8');
    if (status !== 200) throw new PromplugError(`scrape: ${status} ${text.trim()}`);
    return text;
  }
}

module.exports = { PluginView, CONTENT_TYPE };
