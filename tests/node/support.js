// SPDX-License-Identifier: MIT
// What the tests of the package for Node share.
'use strict';

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const promplug = require('promplug');

const ROOT = path.resolve(__dirname, '../..');
const PLUGIN = process.env.PROMPLUG_PLUGIN;
const QUIET = { self_metrics: 'false', process_metrics: 'false' };
const WAIT_MS = 30000; // for what comes in moments, on a machine that does much else

// A plugin without the environment that ends with the test; not the default one unless asked for.
// Its lines are plugin.logger's.
function load(t, { overrides = {}, ...options } = {}) {
  const logger = new Lines();
  const plugin = promplug.load({
    plugin: PLUGIN, environment: false, default: false, logger,
    overrides: { ...QUIET, ...overrides }, ...options,
  });
  plugin.logger = logger;
  t.after(() => plugin.close());
  return plugin;
}

// A logger that keeps its lines.
class Lines {
  constructor() {
    this.lines = [];
    for (const level of ['debug', 'info', 'warn', 'error']) {
      this[level] = (text) => this.lines.push(`${level} ${text}`);
    }
  }

  matching(pattern) {
    return this.lines.filter((line) => pattern.test(line));
  }
}

// The value of that sample, or undefined; of a part, under its own name, such as x_count.
async function sample(plugin, name, labels = {}) {
  for (const family of await plugin.getMetricsAsJSON()) {
    for (const value of family.values) {
      if ((value.metricName || family.name) === name && sameLabels(value.labels, labels)) {
        return value.value;
      }
    }
  }
  return undefined;
}

function sameLabels(a, b) {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length
    && keys.every((key) => String(a[key]) === String(b[key]));
}

// The first true answer of condition(), which may be a promise.
async function eventually(condition, what, ms = WAIT_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// A directory that ends with the test.
function directory(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'promplug-node-'));
  t.after(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

// Runs the text in a Node of its own: {code, signal, stdout, stderr}.
function script(text, { env = {}, ms = 60000 } = {}) {
  const head = "'use strict'; const promplug = require('promplug');";
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', head + text], {
      timeout: ms, killSignal: 'SIGKILL', env: { ...process.env, PROMPLUG_PLUGIN: PLUGIN, ...env },
    }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, signal: error ? error.signal : null, stdout, stderr });
    });
  });
}

// The server, listening on a free port of 127.0.0.1; it ends with the test. Gives its URL.
async function listening(t, server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  }));
  return `http://127.0.0.1:${server.address().port}`;
}

// {status, headers, body: Buffer, text}
function fetchFrom(url, { method = 'GET', headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(pieces);
        resolve({ status: response.statusCode, headers: response.headers, body, text: body.toString() });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

module.exports = { ROOT, PLUGIN, QUIET, Lines, load, sample, eventually, directory, script, listening, fetchFrom };
