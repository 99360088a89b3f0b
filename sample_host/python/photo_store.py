# SPDX-License-Identifier: MIT
"""Photos and albums, in memory, and their thumbnails. Thread-safe.

They were instrumented with prometheus_client before the server knew of the plugin.
"""
import dataclasses
import itertools
import queue
import threading
from typing import Dict, List, Optional

from prometheus_client import Counter, Gauge, Histogram

MAX_BYTES = 256 << 20

_UPLOADS = Counter("photo_uploads", "Photos that were stored.")
_DELETES = Counter("photo_deletes", "Photos that were removed.")
_UPLOAD_BYTES = Histogram("photo_upload_bytes", "Size of the photos that were uploaded.",
                          buckets=(1e3, 1e4, 1e5, 1e6, 1e7))
_PHOTOS = Gauge("photo_photos", "Photos in the store.")
_ALBUMS = Gauge("photo_albums", "Albums in the store.")
_STORED_BYTES = Gauge("photo_storage_bytes", "Bytes of all photos.")
_THUMBNAILS = Counter("photo_thumbnails", "Thumbnails that were made.")


class StoreFull(Exception):
    """One more photo would not fit."""


@dataclasses.dataclass
class Photo:
    id: int
    album: int
    name: str
    data: bytes

    def shown(self) -> dict:
        return {"id": self.id, "album": self.album, "name": self.name, "bytes": len(self.data)}


@dataclasses.dataclass
class Album:
    id: int
    name: str
    photos: int = 0
    bytes: int = 0


class PhotoStore:
    """Begins with the albums "holidays" (1), "family" (2) and "garden" (3)."""

    def __init__(self):
        self._lock = threading.Lock()
        self._albums: Dict[int, Album] = {}
        self._photos: Dict[int, Photo] = {}
        self._bytes = 0
        self._album_ids, self._photo_ids = itertools.count(1), itertools.count(1)
        for name in ("holidays", "family", "garden"):
            self.add_album(name)

    def add_album(self, name: str) -> Album:
        with self._lock:
            album = Album(next(self._album_ids), name)
            self._albums[album.id] = album
            _ALBUMS.set(len(self._albums))
            return dataclasses.replace(album)

    def albums(self) -> List[Album]:
        with self._lock:
            return [dataclasses.replace(album) for album in self._albums.values()]

    def largest_albums(self, count: int) -> List[Album]:
        """At most `count`, the ones with the most photos first."""
        return sorted(self.albums(), key=lambda album: (-album.photos, album.id))[:count]

    def find_album(self, number: int) -> Optional[Album]:
        with self._lock:
            album = self._albums.get(number)
            return dataclasses.replace(album) if album else None

    def add_photo(self, album: int, name: str, data: bytes) -> Optional[Photo]:
        """None: there is no such album. Raises StoreFull."""
        with self._lock:
            if album not in self._albums:
                return None
            if self._bytes + len(data) > MAX_BYTES:
                raise StoreFull()
            photo = Photo(next(self._photo_ids), album, name, data)
            self._photos[photo.id] = photo
            self._count(photo, 1)
        _UPLOADS.inc()
        _UPLOAD_BYTES.observe(len(data))
        return photo

    def find_photo(self, number: int) -> Optional[Photo]:
        with self._lock:
            return self._photos.get(number)

    def photos(self, album: Optional[int]) -> List[Photo]:
        """Of one album, or all."""
        with self._lock:
            return [p for p in self._photos.values() if album is None or p.album == album]

    def remove_photo(self, number: int) -> bool:
        with self._lock:
            photo = self._photos.pop(number, None)
            if photo is None:
                return False
            self._count(photo, -1)
        _DELETES.inc()
        return True

    def _count(self, photo: Photo, sign: int) -> None:
        album = self._albums[photo.album]
        album.photos += sign
        album.bytes += sign * len(photo.data)
        self._bytes += sign * len(photo.data)
        _PHOTOS.set(len(self._photos))
        _STORED_BYTES.set(self._bytes)


class ThumbnailQueue:
    """Makes thumbnails of uploaded photos on a thread of its own, which ends with the process."""

    def __init__(self):
        self._waiting: "queue.SimpleQueue[bytes]" = queue.SimpleQueue()
        threading.Thread(target=self._work, name="thumbnails", daemon=True).start()

    def add(self, data: bytes) -> None:
        self._waiting.put(data)

    def length(self) -> int:
        """Photos that wait for their thumbnail."""
        return self._waiting.qsize()

    def _work(self) -> None:
        while True:
            data = self._waiting.get()
            bytes(data[::max(1, len(data) // 256)])
            _THUMBNAILS.inc()
