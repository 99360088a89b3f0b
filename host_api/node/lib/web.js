// SPDX-License-Identifier: MIT
// What is counted of web requests, and the answer to /metrics, for Express, Connect and node:http.
'use strict';

const http = require('node:http');
const binding = require('./binding');
const { Counter } = require('./counter');
const { PromplugError, StateError } = require('./errors');
const { Gauge } = require('./gauge');
const { Histogram } = require('./observations');
const { Routes } = require('./routes');
const { Scrape } = require('./scrape');
const { stopwatch } = require('./timing');

const UNMATCHED = 'unmatched';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);
// What nginx says of a client that did not wait for the answer.
const CLIENT_CLOSED = 499;

// PREFIX_requests_total and PREFIX_request_duration_seconds by method, route and status, and
// PREFIX_requests_in_flight. A route is a template, never a path: clients choose paths, and each
// would be a series. So is a method that HTTP does not know: it is "other".
class WebMetrics {
  constructor({ plugin = null, prefix = 'http', buckets }) {
    const labelNames = ['method', 'route', 'status'];
    this._requests = new Counter({
      name: `${prefix}_requests_total`, help: 'Requests answered.', labelNames, plugin,
    });
    this._durations = new Histogram({
      name: `${prefix}_request_duration_seconds`,
      help: 'Time from the request to the end of its answer.', labelNames, plugin,
      ...(buckets === undefined ? {} : { buckets }),
    });
    this._inFlight = new Gauge({
      name: `${prefix}_requests_in_flight`, help: 'Requests being answered.', plugin,
    });
  }

  // A request has come; the function returned is called when it is answered.
  begin() {
    this._inFlight.inc();
    const seconds = stopwatch();
    return (method, route, status) => {
      this._inFlight.dec();
      const known = METHODS.has(method) ? method : 'other';
      this._requests.labels(known, route, status).inc();
      this._durations.labels(known, route, status).observe(seconds());
    };
  }
}

// Passes the answer on, as fast as the client takes it.
async function send(scrape, req, res) {
  const { status, headers, length } = await scrape.head();
  for (const [name, value] of headers) res.setHeader(name, value);
  if (length >= 0) res.setHeader('Content-Length', length);
  res.writeHead(status);
  if (req.method !== 'HEAD') {
    for (let piece = await scrape.read(); piece !== null; piece = await scrape.read()) {
      await written(res, piece);
    }
  }
  res.end();
}

// Until the client takes more, or has gone.
function written(res, piece) {
  return new Promise((resolve) => {
    if (res.write(piece)) {
      resolve();
      return;
    }
    const done = () => {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.on('drain', done);
    res.on('close', done);
  });
}

// Answers the scrape if the request is one: false where it is not, and nothing was done.
function answer(plugin, req, res, metricsPath) {
  const url = req.originalUrl || req.url;
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (metricsPath === undefined ? !plugin.metricsPath.isOwn(plugin, path) : path !== metricsPath) {
    return false;
  }
  const headers = [];
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    headers.push([req.rawHeaders[i], req.rawHeaders[i + 1]]);
  }
  let scrape;
  try {
    scrape = Scrape.begin(plugin, {
      method: req.method, path, query: query < 0 ? '' : url.slice(query + 1), headers, mounted: true,
      needLength: req.httpVersion === '1.0', // it has no chunks
    });
  } catch (error) {
    if (error instanceof StateError) return false; // it does not run
    throw error;
  }
  // Ends it also where the client has gone.
  res.once('close', () => scrape.end());
  send(scrape, req, res).catch((error) => {
    if (res.closed || res.destroyed) return;
    plugin.log('warn', `a scrape broke off: ${error.message}`);
    res.destroy();
  });
  return true;
}

// The answer to scrapes alone: function(req, res), 404 for what is no scrape, 503 where no plugin
// runs. options: plugin, by default the one that load() made, also if that is loaded later;
// metricsPath, by default scrape.path of its configuration.
function handler(options = {}) {
  return (req, res) => {
    const plugin = options.plugin || binding.defaultPlugin();
    if (tryAnswer(plugin, req, res, options.metricsPath)) return;
    const running = plugin !== null && plugin.status().state === 'running';
    res.writeHead(running ? 404 : 503, { 'Content-Type': 'text/plain' });
    res.end(running ? 'not found\n' : 'no plugin runs\n');
  };
}

function tryAnswer(plugin, req, res, metricsPath) {
  if (plugin === null) return false;
  try {
    return answer(plugin, req, res, metricsPath);
  } catch (error) {
    if (!(error instanceof PromplugError)) throw error;
    plugin.log('warn', error.message);
    return false;
  }
}

// Middleware of Express and Connect, function(req, res, next): answers scrapes, counts the rest.
// Without a plugin the application is served as if alone.
//
// plugin, metricsPath  as handler() has them.
// routeOf              of (req, res) when the answer has ended, the route's template, or undefined.
//                      By default req.promplugRoute, where the application sets it, else Express's.
// prefix, buckets      as WebMetrics has them.
function middleware(options = {}) {
  const metrics = new WebMetrics(options);
  const routes = new Routes();
  const find = options.routeOf || ((req, _, mounts) => routes.of(req, mounts));
  return (req, res, next) => {
    const plugin = options.plugin || binding.defaultPlugin();
    if (tryAnswer(plugin, req, res, options.metricsPath)) return;
    const done = metrics.begin();
    const mounts = options.routeOf ? null : routes.watch(req);
    res.once('close', () => {
      const route = routeOf(find, req, res, mounts, plugin);
      done(req.method, route, res.headersSent ? res.statusCode : CLIENT_CLOSED);
    });
    next();
  };
}

function routeOf(find, req, res, mounts, plugin) {
  try {
    return find(req, res, mounts) || UNMATCHED;
  } catch (error) {
    // No request may fail for being counted.
    if (plugin !== null) plugin.log('error', `the route of a request is not known: ${error.stack}`);
    return UNMATCHED;
  }
}

// The same around a request listener of node:http, which gets what is no scrape.
function instrument(listener, options = {}) {
  const count = middleware(options);
  return (req, res) => count(req, res, () => listener(req, res));
}

// A server of its own for scrapes, which does not keep the process alive. Options of
// server.listen(), and those of handler().
function metricsServer({ port = 0, host, ...options } = {}) {
  return http.createServer(handler(options)).listen(port, host).unref();
}

module.exports = { handler, middleware, instrument, metricsServer };
