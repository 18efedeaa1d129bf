"""Places in Thai free text: how often right, how often wrong and sure, and how fast; against likeness in PostgreSQL.

The reports are made from the names of the city pack and of the demo city, the sub-districts of Bangkok's complaints
are read with nothing but the registers of units. A report is right where the candidate's radius holds the true place
and is not wider than the named thing itself asks for (three times its extent, and 500 m).
"""

from __future__ import annotations

import csv
import re
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench.measure import OURS, Result, check, take_turns, timed
from bench.places import own_database
from bench.scribbles import Scribble, scribbles
from core import db
from core.errors import SetupError
from core.progress import step
from core.settings import ROOT, data_dir
from demo.city import generate
from gis import crs
from gis.citypack.importer import import_city
from gis.gazetteer import files, queries
from gis.gazetteer.entries import FACILITY_FAMILIES, Entry
from gis.gazetteer.geocode import Candidate, geocode
from gis.gazetteer.index import Gazetteer, build
from gis.gazetteer.normal import thai_normal
from gis.points import LonLat

DATA = ROOT.parent / "shared" / "data"
PACK = "nakhon-si-thammarat"
TEXTS, ROUNDS, PEER_TEXTS = 1_200, 5, 12
SURE = 0.8
LEAST = {"first_right": 0.90, "first_three_right": 0.97, "reports_per_s": 2_000.0, "bangkok_subdistrict_right": 0.90}
MOST = {"wrong_and_sure": 0.01}
BAR = {"likeness_in_sql": 0.1}
# A report's own words in an address that Bangkok's system has completed: its last แขวง and เขต.
_NAMED = re.compile(r"แขวง\s*([ก-๛]+)\s+เขต\s*([ก-๛]+)")


def measure(*, seed: int) -> Result:
    """1,200 reports over two cities and 1,715 complaints, read; then the same reports timed against PostgreSQL."""
    if not (DATA / "cities" / PACK).is_dir():
        raise SetupError(f"This bench reads the city pack and the complaints beside the project, and {DATA} is absent.")
    asked = []
    with own_database("geocoder"):
        nst = _city(DATA / "cities" / PACK)
        asked += _asked(nst, seed=seed)
        with step(f"timing {TEXTS // 2} reports") as tell, db.transaction() as session:
            _lay_out_names(session, nst)
            texts = [one.text for one, _ in asked]
            taken = take_turns(
                {
                    OURS: timed(lambda: [geocode(nst, text) for text in texts], pieces=len(texts)),
                    "likeness_in_sql": timed(
                        lambda: [_likest(session, text) for text in texts[:PEER_TEXTS]], pieces=PEER_TEXTS
                    ),
                },
                rounds=ROUNDS, tell=tell,
            )
            cpu_s = _processor_s(nst, texts)
    with own_database("geocoder"):
        asked += _asked(_city(_demo_pack()), seed=seed + 1)
    bangkok = _bangkok()
    outcomes = [_outcome(one, found) for one, found in asked]
    figures = {
        "first_right": _share(outcome.rank == 0 for outcome in outcomes),
        "first_three_right": _share(outcome.rank < 3 for outcome in outcomes),
        "wrong_and_sure": _share(outcome.is_wrong_and_sure for outcome in outcomes),
        "reports_per_s": round(1 / cpu_s),
        "bangkok_subdistrict_right": bangkok.right,
    }
    facts = {
        "texts": len(asked), "names": len(nst.keys), "bangkok_addresses": bangkok.count,
        "said_nothing": _share(not found for _, found in asked), "seed": seed,
    }
    peers = {"likeness_in_sql": taken["likeness_in_sql"]}
    return Result("geocoder", facts, taken[OURS], peers, BAR, figures=figures, most=MOST, least=LEAST)


def _processor_s(gazetteer: Gazetteer, texts: Sequence[str]) -> float:
    """The seconds of one core that a report takes, whatever else the machine does: the median of five rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for text in texts:
            geocode(gazetteer, text)
        rounds.append((time.process_time() - began_s) / len(texts))
    return statistics.median(rounds)


def _share(are_so: Iterable[bool]) -> float:
    listed = list(are_so)
    return round(sum(listed) / max(len(listed), 1), 4)


# --- the cities ----------------------------------------------------------------------------------------------------


def _demo_pack() -> Path:
    folder = data_dir() / "demo-pack"
    with step("drawing the demo city"):
        generate.write_pack(folder)
    return folder


def _city(pack: Path) -> Gazetteer:
    with step(f"importing {pack.name}") as tell, db.transaction() as session:
        import_city(session, pack, tell)
        return queries.load(session)


def _asked(gazetteer: Gazetteer, *, seed: int) -> list[tuple[Scribble, tuple[Candidate, ...]]]:
    """Half of the reports, about places that a report may name, with what was found."""
    nameable = [entry for entry in gazetteer.entries if is_nameable(entry)]
    made = scribbles(nameable, count=TEXTS // 2, seed=seed)
    return [(one, geocode(gazetteer, one.text).candidates) for one in made]


def is_nameable(entry: Entry) -> bool:
    """A place of the city by a Thai name: a row whose name is no name ("คลอง", "15", a station
    that has only its road's) is none."""
    if not entry.is_local or entry.place is None or entry.kind in ("municipality", "district"):
        return False
    form = thai_normal(entry.name_th)
    is_after_a_road = entry.family in FACILITY_FAMILIES and form.startswith("ถนน")
    return not form.isascii() and len(form) > 5 and not is_after_a_road


@dataclass(frozen=True)
class _Outcome:
    """At which rank the right place stands (99: at none), and whether a wrong one stands first and sure."""

    rank: int
    is_wrong_and_sure: bool


def _outcome(asked: Scribble, found: Sequence[Candidate]) -> _Outcome:
    rank = next((n for n, candidate in enumerate(found) if is_right(asked, candidate)), 99)
    return _Outcome(rank, rank != 0 and bool(found) and found[0].confidence >= SURE)


def is_right(asked: Scribble, candidate: Candidate) -> bool:
    """The candidate's radius holds the true place, and is not wider than the named thing asks for."""
    is_inside = crs.distance_m(asked.truth, candidate.place) <= candidate.radius_m
    return is_inside and candidate.radius_m <= 3 * asked.extent_m + 500.0


# --- the peer ------------------------------------------------------------------------------------------------------


def _lay_out_names(session: Session, gazetteer: Gazetteer) -> None:
    """The same names in a table, in normal form."""
    session.execute(sa.text("CREATE TEMPORARY TABLE known_name (entry integer, normal text)"))
    rows = [{"entry": n, "normal": thai_normal(entry.name_th)} for n, entry in enumerate(gazetteer.entries)]
    session.execute(sa.text("INSERT INTO known_name VALUES (:entry, :normal)"), rows)
    check(_likest(session, "น้ำท่วมวัดศาลามีชัย") is not None, "PostgreSQL finds no name in a report.")


def _likest(session: Session, text: str) -> int | None:
    """The entry whose name is most like a part of the report."""
    found = session.scalar(
        sa.text(
            "SELECT entry FROM known_name WHERE normal <% thai_normal(:text) "
            "ORDER BY word_similarity(normal, thai_normal(:text)) DESC, length(normal) DESC LIMIT 1"
        ),
        {"text": text},
    )
    return None if found is None else int(found)


# --- Bangkok -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bangkok:
    """How many addresses name a sub-district of the register, and the share that was read right."""

    count: int
    right: float


@dataclass(frozen=True)
class Complaint:
    """A complaint to Bangkok, its pin, and the code of the sub-district that its address names."""

    text: str
    address: str
    place: LonLat
    subdistrict: str


def _bangkok() -> _Bangkok:
    """The complaint's words and its address, read with the units alone, against the sub-district the address names."""
    entries = files.admin_entries(DATA / "admin")
    gazetteer = build(files.with_places(entries))
    right = []
    for complaint in complaints(entries):
        found = geocode(gazetteer, f"{complaint.text} {complaint.address}").candidates
        first = next((one.code for one in found if one.kind == "subdistrict"), "")
        right.append(first == complaint.subdistrict)
    return _Bangkok(len(right), _share(right))


def complaints(entries: Sequence[Entry]) -> list[Complaint]:
    """The complaints beside the project whose address names a sub-district of the registers' `entries`."""
    codes = {_key(e): e.code for e in entries if e.kind == "subdistrict" and e.province == files.BANGKOK}
    districts = {thai_normal(e.name_th).removeprefix("เขต"): e.code for e in entries if e.kind == "district"}
    found = []
    with (DATA / "complaints" / "traffy_bangkok_2023-05.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            named = _NAMED.findall(row["address"])
            if not named:
                continue
            true = codes.get((districts.get(thai_normal(named[-1][1]), ""), thai_normal(named[-1][0])))
            if true is not None:
                pin = LonLat(lon=float(row["lon"]), lat=float(row["lat"]))
                found.append(Complaint(row["text"][:1000], row["address"], pin, true))
    return found


def _key(entry: Entry) -> tuple[str, str]:
    return entry.district, thai_normal(entry.name_th).removeprefix("แขวง")
