// SPDX-License-Identifier: MIT
// Info and StateSet, which prom-client does not have.
'use strict';

const abi = require('./abi');
const { Metric } = require('./metric');
const { Series } = require('./series');

class StateSetSeries extends Series {
  // It is in that state now, and in no other. Throws for one that is not of the list.
  state(name) {
    const index = this._metric.states.indexOf(name);
    if (index < 0) throw new Error(`${name} is none of the states ${this._metric.states.join(', ')}`);
    const before = this._index;
    this._index = index;
    if (this._handle === 0 && !this._wanted()) return;
    this._api.state_set(this._handle, index, 1);
    if (before !== index) this._api.state_set(this._handle, before, 0);
  }

  // Which state it is in is known here alone.
  isIdle() {
    return false;
  }

  _clear() {
    // What it shows outlasts a plugin.
    if (this._index === undefined) this._index = 0;
  }

  _flush() {
    this._api.state_set(this._handle, this._index, 1);
  }
}

// Which one of `states` is true: the first, until state() says another.
class StateSet extends Metric {
  // state('busy'), state({queue: 'mail'}, 'busy')
  state(labels, name) {
    if (name === undefined) this._ownSeries().state(labels);
    else this._of(labels).state(name);
  }

  _configure({ states = [] }) {
    if (states.length === 0) throw new Error(`No states of ${this.name} are given`);
    this.states = [...states];
  }

  _description() {
    return { ...super._description(), states: this.states };
  }
}
StateSet.type = 'stateset';
StateSet.kind = abi.STATESET;
StateSet.Series = StateSetSeries;

class InfoSeries extends Series {
  // There are no updates.
  isIdle() {
    return false;
  }
}

// Texts as labels of a series that is always 1, exposed as NAME_info. The names of the labels are
// given at the start, their values by set().
class Info extends Metric {
  // Shows these texts instead of those of the last call.
  set(texts) {
    const shown = this._table.byNames(texts);
    if (shown === this._shown) return;
    if (this._shown !== null) this._drop(this._shown);
    shown.revive();
    this._shown = shown;
  }

  _configure() {
    this._shown = null;
    if (this.labelNames.length === 0) throw new Error(`No labelNames of ${this.name} are given`);
  }
}
Info.type = 'info';
Info.kind = abi.INFO;
Info.Series = InfoSeries;

module.exports = { StateSet, Info };
