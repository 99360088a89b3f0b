# SPDX-License-Identifier: MIT
"""What test_asgi.py has uvicorn and gunicorn run. Its environment says how it is made."""
import asyncio
import json
import logging
import os
import sys
import threading

import promplug
import promplug.fastapi
from fastapi import APIRouter, BackgroundTasks, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(process)d %(levelname)s %(message)s")
app = FastAPI()
items = APIRouter(prefix="/api")
let_go = threading.Event()
released = asyncio.Event()


@items.get("/items/{id}")
async def item(id: int):
    return {"id": id, "pid": os.getpid()}


@app.get("/boom")
def boom():
    raise RuntimeError("as it should")


@app.get("/late-boom")
async def late_boom():
    async def body():
        yield b"begun"
        raise RuntimeError("as it should")
    return StreamingResponse(body())


@app.get("/let-go")
async def release():
    let_go.set()
    return "gone"


@app.get("/and-then")
async def and_then(tasks: BackgroundTasks):
    """Its background task goes on until /let-go was asked for."""
    tasks.add_task(let_go.wait, 30)
    return "answered"


async def plain(request):
    return PlainTextResponse("plain")


async def socket(websocket):
    await websocket.accept()
    await websocket.close()


app.include_router(items)
below = FastAPI()
below.get("/things/{key}")(lambda key: key)
app.mount("/tenants/{tenant}", below)
app.mount("/star", Starlette(routes=[Route("/q/{z}", plain), Mount("/deep", routes=[Route("/{y}", plain)]),
                                     WebSocketRoute("/socket", socket)]))


def hanging():
    """Until /let-go was asked for, which only a loop that runs can answer."""
    let_go.wait(30)
    return [("hanging", "gauge", "x", [({}, 1)])]


if os.environ.get("APP_WORK"):
    import work
    app.get("/work/{n}")(work.do)
    app.get("/push")(work.push)
if os.environ.get("APP_HANGING"):
    promplug.register_collector("hanging", hanging, timeout=30)
many = int(os.environ.get("APP_SERIES", "0"))
promplug.register_collector("many", lambda: [("many", "gauge", "x", [({"n": n}, n) for n in range(many)])])
promplug.fastapi.instrument(
    app, config_path=os.environ.get("APP_CONFIG"),
    load_options={"overrides": json.loads(os.environ.get("APP_OVERRIDES", "{}"))},
    **json.loads(os.environ.get("APP_OPTIONS", "{}")))
