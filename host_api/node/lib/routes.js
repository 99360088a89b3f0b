// SPDX-License-Identifier: MIT
// The template of the route that took a request.
'use strict';

// What the application named; then Express.
const ROUTE_PROPERTY = 'promplugRoute';

// A path with `:name` where it has the value of that parameter.
function templated(path, params) {
  const names = new Map();
  for (const name of Object.keys(params || {})) names.set(String(params[name]), `:${name}`);
  return path.split('/').map((segment) => names.get(decoded(segment)) || segment).join('/');
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

// Express tells a route's own template, but of a router that is mounted below one with parameters
// only the path that was asked for. So the template is put together on the way: at each router,
// req.baseUrl grows by what the mount took, and req.params are those of that mount.
class MountWatch {
  constructor(req) {
    let base = req.baseUrl;
    this._known = new Map([['', ''], [base, templated(base, req.params)]]);
    Object.defineProperty(req, 'baseUrl', {
      configurable: true, enumerable: true,
      get: () => base,
      set: (url) => {
        base = url;
        // At the end Express restores what was there before the application: nothing.
        if (typeof url === 'string' && !this._known.has(url)) this._known.set(url, this._below(url, req.params));
      },
    });
  }

  templateOf(url) {
    return this._known.get(url);
  }

  _below(url, params) {
    let parent = '';
    for (const known of this._known.keys()) {
      if (url.startsWith(known) && known.length > parent.length) parent = known;
    }
    return this._known.get(parent) + templated(url.slice(parent.length), params);
  }
}

// Watches a request of Express; null for those of others.
function watchMounts(req) {
  return typeof req.baseUrl === 'string' && req.app !== undefined ? new MountWatch(req) : null;
}

// The template, or undefined where no route took it.
function routeOf(req, mounts) {
  if (req[ROUTE_PROPERTY] !== undefined) return String(req[ROUTE_PROPERTY]);
  if (mounts === null || !req.route) return undefined;
  const { path } = req.route;
  const own = Array.isArray(path) ? path.join('|') : String(path);
  const base = mounts.templateOf(req.baseUrl) || '';
  return base !== '' && own === '/' ? base : base + own;
}

module.exports = { routeOf, watchMounts };
