// SPDX-License-Identifier: MIT
// prom-client's `register`: all that the default plugin exposes.
'use strict';

const binding = require('./binding');
const { StateError } = require('./errors');
const { Metric } = require('./metric');
const { CONTENT_TYPE } = require('./view');

function running() {
  const plugin = binding.defaultPlugin();
  if (plugin === null) throw new StateError('no plugin is loaded');
  return plugin;
}

const register = {
  contentType: CONTENT_TYPE,

  // Text; rejects with StateError where no plugin runs.
  async metrics() {
    return running().metrics();
  },

  async getMetricsAsJSON() {
    return running().getMetricsAsJSON();
  },

  async getMetricsAsArray() {
    return metricsOf();
  },

  // The instrument of that name that was made last, or undefined.
  getSingleMetric(name) {
    return metricsOf().reverse().find((metric) => metric.name === name);
  },

  async getSingleMetricAsString(name) {
    const query = `name[]=${encodeURIComponent(name)}`;
    return (await running().request({ mounted: true, query })).body.toString('utf8');
  },

  // They are exposed no more, and count for nothing.
  removeSingleMetric(name) {
    for (const metric of metricsOf()) {
      if (metric.name === name) metric.dispose();
    }
  },

  clear() {
    for (const metric of metricsOf()) metric.dispose();
  },

  // Every series begins from zero.
  resetMetrics() {
    for (const metric of metricsOf()) metric.reset();
  },
};

function metricsOf() {
  return binding.defaultItems().filter((item) => item instanceof Metric);
}

module.exports = { register };
