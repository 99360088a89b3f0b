// SPDX-License-Identifier: MIT
// How the families of several workers become one.
'use strict';

const abi = require('./abi');

const MODES = {
  sum: abi.MODE_SUM, max: abi.MODE_MAX, min: abi.MODE_MIN, latest: abi.MODE_LATEST,
  per_worker: abi.MODE_PER_WORKER,
};
// Those of prom-client that the plugin has nothing of the same meaning for: of `first` any worker's
// value will do; what would be averaged or left out is shown of each.
const NEAREST = {
  first: abi.MODE_LATEST, average: abi.MODE_PER_WORKER, omit: abi.MODE_PER_WORKER,
};
const ALL = { ...MODES, ...NEAREST };

// PROMPLUG_MODE_* of an instrument's `aggregator`. Throws for one that is not known.
function modeOf(name, aggregator) {
  return found(MODES, name, aggregator);
}

// The same of a family that a collector says, which may have been made for prom-client.
function nearestModeOf(name, aggregator) {
  return found(ALL, name, aggregator);
}

function found(modes, name, aggregator) {
  if (aggregator === undefined) return abi.MODE_DEFAULT;
  if (!Object.hasOwn(modes, aggregator)) {
    throw new Error(`${name}: aggregator ${aggregator} is not one of ${Object.keys(modes).join(', ')}`);
  }
  return modes[aggregator];
}

module.exports = { modeOf, nearestModeOf };
