"""Maps and data as files: the officers' briefing map, and the open data for others."""

from __future__ import annotations

from pathlib import Path

from cli.city import city_while_needed
from core import clock, db
from core.errors import InvalidInputError
from core.progress import console, step


def brief(out: Path, *, run_id: int | None) -> None:
    """The briefing map is the file `out`. For `faonam briefing`."""
    from flood.briefing import write_briefing

    if out.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"{out.name}: a briefing is an HTML file; name it so, as in briefing.html.")
    with city_while_needed(), step(f"drawing {out.name}"), db.transaction() as session:
        size = write_briefing(session, out, run_id=run_id, now=clock.now())
    console.print(f"{out}: {size / 1e6:.1f} MB; it opens without a network.")


def export(out: Path, *, form: str, layers: str, run_id: int | None) -> None:
    """The open data is the file `out`. For `faonam export`."""
    from gis import exports

    writers = {"gpkg": exports.write_geopackage, "pmtiles": exports.write_pmtiles}
    if form not in writers:
        raise InvalidInputError(f"There is no format '{form}'; there are {', '.join(writers)}.")
    chosen = [name.strip() for name in layers.split(",") if name.strip()] if layers else list(exports.LAYERS)
    with city_while_needed(), step(f"writing {out.name}") as tell, db.transaction() as session:
        counts = writers[form](session, out, layers=chosen, run_id=run_id, tell=tell)
    console.print(", ".join(f"{name} {count:,}" for name, count in counts.items()))
