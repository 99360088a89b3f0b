#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// A photo server on node:http that loads promplug.so; README.md describes it.
// usage: photo_service.js [--config FILE]
'use strict';

const http = require('node:http');
const promplug = require('promplug');
const { HostConfigError, loadHostConfig } = require('./host_config');
const { makeApp } = require('./photo_app');

const USAGE = 'usage: photo_service.js [--config FILE]';

function say(text) {
  process.stderr.write(`${text}\n`);
}

// The plugin, or null: one line says why, and the server serves on.
function loadPlugin(config) {
  if (config.plugin === '') {
    say('no plugin is configured, serving without metrics');
    return null;
  }
  try {
    return promplug.load({
      plugin: config.plugin, config: config.pluginConfig, stopTimeoutMs: config.stopTimeoutMs,
    });
  } catch (error) {
    if (!(error instanceof promplug.PromplugError)) throw error;
    say(`serving without metrics: ${error.message}`);
    return null;
  }
}

async function reload(plugin) {
  try {
    await plugin.reload();
    say('the plugin has read its configuration again');
  } catch (error) {
    say(`the plugin keeps its configuration: ${error.message}`);
  }
}

// Answers what has begun, pushes for the last time, and lets the process end.
async function stop(server, plugin) {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
  });
  if (plugin === null) return;
  await plugin.stop().catch((error) => say(`the plugin did not stop in good order: ${error.message}`));
}

function serve(config) {
  const plugin = loadPlugin(config);
  const server = http.createServer(makeApp(config.slowMs));
  server.on('error', (error) => {
    say(`cannot listen on ${config.listen.host}:${config.listen.port}: ${error.message}`);
    process.exitCode = 1;
  });
  server.listen(config.listen, () => {
    const { address, family, port } = server.address();
    say(`listening on ${family === 'IPv6' ? `[${address}]` : address}:${port}`);
  });
  process.on('SIGHUP', () => plugin !== null && reload(plugin));
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => stop(server, plugin).then(() => process.exit(0)));
  }
}

function main(args) {
  if (args.length !== 0 && (args.length !== 2 || args[0] !== '--config')) {
    say(USAGE);
    process.exitCode = 2;
    return;
  }
  try {
    serve(loadHostConfig(args[1]));
  } catch (error) {
    if (!(error instanceof HostConfigError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

main(process.argv.slice(2));
