// SPDX-License-Identifier: MIT
// An instance of the plugin, and what is made in it.
'use strict';

const abi = require('./abi');
const { checked } = require('./errors');
const { addressIn, NoLedger, SERIES } = require('./ledger');
const { Arena, read } = require('./memory');

// One for the calls of this thread that return at once.
const scratch = new Arena();

class Instance {
  // `address` is that of a promplug_instance; the ledger of a worker thread has what it holds in it.
  constructor(api, address, ledger = null) {
    this.api = api;
    this.address = address;
    this.ledger = ledger || new NoLedger();
    // koffi ends the process where a thread is terminated in the call that makes a view of memory.
    this._hasCells = ledger === null;
  }

  // The address of the family of that description, found or made. Throws PromplugError.
  //   {type, name, help, unit, labelNames, buckets, quantiles, windowSeconds, maxSeries, states,
  //    mode, nativeMaxBuckets, nativeGrowth}
  family(what) {
    let address = 0;
    checked(what.name, (arena, error) => {
      const desc = arena.record(abi.structs.family_desc, {
        type: what.type, name: what.name, help: what.help, unit: what.unit || '',
        label_names: arena.texts(what.labelNames), n_label_names: what.labelNames.length,
        buckets: arena.doubles(what.buckets || []), n_buckets: (what.buckets || []).length,
        quantiles: arena.doubles(what.quantiles || []),
        n_quantiles: (what.quantiles || []).length,
        summary_window_seconds: what.windowSeconds || 0, max_series: what.maxSeries || 0,
        states: arena.texts(what.states || []), n_states: (what.states || []).length,
        process_mode: what.mode || 0, native_max_buckets: what.nativeMaxBuckets || 0,
        native_growth: what.nativeGrowth || 0,
      });
      const out = arena.take(8);
      const code = this.api.family(this.address, desc.address, out.address, error);
      if (code >= 0) address = out.block.getPointer(out.offset);
      return code;
    });
    return address;
  }

  // The series with these label values (strings): {handle, entry}, or null over a limit, of which the
  // plugin's own metrics tell.
  series(family, values) {
    scratch.reset();
    const entry = this.ledger.open(SERIES);
    const code = this.api.metric(family, scratch.texts(values), values.length, entry.out, 0);
    if (code === abi.OK) return { handle: addressIn(entry), entry };
    this.ledger.close(entry);
    return null;
  }

  // The series is not used any more.
  release({ handle, entry }) {
    entry.words[entry.at] = 0;
    this.api.metric_release(handle);
    this.ledger.close(entry);
  }

  // Such a series is exposed no more.
  removeSeries(family, values) {
    const series = this.series(family, values);
    if (series === null) return;
    this.api.metric_remove(series.handle);
    this.release(series);
  }

  // No series of that family is exposed any more.
  removeAll(family) {
    this.api.remove_matching(family, 0, 0, 0);
  }

  // The address of a cell of that counter, for this thread alone; 0 where there is none.
  cell(handle) {
    if (!this._hasCells) return 0;
    scratch.reset();
    const out = scratch.take(8);
    const code = this.api.counter_cell(handle, abi.CELL_EXCLUSIVE, out.address, 0);
    return code === abi.OK ? out.block.getPointer(out.offset) : 0;
  }

  // promplug_status as an object with the names of the header.
  status() {
    scratch.reset();
    const layout = abi.structs.status;
    const place = scratch.record(layout, {});
    checked('status', () => this.api.status(this.address, place.address));
    const fields = {};
    for (const name of Object.keys(layout.fields)) fields[name] = read(place, layout, name);
    return fields;
  }
}

module.exports = { Instance, scratch };
