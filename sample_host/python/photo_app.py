# SPDX-License-Identifier: MIT
"""The photo API, and what it says of itself."""
import asyncio
from typing import Optional

import promplug
import promplug.fastapi
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from photo_store import PhotoStore, StoreFull, ThumbnailQueue

LARGEST_ALBUMS = 10


def make_app(slow_ms: int = 250) -> FastAPI:
    """The application, counted by the middleware; served alike without a plugin.

    Where none is loaded yet, it loads that of PROMPLUG_PLUGIN: uvicorn and gunicorn call it so.
    """
    app = FastAPI(openapi_url=None)
    store, thumbnails = PhotoStore(), ThumbnailQueue()
    _add_photo_routes(app, store, thumbnails)
    _add_album_routes(app, store)
    _add_other_routes(app, slow_ms)

    promplug.fastapi.instrument(app)
    promplug.register_collector("largest_albums", lambda: _largest_albums(store))
    promplug.Gauge("photo_thumbnail_queue_length", "Photos that wait for a thumbnail."
                   ).set_function(thumbnails.length)
    promplug.bridge()  # what photo_store.py counts with prometheus_client
    return app


def _largest_albums(store: PhotoStore):
    albums = store.largest_albums(LARGEST_ALBUMS)
    labels = [{"album": str(album.id), "name": album.name} for album in albums]
    yield ("photo_album_photos", "gauge", "Photos of the ten largest albums.",
           [(label, album.photos) for label, album in zip(labels, albums)])
    yield ("photo_album_bytes", "gauge", "Bytes of the ten largest albums.",
           [(label, album.bytes) for label, album in zip(labels, albums)])


def _say(status: int, text: str) -> Response:
    return PlainTextResponse(text + "\n", status_code=status)


def _not_found() -> Response:
    return _say(404, "not found")


def _number(text: Optional[str]) -> int:
    """An id, or 0, which nothing has."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else 0


def _add_photo_routes(app: FastAPI, store: PhotoStore, thumbnails: ThumbnailQueue) -> None:
    @app.get("/photos")
    def photos(album: Optional[str] = None):
        if album is not None and store.find_album(_number(album)) is None:
            return _not_found()
        return [p.shown() for p in store.photos(None if album is None else _number(album))]

    @app.post("/photos", status_code=201)
    async def upload(request: Request, album: str = "1", name: str = ""):
        data = await request.body()
        if not data:
            return _say(400, "the body is the photo, and it is empty")
        try:
            photo = store.add_photo(_number(album), name, data)
        except StoreFull:
            return _say(507, "the store is full")
        if photo is None:
            return _not_found()
        thumbnails.add(photo.data)
        return photo.shown()

    @app.get("/photos/{id}")
    def photo(id: str):
        found = store.find_photo(_number(id))
        if found is None:
            return _not_found()
        return Response(found.data, media_type="application/octet-stream")

    @app.delete("/photos/{id}")
    def remove(id: str):
        return Response(status_code=204) if store.remove_photo(_number(id)) else _not_found()


def _add_album_routes(app: FastAPI, store: PhotoStore) -> None:
    @app.get("/albums")
    def albums():
        return store.albums()

    @app.post("/albums", status_code=201)
    def add_album(name: str = ""):
        return store.add_album(name) if name else _say(400, "an album needs a name")

    @app.get("/albums/{id}")
    def album(id: str):
        return store.find_album(_number(id)) or _not_found()


def _add_other_routes(app: FastAPI, slow_ms: int) -> None:
    @app.get("/slow")
    async def slow():
        await asyncio.sleep(slow_ms / 1000)
        return _say(200, "slow")

    @app.get("/fail")
    def fail():
        return _say(500, "this route always fails")

    @app.get("/healthz")
    def healthz():
        return _say(200, "ok")
