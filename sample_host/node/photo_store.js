// SPDX-License-Identifier: MIT
// Photos and albums, in memory, and their thumbnails.
'use strict';

const { Counter, Gauge, Histogram } = require('promplug');

const MOST_BYTES = 256 * 2 ** 20;

const uploads = new Counter({ name: 'photo_uploads_total', help: 'Photos that were stored.' });
const deletes = new Counter({ name: 'photo_deletes_total', help: 'Photos that were removed.' });
const uploadBytes = new Histogram({
  name: 'photo_upload_bytes', help: 'Size of the photos that were uploaded.',
  buckets: [1e3, 1e4, 1e5, 1e6, 1e7],
});
const photosStored = new Gauge({ name: 'photo_photos', help: 'Photos in the store.' });
const albumsStored = new Gauge({ name: 'photo_albums', help: 'Albums in the store.' });
const bytesStored = new Gauge({ name: 'photo_storage_bytes', help: 'Bytes of all photos.' });
const thumbnailsMade = new Counter({
  name: 'photo_thumbnails_total', help: 'Thumbnails that were made.',
});

// One more photo would not fit.
class StoreFull extends Error {}

// Begins with the albums "holidays" (1), "family" (2) and "garden" (3).
class PhotoStore {
  constructor() {
    this._albums = new Map();
    this._photos = new Map();
    this._bytes = 0;
    this._lastAlbum = 0;
    this._lastPhoto = 0;
    for (const name of ['holidays', 'family', 'garden']) this.addAlbum(name);
  }

  addAlbum(name) {
    this._lastAlbum += 1;
    const album = { id: this._lastAlbum, name, photos: 0, bytes: 0 };
    this._albums.set(album.id, album);
    albumsStored.set(this._albums.size);
    return album;
  }

  albums() {
    return [...this._albums.values()];
  }

  // At most `count`, the ones with the most photos first.
  largestAlbums(count) {
    return this.albums().sort((a, b) => b.photos - a.photos || a.id - b.id).slice(0, count);
  }

  // Undefined where there is none; so below.
  findAlbum(id) {
    return this._albums.get(id);
  }

  // Undefined where there is no such album. Throws StoreFull.
  addPhoto(albumId, name, data) {
    if (!this._albums.has(albumId)) return undefined;
    if (this._bytes + data.length > MOST_BYTES) throw new StoreFull();
    this._lastPhoto += 1;
    const photo = { id: this._lastPhoto, album: albumId, name, data };
    this._photos.set(photo.id, photo);
    this._count(photo, 1);
    uploads.inc();
    uploadBytes.observe(data.length);
    return photo;
  }

  findPhoto(id) {
    return this._photos.get(id);
  }

  // Of one album, or all where it is undefined.
  photos(albumId) {
    return [...this._photos.values()].filter((p) => albumId === undefined || p.album === albumId);
  }

  removePhoto(id) {
    const photo = this._photos.get(id);
    if (photo === undefined) return false;
    this._photos.delete(id);
    this._count(photo, -1);
    deletes.inc();
    return true;
  }

  _count(photo, sign) {
    const album = this._albums.get(photo.album);
    album.photos += sign;
    album.bytes += sign * photo.data.length;
    this._bytes += sign * photo.data.length;
    photosStored.set(this._photos.size);
    bytesStored.set(this._bytes);
  }
}

// Makes thumbnails of uploaded photos, one in each turn of the event loop.
class ThumbnailQueue {
  constructor() {
    this._waiting = [];
  }

  get length() {
    return this._waiting.length;
  }

  add(data) {
    this._waiting.push(data);
    if (this._waiting.length === 1) setImmediate(() => this._work());
  }

  _work() {
    const data = this._waiting[0];
    const step = Math.max(1, data.length >> 8);
    Buffer.from(data.filter((_, i) => i % step === 0));
    thumbnailsMade.inc();
    this._waiting.shift();
    if (this._waiting.length > 0) setImmediate(() => this._work());
  }
}

function shownPhoto({ id, album, name, data }) {
  return { id, album, name, bytes: data.length };
}

module.exports = { PhotoStore, ThumbnailQueue, StoreFull, shownPhoto };
