// SPDX-License-Identifier: MIT
// Which path the plugin answers: scrape.path of its configuration, which the ABI does not tell.
'use strict';

const { StateError } = require('./errors');
const { Scrape } = require('./scrape');

const USUAL = '/metrics';

// Learned by asking, and then compared: asking costs more than all else at a request. It is asked
// with a method that is answered with 405 where the path is the plugin's: no collector sees it, and
// the plugin counts one scrape.
class MetricsPath {
  constructor() {
    this.forget();
  }

  // The configuration was read again.
  forget() {
    this._known = null;
    this._usualWasAsked = false;
  }

  // Whether the plugin answers that path. False while it does not run.
  isOwn(plugin, path) {
    if (this._known === null) this._learn(plugin, path);
    return path === this._known;
  }

  _learn(plugin, path) {
    for (const candidate of this._usualWasAsked ? [path] : [USUAL, path]) {
      let scrape;
      try {
        scrape = Scrape.begin(plugin, { method: 'POST', path: candidate });
      } catch (error) {
        if (error instanceof StateError) return; // not running, or closed
        throw error;
      }
      if (scrape !== null) {
        scrape.end();
        this._known = candidate;
        return;
      }
      this._usualWasAsked = true;
    }
  }
}

module.exports = { MetricsPath };
