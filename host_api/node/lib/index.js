// SPDX-License-Identifier: MIT
// Metrics for Prometheus through promplug.so, with the habits of prom-client; docs/hosts.md.
'use strict';

const { defaultPlugin } = require('./binding');
const { exponentialBuckets, linearBuckets } = require('./buckets');
const { bridge, registerCollector } = require('./collectors');
const { Counter } = require('./counter');
const {
  ConfigError, InputOutputError, LoadError, PromplugError, StateError, TimedOut,
} = require('./errors');
const { Gauge } = require('./gauge');
const { collectNodeMetrics } = require('./node_metrics');
const { Histogram, Summary } = require('./observations');
const { load } = require('./plugin');
const { register } = require('./register');
const { Info, StateSet } = require('./states');
const { handler, instrument, metricsServer, middleware } = require('./web');

const { contentType, metrics } = register;

// Names alone, so that `import { Counter } from 'promplug'` finds them.
module.exports = {
  load, defaultPlugin,
  Counter, Gauge, Histogram, Summary, Info, StateSet,
  linearBuckets, exponentialBuckets,
  register, contentType, metrics,
  registerCollector, bridge, collectNodeMetrics,
  middleware, instrument, handler, metricsServer,
  PromplugError, LoadError, ConfigError, StateError, TimedOut, InputOutputError,
};
