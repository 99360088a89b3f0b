// SPDX-License-Identifier: MIT
// What times a piece of work.
'use strict';

const { performance } = require('node:perf_hooks');

// A function that gives the seconds since now.
function stopwatch() {
  const begun = performance.now();
  return () => Math.max(performance.now() - begun, 0) / 1000;
}

// Calls work() and then done(): at once, or when its promise is settled. Whatever it gives or throws
// comes back unchanged.
function around(work, done) {
  let result;
  try {
    result = work();
  } catch (error) {
    done();
    throw error;
  }
  if (result === null || typeof result !== 'object' || typeof result.then !== 'function') {
    done();
    return result;
  }
  return Promise.resolve(result).finally(done);
}

module.exports = { stopwatch, around };
