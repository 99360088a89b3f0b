// SPDX-License-Identifier: MIT
// One series of an instrument.
'use strict';

// A series without updates for so long is given up when others come.
const IDLE_MS = 300000;

// Before a plugin is loaded it counts by itself; what it counted goes over when it is.
// One that was removed counts on in a series that begins from zero, when it is used again; one that
// was given up goes on where it was. One that the plugin has no room for counts for nothing, and
// asks again with each update.
class Series {
  constructor(metric, texts) {
    this.texts = texts;
    this.kept = true;
    this.ways = []; // of SeriesTable
    this._metric = metric;
    this._instance = null;
    this._api = null;
    this._handle = 0; // 0: not in a plugin
    this._pinned = null;
    this._away = false; // out of the table
    this._used = false; // since the last look
    this._usedAt = Date.now();
    this._clear();
  }

  // ---- for the kinds of series --------------------------------------------------------------

  // Nothing is counted by itself.
  _clear() {}

  // Hands over what was counted by itself; the handle is set.
  _flush() {}

  // The handle goes: back to counting by itself, from zero.
  _letGo() {}

  // Whether it was updated since the last call.
  _wasUsed() {
    const used = this._used;
    this._used = false;
    return used;
  }

  // ---- inside ---------------------------------------------------------------------------------

  bind(instance, family) {
    this._pinned = instance.series(family, this.texts);
    this.kept = this._pinned !== null;
    this._away = !this.kept;
    if (this.kept) {
      this._instance = instance;
      this._api = instance.api;
      this._handle = this._pinned.handle;
      this._flush();
    }
    this._clear();
  }

  // The instance is about to end, with all that it has.
  unbind() {
    this._letGo();
    this._handle = 0;
    this._clear();
  }

  // The series is exposed no more.
  leave() {
    if (this._handle !== 0) {
      const handle = this._handle;
      this._letGo();
      this._api.metric_remove(handle);
    }
    this.giveUp();
    this._clear();
  }

  // Gives the plugin back what it pinned. What it counted stays.
  giveUp() {
    if (this._handle !== 0) {
      this.unbind();
      this._instance.release(this._pinned);
    }
    this._away = true;
  }

  // Whether nothing has come for long, and the plugin has all that did.
  isIdle(now) {
    if (this._wasUsed()) this._usedAt = now;
    return this._handle !== 0 && now - this._usedAt >= IDLE_MS;
  }

  // It is in the table again, where it was not.
  revive() {
    if (!this._away) return;
    this._away = false;
    this.kept = true;
    this._usedAt = Date.now();
    this._clear();
    this._metric.takeBack(this);
  }

  // Called before an update where there is no handle. True: there is one now.
  _wanted() {
    this.revive();
    return this._handle !== 0;
  }
}

module.exports = { Series };
