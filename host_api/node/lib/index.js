// SPDX-License-Identifier: MIT
// Metrics for Prometheus through promplug.so, with the habits of prom-client; docs/hosts.md.
'use strict';

const binding = require('./binding');
const { exponentialBuckets, linearBuckets } = require('./buckets');
const { bridge, registerCollector } = require('./collectors');
const { Counter } = require('./counter');
const errors = require('./errors');
const { Gauge } = require('./gauge');
const { collectNodeMetrics } = require('./node_metrics');
const { Histogram, Summary } = require('./observations');
const { load } = require('./plugin');
const { register } = require('./register');
const { Info, StateSet } = require('./states');
const { handler, instrument, metricsServer, middleware } = require('./web');

module.exports = {
  load,
  defaultPlugin: binding.defaultPlugin,
  Counter, Gauge, Histogram, Summary, Info, StateSet,
  linearBuckets, exponentialBuckets,
  register,
  contentType: register.contentType,
  metrics: register.metrics,
  registerCollector, bridge, collectNodeMetrics,
  middleware, instrument, handler, metricsServer,
  PromplugError: errors.PromplugError,
  LoadError: errors.LoadError,
  ConfigError: errors.ConfigError,
  StateError: errors.StateError,
  TimedOut: errors.TimedOut,
  InputOutputError: errors.InputOutputError,
};
