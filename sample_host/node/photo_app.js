// SPDX-License-Identifier: MIT
// The photo API, and what it says of itself.
'use strict';

const promplug = require('promplug');
const { PhotoStore, shownPhoto, StoreFull, ThumbnailQueue } = require('./photo_store');

const LARGEST_ALBUMS = 10;
const MOST_BODY_BYTES = 64 * 2 ** 20;

function say(res, status, text) {
  res.writeHead(status, { 'Content-Type': 'text/plain' });
  res.end(`${text}\n`);
}

function show(res, status, value) {
  res.writeHead(status, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify(value));
}

// An id, or 0, which nothing has.
function idOf(text) {
  return /^[0-9]{1,15}$/.test(text || '') ? Number(text) : 0;
}

async function bodyOf(req) {
  const pieces = [];
  let size = 0;
  for await (const piece of req) {
    size += piece.length;
    if (size > MOST_BODY_BYTES) throw new StoreFull();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

// [method, template, handler]; a handler gets req, res, and {id, query}.
function photoRoutes(store, thumbnails) {
  return [
    ['GET', '/photos', (req, res, { query }) => {
      const album = query.has('album') ? idOf(query.get('album')) : undefined;
      if (album !== undefined && !store.findAlbum(album)) return say(res, 404, 'not found');
      return show(res, 200, store.photos(album).map(shownPhoto));
    }],
    ['POST', '/photos', async (req, res, { query }) => {
      try {
        const data = await bodyOf(req);
        if (data.length === 0) return say(res, 400, 'the body is the photo, and it is empty');
        const album = query.has('album') ? idOf(query.get('album')) : 1;
        const photo = store.addPhoto(album, query.get('name') || '', data);
        if (photo === undefined) return say(res, 404, 'not found');
        thumbnails.add(photo.data);
        return show(res, 201, shownPhoto(photo));
      } catch (error) {
        if (error instanceof StoreFull) return say(res, 507, 'the store is full');
        throw error;
      }
    }],
    ['GET', '/photos/{id}', (req, res, { id }) => {
      const photo = store.findPhoto(id);
      if (photo === undefined) return say(res, 404, 'not found');
      res.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      return res.end(photo.data);
    }],
    ['DELETE', '/photos/{id}', (req, res, { id }) => {
      if (!store.removePhoto(id)) return say(res, 404, 'not found');
      res.writeHead(204);
      return res.end();
    }],
  ];
}

function otherRoutes(store, slowMs) {
  return [
    ['GET', '/albums', (req, res) => show(res, 200, store.albums())],
    ['POST', '/albums', (req, res, { query }) => (query.get('name')
      ? show(res, 201, store.addAlbum(query.get('name')))
      : say(res, 400, 'an album needs a name'))],
    ['GET', '/albums/{id}', (req, res, { id }) => (store.findAlbum(id)
      ? show(res, 200, store.findAlbum(id)) : say(res, 404, 'not found'))],
    ['GET', '/slow', (req, res) => setTimeout(() => say(res, 200, 'slow'), slowMs)],
    ['GET', '/fail', (req, res) => say(res, 500, 'this route always fails')],
    ['GET', '/healthz', (req, res) => say(res, 200, 'ok')],
  ];
}

// The template of a path: an id is {id}.
function templateOf(path) {
  const [, name, rest] = /^(\/[a-z]+)\/([^/]+)$/.exec(path) || [];
  return name === undefined ? { template: path } : { template: `${name}/{id}`, id: idOf(rest) };
}

// The request listener of the application, counted by the middleware; served alike without a plugin.
function makeApp(slowMs) {
  const store = new PhotoStore();
  const thumbnails = new ThumbnailQueue();
  const routes = new Map();
  for (const [method, template, handler] of [...photoRoutes(store, thumbnails),
                                             ...otherRoutes(store, slowMs)]) {
    if (!routes.has(template)) routes.set(template, new Map());
    routes.get(template).set(method, handler);
  }
  describe(store, thumbnails);
  return promplug.instrument((req, res) => {
    const url = new URL(req.url, 'http://localhost');
    const { template, id } = templateOf(url.pathname);
    const methods = routes.get(template);
    if (methods === undefined) return say(res, 404, 'not found');
    req.promplugRoute = template;
    const handler = methods.get(req.method === 'HEAD' ? 'GET' : req.method);
    if (handler === undefined) return say(res, 405, 'method not allowed');
    return Promise.resolve(handler(req, res, { id, query: url.searchParams })).catch(() => {
      if (!res.headersSent) say(res, 500, 'it failed');
      else res.destroy();
    });
  });
}

// What is asked at each scrape.
function describe(store, thumbnails) {
  promplug.registerCollector('largest_albums', () => {
    const albums = store.largestAlbums(LARGEST_ALBUMS);
    const family = (name, help, value) => ({
      name, type: 'gauge', help,
      values: albums.map((album) => ({ labels: { album: album.id, name: album.name },
                                       value: value(album) })),
    });
    return [
      family('photo_album_photos', 'Photos of the ten largest albums.', (album) => album.photos),
      family('photo_album_bytes', 'Bytes of the ten largest albums.', (album) => album.bytes),
    ];
  });
  new promplug.Gauge({
    name: 'photo_thumbnail_queue_length', help: 'Photos that wait for a thumbnail.',
    collect() {
      this.set(thumbnails.length);
    },
  });
  promplug.collectNodeMetrics();
}

module.exports = { makeApp };
