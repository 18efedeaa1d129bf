"""Open data at /ogc: OGC API Features and Tiles on the views of schema `gis_public`, read by a role of its own."""

from __future__ import annotations

from api.ogc.door import OpenData

__all__ = ["OpenData"]
