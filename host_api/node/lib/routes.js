// SPDX-License-Identifier: MIT
// The template of the route that took a request. Nothing that a client writes may stand in it: each
// text would be a series.
'use strict';

// What the application named; then Express.
const ROUTE_PROPERTY = 'promplugRoute';
// Stands for a mount whose template is not known.
const MOUNT = '/:mount';
// Different prefixes of mounts, all of them together. More than an application has, unless it mounts
// a regular expression without groups, which tells nothing of what it took.
const MOST_BASES = 100;

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

// The template of what a mount took of the path. Its parameters are known, not where they stand: one
// whose value is a whole segment stands there, and all others make the mount MOUNT, such as those
// of '/v:version' and '/files/*'. What is left is the application's own text, but for upper and lower
// case, which Express does not compare by default.
//
// `above` are the parameters of the mount around it, which this one may have got, too (mergeParams).
function templateOf(part, params, above) {
  const segments = part.split('/').slice(1);
  const texts = segments.map(decoded);
  const names = new Map(); // by value, those that have no segment yet
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue;
    // The application may have put anything in its place.
    const text = ['object', 'function', 'symbol'].includes(typeof value) ? null : String(value);
    if (!names.has(text)) names.set(text, []);
    names.get(text).push(name);
  }
  const template = texts.map((text, i) => {
    const [name] = (names.get(text) || []).splice(0, 1);
    return name === undefined ? segments[i].toLowerCase() : `:${name}`;
  });
  const whole = texts.join('/');
  for (const [text, left] of names) {
    const isOwn = (name) => above[name] !== params[name] || (text !== null && whole.includes(text));
    if (left.some(isOwn)) return MOUNT;
  }
  return `/${template.join('/')}`;
}

// Express tells a route's own template, but of a router that is mounted only the path that was asked
// for. So the template is put together on the way: at each router, req.baseUrl grows by what the mount
// took, and req.params are those of that mount.
class MountWatch {
  constructor(req) {
    let base = req.baseUrl;
    this._known = new Map([['', { template: '', params: {} }]]);
    this._learn(base, req.params);
    Object.defineProperty(req, 'baseUrl', {
      configurable: true, enumerable: true,
      get: () => base,
      set: (url) => {
        base = url;
        // At the end Express restores what was there before the application: nothing.
        if (typeof url === 'string') this._learn(url, req.params);
      },
    });
  }

  templateOf(url) {
    return this._known.has(url) ? this._known.get(url).template : '';
  }

  _learn(url, params) {
    if (this._known.has(url)) return;
    let parent = '';
    for (const known of this._known.keys()) {
      if (url.startsWith(known) && known.length > parent.length) parent = known;
    }
    const { template, params: above } = this._known.get(parent);
    const own = { ...params };
    const part = templateOf(url.slice(parent.length), own, above);
    this._known.set(url, { template: template + part, params: own });
  }
}

// The routes of one application.
class Routes {
  constructor() {
    this._bases = new Set();
  }

  // Watches a request of Express; null for those of others.
  watch(req) {
    return typeof req.baseUrl === 'string' && req.app !== undefined ? new MountWatch(req) : null;
  }

  // The template, or undefined where no route took it. `mounts` is what watch() gave.
  of(req, mounts) {
    if (req[ROUTE_PROPERTY] !== undefined) return String(req[ROUTE_PROPERTY]);
    if (mounts === null || !req.route) return undefined;
    const { path } = req.route;
    const own = Array.isArray(path) ? path.join('|') : String(path);
    const base = this._bounded(mounts.templateOf(req.baseUrl));
    return base !== '' && own === '/' ? base : base + own;
  }

  _bounded(base) {
    if (!this._bases.has(base)) {
      if (this._bases.size >= MOST_BASES) return MOUNT;
      this._bases.add(base);
    }
    return base;
  }
}

module.exports = { Routes };
