# SPDX-License-Identifier: MIT
"""A configuration of gunicorn that starts the plugin in the workers."""
import promplug


def post_fork(server, worker):
    promplug.default_plugin().start()
