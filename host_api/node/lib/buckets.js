// SPDX-License-Identifier: MIT
'use strict';

function checkCount(count) {
  if (!Number.isInteger(count) || count < 1) throw new Error(`${count} is no number of buckets`);
}

// start, start + width, ...: so many bounds.
function linearBuckets(start, width, count) {
  checkCount(count);
  return Array.from({ length: count }, (_, i) => start + i * width);
}

// start, start * factor, ...: so many bounds.
function exponentialBuckets(start, factor, count) {
  checkCount(count);
  if (start <= 0) throw new Error('Exponential buckets begin above 0');
  if (factor <= 1) throw new Error('Exponential buckets need a factor greater than 1');
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}

module.exports = { linearBuckets, exponentialBuckets };
