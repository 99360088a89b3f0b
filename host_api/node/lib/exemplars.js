// SPDX-License-Identifier: MIT
// Exemplars as the plugin takes them.
'use strict';

const abi = require('./abi');
const { scratch } = require('./instance');

const MOST_CHARACTERS = 128;

// The address of a promplug_exemplar with these labels, until the next one; 0 for no labels.
// Throws where they are too long, as prom-client does.
function exemplarOf(labels) {
  const pairs = Object.entries(labels || {}).map(([name, value]) => [name, String(value)]);
  if (pairs.length === 0) return 0;
  const characters = pairs.reduce((sum, [name, value]) => sum + [...name].length + [...value].length, 0);
  if (characters > MOST_CHARACTERS) {
    throw new RangeError(`Label set size must be smaller than ${MOST_CHARACTERS} UTF-8 chars`);
  }
  scratch.reset();
  const fields = { labels: scratch.pairs(pairs), n_labels: pairs.length };
  return scratch.record(abi.structs.exemplar, fields).address;
}

module.exports = { exemplarOf };
