// SPDX-License-Identifier: MIT
// An instance of the plugin, and what is made in it.
'use strict';

const abi = require('./abi');
const { checked } = require('./errors');
const { Arena, read } = require('./memory');

// One for the calls of this thread that return at once.
const scratch = new Arena();

class Instance {
  // `address` is that of a promplug_instance.
  constructor(api, address) {
    this.api = api;
    this.address = address;
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

  // The series with these label values (strings): {handle, pinned}. Over a limit it is one that
  // counts for nothing and is not pinned, and the plugin's own metrics tell of it.
  series(family, values) {
    scratch.reset();
    const out = scratch.take(8);
    const code = this.api.metric(family, scratch.texts(values), values.length, out.address, 0);
    return { handle: out.block.getPointer(out.offset), pinned: code === abi.OK };
  }

  // The address of a cell of that counter, for this thread alone; 0 where there is none.
  cell(handle) {
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
