# SPDX-License-Identifier: MIT
"""The host that a test is run with, by its environment."""
import os

from stack.hosts import NodeHost, PythonHost, SampleHost
from stack.worker_hosts import (CHost, GunicornHost, GunicornPreloadHost, NginxHost, NodeClusterHost,
                                SampleSet, UvicornHost)

KINDS = {kind.kind: kind for kind in (
    SampleHost, SampleSet, CHost, NginxHost, PythonHost, UvicornHost, GunicornHost,
    GunicornPreloadHost, NodeHost, NodeClusterHost)}


def new_host(directory, plugin=None, **kwargs):
    """A host of the kind that PROMPLUG_HOST_KIND names, with the plugin of PROMPLUG_PLUGIN."""
    kind = KINDS[os.environ.get("PROMPLUG_HOST_KIND", SampleHost.kind)]
    chosen = os.environ.get("PROMPLUG_PLUGIN", "") if plugin is None else plugin
    return kind(directory, chosen, **kwargs)
