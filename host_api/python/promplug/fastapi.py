# SPDX-License-Identifier: MIT
"""FastAPI and Starlette in one line: promplug.fastapi.instrument(app)."""
import os
from typing import Any, Mapping, Optional

from . import _binding
from ._library import PATH_VARIABLE
from ._log import logger
from .asgi import Middleware
from .errors import Error
from .plugin import Plugin, load


def instrument(app: Any, plugin_path: Optional[str] = None, config_path: Optional[str] = None, *,
               plugin: Optional[Plugin] = None, load_options: Optional[Mapping[str, Any]] = None,
               **middleware_options: Any) -> Optional[Plugin]:
    """Adds the middleware, before the application's startup, and loads the plugin if need be.

    plugin_path  loaded as load() does, if no plugin is loaded yet and none is given; also where
                 it is None and PROMPLUG_PLUGIN is set. config_path, load_options: for load().
    middleware_options  as asgi.Middleware has them.

    Returns the plugin in use. A plugin that cannot be loaded is one line in the log and None: the
    application is served without metrics.
    """
    chosen = plugin or _binding.default()
    if chosen is None and (plugin_path or os.environ.get(PATH_VARIABLE)):
        try:
            # The application's startup starts it, in the worker that serves.
            chosen = load(plugin_path, config_path, **{"start": False, **(load_options or {})})
        except Error as error:
            logger.error("serving without metrics: %s", error)
    app.add_middleware(Middleware, plugin=plugin, **middleware_options)
    return chosen
