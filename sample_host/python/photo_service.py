#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A photo server on FastAPI and uvicorn that loads promplug.so; README.md describes it.

usage: photo_service.py [--config FILE]
"""
import argparse
import asyncio
import logging
import signal
import socket
import sys

import anyio.to_thread
import promplug
import uvicorn

from host_config import HostConfig, HostConfigError, load_host_config
from photo_app import make_app

log = logging.getLogger("photo_service")


def set_up_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # What the plugin says is told from what the server says.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("promplug %(levelname)s: %(message)s"))
    plugin_log = logging.getLogger("promplug")
    plugin_log.addHandler(handler)
    plugin_log.propagate = False


def load_plugin(config: HostConfig):
    """The plugin, or None: one line says why, and the server serves on."""
    if not config.plugin:
        log.info("no plugin is configured, serving without metrics")
        return None
    try:
        # The startup of the application starts it.
        return promplug.load(config.plugin, config.plugin_config, start=False,
                             stop_timeout=config.stop_timeout_ms / 1000)
    except promplug.Error as error:
        log.error("serving without metrics: %s", error)
        return None


def reload_plugin(plugin) -> None:
    try:
        plugin.reload()
        log.info("the plugin has read its configuration again")
    except promplug.Error as error:
        log.error("the plugin keeps its configuration: %s", error)


async def serve(config: HostConfig, plugin, listening: socket.socket) -> None:
    anyio.to_thread.current_default_thread_limiter().total_tokens = config.threads
    app = make_app(config.slow_ms)
    loop = asyncio.get_running_loop()

    @app.on_event("startup")
    def say_where() -> None:
        host, port = listening.getsockname()[:2]
        log.info("listening on %s:%d", f"[{host}]" if ":" in host else host, port)
        if plugin is not None:
            # It may wait for a running scrape: not on the loop.
            loop.add_signal_handler(signal.SIGHUP,
                                    lambda: loop.run_in_executor(None, reload_plugin, plugin))

    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    await server.serve(sockets=[listening])


def bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening


def main() -> int:
    parser = argparse.ArgumentParser(description="A photo server that loads promplug.so.")
    parser.add_argument("--config", metavar="FILE", help="lines KEY = VALUE, see README.md")
    arguments = parser.parse_args()
    set_up_logging()
    try:
        config = load_host_config(arguments.config) if arguments.config else HostConfig()
        listening = bind(*config.listen)
    except HostConfigError as error:
        log.error("%s", error)
        return 1
    except OSError as error:
        log.error("cannot listen on %s:%d: %s", *config.listen, error.strerror)
        return 1
    asyncio.run(serve(config, load_plugin(config), listening))
    return 0


if __name__ == "__main__":
    sys.exit(main())
