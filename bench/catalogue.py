"""Every claim by name, with what it is measured against; each stands in the file of its name."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from pathlib import Path

from bench.measure import Result
from bench.places import alone
from core.errors import InvalidInputError
from core.logs import configure_logs
from core.settings import settings

CLAIMS: Mapping[str, str] = {
    "readings": "store 5,000 readings with quality, newest values and states; floor: COPY of the same rows",
    "quality": "judge 1,000,000 readings one by one by QARTOD's tests; peer: ioos_qc 3.0, same parameters",
    "ingest": "a minute of 2,000 gauges by MQTT and HTTP with quality and watch; floor of the database path: COPY",
    "reads": "newest values, a day, pages and $expand among 10,000,000 readings, over HTTP; floor: plain SQL",
    "audience": "who of 1,000,000 homes is in a zone of 10,000 corners, edges too; peer: PostGIS with ST_Subdivide",
    "preview": "preview an audience over 44,000 homes and 10 zones; peer: one count over undivided outlines",
    "approve": "freeze 10,000 residents into chunks; floor: one INSERT and sealing; limit: LINE's rate",
    "alert": "from an officer's yes to LINE's last: 50,000 and 1,000,000 people; gauge to screen; floor: LINE's rate",
    "members": "import 44,000 members and homes; floor: COPY of the same rows",
    "picture": "draw the demo city's flood with the facts of its zones; limit: the time between pictures in the storm",
    "flood": "from new levels to depth, zones, exposure and a tile, 2000 x 2000 cells; peer: plain polygonising",
    "waterline": "read the water's level in a JPEG; floor: cv2.imdecode of the same JPEG",
    "terrain": "drain 4000 x 4000 cells: fill, directions, accumulation, HAND; peers: pyflwdir 0.5.12, pysheds 0.5",
    "tiles": "uncached vector tiles, 1,000,000 incidents and 39,200 streets, one worker; peer: tipg, same tables",
    "duplicates": "10,000 reports of a week, 15 % repeats: joined rightly; one more among 1,000,000 incidents in time",
    "geocoder": "places in Thai free text: right, wrong and sure, per second; peer: likeness in PostgreSQL",
    "nowcast": "levels 1, 3 and 6 h ahead on two real networks, shown where they have skill; peer: persistence",
    "webhook": "300 LINE events a second for a minute, a fifth twice, receivers killed; limits: 200 ms, each once",
    "intake": "10,000 reports told on LINE in six minutes, from the first word to the number; limit: 2 s to an answer",
    "categories": "what complaints are about: first, among three, how sure; peers: lexicon alone, letters alone",
    "knowledge": "questions answered from articles: right, silent where none answers; limit: 20 ms among 10,000",
    "opendata": "pages, boxes, days and a tile of 300,000 public incidents at /ogc; peer: plain SQL on the public view",
    "multicast": "the LINE stand-in's answer to 500 recipients; floor: a bare Starlette endpoint",
}


TAKE_DATA = ("categories",)


def run(name: str, *, seed: int, data: Path | None = None) -> Result:
    """The claim of this name has been measured, its input drawn from `seed`, or read from `data` where it takes that.

    Raises InvalidInputError for an unknown name, WrongWorkError where a side does not do its work, and SetupError where
    another bench is running or the database is a city's own.
    """
    if name not in CLAIMS:
        raise InvalidInputError(f"There is no bench '{name}'; there are {', '.join(CLAIMS)}.")
    if data is not None and name not in TAKE_DATA:
        raise InvalidInputError(f"--data goes with {', '.join(TAKE_DATA)}; '{name}' makes its own input.")
    configure_logs(settings().log_format, level=logging.WARNING)
    with alone():
        result: Result = importlib.import_module(f"bench.{name}").measure(seed=seed, **({"data": data} if data else {}))
        return result
