"""Rasters as tiles: titiler in a process of its own, because the API loads no raster library.

It answers on a Unix socket in the data folder to nobody but the API, which asks who is asking and passes on.
"""

from __future__ import annotations


def run() -> None:
    """The rasters are served until the process is told to stop; raises SetupError where it cannot listen."""
    from rasters.server import run as serve

    serve()
