// SPDX-License-Identifier: MIT
// What Node knows of itself, under the names that prom-client's collectDefaultMetrics() has for it.
// CPU, memory and descriptors of the process are the plugin's: process_*.
'use strict';

const { monitorEventLoopDelay, PerformanceObserver, constants } = require('node:perf_hooks');
const v8 = require('node:v8');
const { registerCollector } = require('./collectors');
const { Histogram } = require('./observations');

const NANOSECONDS = 1e9;
const DELAY_RESOLUTION_MS = 10;
const GC_KINDS = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major', [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

function gauge(name, help, value) {
  return { name, type: 'gauge', help, values: [{ labels: {}, value }] };
}

// The delay since the last time that it was asked for.
function delays(monitor) {
  const families = [
    ['min', monitor.min], ['max', monitor.max], ['mean', monitor.mean], ['stddev', monitor.stddev],
    ...[50, 90, 99].map((p) => [`p${p}`, monitor.percentile(p)]),
  ].map(([name, value]) => gauge(
    `nodejs_eventloop_lag_${name}_seconds`, `Delay of the event loop since the last scrape, ${name}.`,
    Number.isFinite(value) && monitor.count !== 0 ? value / NANOSECONDS : 0));
  monitor.reset();
  return families;
}

function heap() {
  const { heapTotal, heapUsed, external } = process.memoryUsage();
  return [
    gauge('nodejs_heap_size_total_bytes', 'Size of the heap.', heapTotal),
    gauge('nodejs_heap_size_used_bytes', 'Bytes of the heap in use.', heapUsed),
    gauge('nodejs_external_memory_bytes', 'Memory outside of the heap that it refers to.', external),
    ...['used', 'available', 'total'].map((what) => ({
      name: `nodejs_heap_space_size_${what}_bytes`, type: 'gauge', help: `Spaces of the heap, ${what}.`,
      values: v8.getHeapSpaceStatistics().map((space) => ({
        labels: { space: space.space_name.replace(/_space$/, '') }, value: spaceBytes(space, what),
      })),
    })),
  ];
}

function spaceBytes(space, what) {
  return { used: space.space_used_size, available: space.space_available_size,
           total: space.space_size }[what];
}

function resources() {
  const counts = new Map();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) || 0) + 1);
  return {
    name: 'nodejs_active_resources', type: 'gauge', help: 'What keeps the event loop alive, by type.',
    values: [...counts].map(([type, value]) => ({ labels: { type }, value })),
  };
}

function version() {
  const [major, minor, patch] = process.versions.node.split('.');
  return {
    name: 'nodejs_version_info', type: 'gauge', help: 'The version of Node.',
    values: [{ labels: { version: process.version, major, minor, patch }, value: 1 }],
  };
}

// Exposes nodejs_* of this thread, until unregister() of what it returns.
// options: plugin; gcDurationBuckets, of nodejs_gc_duration_seconds.
function collectNodeMetrics({ plugin = null, gcDurationBuckets = [0.001, 0.01, 0.1, 1, 2, 5] } = {}) {
  const monitor = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  monitor.enable();
  const durations = new Histogram({
    name: 'nodejs_gc_duration_seconds', help: 'Garbage collections by kind.', labelNames: ['kind'],
    buckets: gcDurationBuckets, plugin,
  });
  for (const kind of Object.values(GC_KINDS)) durations.zero({ kind });
  const observer = new PerformanceObserver((list) => {
    for (const { detail, duration } of list.getEntries()) {
      durations.labels(GC_KINDS[detail.kind] || 'other').observe(duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const collector = registerCollector('nodejs', () => [...delays(monitor), ...heap(), resources(),
                                                       version()], { plugin });
  return {
    unregister() {
      collector.unregister();
      observer.disconnect();
      monitor.disable();
      durations.dispose();
    },
  };
}

module.exports = { collectNodeMetrics };
