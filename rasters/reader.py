"""rio-tiler's reader, with each value called what the file calls its band."""

from __future__ import annotations

from typing import Any

from rio_tiler.io import Reader
from rio_tiler.models import PointData


class NamingReader(Reader):
    """A raster whose values at a point carry the names of their bands, in the order in which they were asked for.

    rio-tiler 9.4 (`rio_tiler.reader.read`) calls every band by the name of the last one.
    """

    def point(self, *args: Any, **kwargs: Any) -> PointData:
        """The values at a point, named."""
        data = super().point(*args, **kwargs)
        told = self.dataset.descriptions  # type: ignore[union-attr]  # it is open since it was made
        data.band_descriptions = [told[int(name.removeprefix("b")) - 1] or name for name in data.band_names]
        return data
