"""Whatever was reported by whom and how: no answer that everybody may have holds anything of those who reported."""

from __future__ import annotations

import random
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute

from api.routes.open_incidents import RecentAnswers
from core import sealing
from core.db import transaction
from gis.points import LonLat
from incidents import actions, merging, photos
from incidents.errors import AlreadyMergedError, WrongStateError
from incidents.exchange import arrivals, privacy
from incidents.models import Photo
from incidents.rules import NewReport
from residents import actions as residents_actions
from tests.gis.test_tiles import tile_over

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

# By what the public learns of them; `air` has no row, as a category that the city made itself.
OPEN, COARSE, HIDDEN = ("road", "drain"), ("flooded_home", "noise", "air"), ("safety", "medical")
REPORTS, MERGES = 18, 6
# Pages whose address is itself the secret of one reporter, and files of the build.
OWN_OR_FILES = ("/report/follow/{token}", "/{path:path}", "/api/v1/openapi.json")


@dataclass
class Told:
    """A report with everything personal in it, each part unlike anything else."""

    door: str
    code: str
    is_private: bool
    place: LonLat
    words: str
    person: tuple[str, ...]
    report_id: int = 0
    incident_id: int = 0
    reason: str = ""
    picture: bytes = field(default=b"", repr=False)
    own: list[str] = field(default_factory=list)


def _png(red: int, green: int, blue: int) -> bytes:
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes((0, red, green, blue)))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def _tell(ways: Ways, chance: random.Random, serial: int) -> Told:
    """One report through one of the doors, at a spot of its own."""
    spot = ways.spot()
    # Seven digits behind the point, the last never 0: no place is the beginning of another one.
    lon, lat = (round(float(spot[name]) + chance.randrange(-300, 300) / 1e6 + 3e-7, 7) for name in ("long", "lat"))
    told = Told(
        door=chance.choice(("line", "web", "open311")), code=chance.choice(OPEN + COARSE + HIDDEN),
        is_private=chance.random() < 0.3, place=LonLat(lon=lon, lat=lat), words=f"คำลับ{serial:05d}",
        person=(f"นามลับ{serial:05d}", f"08{serial:08d}", f"secret{serial:05d}@example.org", f"U{serial:032x}"),
    )
    name, phone, mail, line_id = told.person
    words = f"{told.words} โทร {phone} เมล {mail} ไลน์ไอดี: {line_id}"
    picture = _png(serial % 256, serial // 256 % 256, chance.randrange(256))
    with transaction() as session:
        if told.door == "line":
            resident = residents_actions.resident_of(session, line_id)
            resident.name_sealed, resident.phone_sealed = sealing.seal(name), sealing.seal(phone)
            photo = Photo(taken_for="report", line_message_id=f"m{serial}", created_at=resident.joined_at)
            session.add(photo)
            session.flush()
            actions.keep_line_photo(session, photo.id, picture)
            new = NewReport(
                words, told.code, told.place, "pin", resident_id=resident.id, photo_ids=(photo.id,),
                is_private=told.is_private,
            )
            report, _ = actions.receive_report(session, new)
            told.report_id = report.id
        else:
            request = arrivals.receive(
                session,
                arrivals.Arrival(
                    door=told.door, category_code=told.code, description=words,
                    spot=arrivals.spot_of(session, place=told.place), repeat_of=words, told=f"บ้านของ{name}",
                    contact={"first_name": name, "phone": phone, "email": mail}, pictures=[picture],
                    token=f"own-{serial}", is_private=told.is_private,
                ),
            )
            told.report_id, told.own = request.report_id, [f"own-{serial}"]
        told.picture = (photos.folder() / str(session.execute(
            sa.text("SELECT path FROM photo WHERE report_id = :id"), {"id": told.report_id}
        ).scalar_one())).read_bytes()
    return told


def _act(told: list[Told], chance: random.Random) -> None:
    """Some incidents are merged, some go through their states; the officers' reasons name names."""
    for _ in range(MERGES):
        one, other = chance.sample(told, 2)
        with transaction() as session:
            ids = [_incident_of(session, report) for report in (one, other)]
            if len(set(ids)) == 2:
                try:
                    merging.merge_incidents(session, *ids, by="officer", reason=f"{one.person[0]} บอกว่าซ้ำ")
                except (AlreadyMergedError, WrongStateError):
                    continue
    for report in told:
        report.reason = f"เหตุผลลับ{report.report_id:05d}"
        for state in ("accepted", "rejected")[: chance.randrange(3)]:
            with transaction() as session:
                try:
                    actions.change_state(
                        session, _incident_of(session, report), state, by="officer", reason=report.reason
                    )
                except WrongStateError:
                    break
    with transaction() as session:
        for report in told:
            report.incident_id = _incident_of(session, report)


def _incident_of(session: Any, told: Told) -> int:
    found = session.execute(sa.text("SELECT incident_id FROM report WHERE id = :id"), {"id": told.report_id})
    return int(found.scalar_one())


def _secrets(told: list[Told]) -> dict[bytes, str]:
    """What no answer may hold, and whose it is: who it was always, the rest where the incident is not wholly open."""
    with transaction() as session:
        codes = dict(session.execute(sa.text("SELECT id, category_code FROM incident")).all())
    by_incident: dict[int, list[Told]] = {}
    for one in told:
        by_incident.setdefault(one.incident_id, []).append(one)
    secrets: dict[bytes, str] = {}
    for one in told:
        together = by_incident[one.incident_id]
        is_open = codes[one.incident_id] in OPEN and not any(other.is_private for other in together)
        mine = [*one.person, *one.own]
        if not is_open or one.code not in OPEN or one.door == "line":
            mine.append(one.words)
        if not is_open:
            mine.append(one.reason)
        if not is_open or one.code not in OPEN:
            mine += [str(one.place.lon), str(one.place.lat)]
        for text in filter(None, mine):
            secrets[text.encode()] = f"{text} of {one}"
        if not is_open or one.code not in OPEN or one.door != "open311":
            secrets[one.picture] = f"the picture of {one}"
    return secrets


def _unseen_numbers(told: list[Told]) -> set[str]:
    """Numbers of incidents that are nobody's to see."""
    with transaction() as session:
        rows = session.execute(
            sa.text("SELECT id, number, category_code FROM incident WHERE merged_into_id IS NULL")
        ).all()
    private: dict[int, list[bool]] = {}
    for one in told:
        private.setdefault(one.incident_id, []).append(one.is_private)
    return {row.number for row in rows if row.category_code in HIDDEN or all(private.get(row.id, [False]))}


# ── Every address that everybody may ask ─────────────────────────────────────────────────────────────────────────────


def _paths(ways: Ways) -> Iterator[str]:
    """Every path that is read: those that are described, and those that are not."""
    yield from (path for path, ways_in in ways.client.app.openapi()["paths"].items() if "get" in ways_in)  # type: ignore[attr-defined]  # the client's application.
    for included in ways.client.app.routes:  # type: ignore[attr-defined]  # as above
        router = getattr(included, "original_router", None)
        for route in router.routes if router is not None else ():
            if isinstance(route, APIRoute) and not route.include_in_schema and "GET" in route.methods:
                yield route.path


def _addresses(ways: Ways, *, since_id: int) -> Iterator[str]:
    """The paths with everything that could stand in them, of incidents after `since_id`."""
    own = {"since": since_id}
    with transaction() as session:
        numbers = list(session.scalars(sa.text(
            "SELECT number FROM incident WHERE id > :since UNION SELECT request_id FROM service_request s "
            "JOIN report r ON r.id = s.report_id WHERE r.incident_id > :since"
        ), own))
        ids = [str(one) for one in session.scalars(sa.text("SELECT id FROM incident WHERE id > :since"), own)]
        pictures = [str(one) for one in session.scalars(
            sa.text("SELECT p.id FROM photo p JOIN report r ON r.id = p.report_id WHERE r.incident_id > :since"), own
        )]
    standard = ["discovery", "services", "requests", "requests/{}", "servicerequestupdates"]
    pools = {
        "number": numbers, "photo_id": pictures,
        "name": [f"{one}.{form}" for one in pictures for form in ("jpg", "png")],
        "incident_id": ids, "form": ["xml", "json"],
        "path:whole": [f"{one.format(number)}.{form}" for one in standard for form in ("xml", "json")
                       for number in (numbers if "{}" in one else [""])],
        "path:path": [],
    }
    for path in dict.fromkeys(_paths(ways)):
        if path in OWN_OR_FILES:
            continue
        names = re.findall(r"{([^}]+)}", path)
        if not names:
            yield from (path, f"{path}?lang=en")
        elif len(names) == 1:
            values = pools.get(names[0], [*ids[:3], *numbers[:3]])
            yield from (path.replace(f"{{{names[0]}}}", value) for value in values)
        else:
            yield re.sub(r"{[^}]+}", "1", path)
    yield from _open_data(ways)
    key = ways.keys["reader"]
    for call in ("get-issues/v2?duration=all", "download-issues/v2?duration=all", "get-org-list/v1?x=1"):
        yield f"/exchange-api/{call}&token_secret_key={key}"
    yield from (f"/exchange-api/get-issue/v1?ticket_id={one}&token_secret_key={key}" for one in numbers)


def _open_data(ways: Ways) -> Iterator[str]:
    """Everything below /ogc that its own links lead to."""
    for one in ways.client.get("/ogc/collections").json()["collections"]:
        for rest in ("", "/queryables", "/items?limit=1000", "/items?limit=1000&f=geojson"):
            yield f"/ogc/collections/{one['id']}{rest}"
    yield from ("/ogc/", "/ogc/api", "/ogc/conformance")


@pytest.mark.parametrize("seed", [1, 2])
def test_no_answer_to_everybody_holds_anything_of_who_reported(ways: Ways, seed: int) -> None:
    """Words, names, telephones, mail, LINE ids, pictures, exact places and officers' reasons, in every public answer.

    The addresses come from the API's own description and routes, so that a new one is asked too.
    """
    chance = random.Random(seed)
    with transaction() as session:
        session.execute(sa.text("DELETE FROM open_service WHERE category_code = 'air'"))
        since_id = session.execute(sa.text("SELECT coalesce(max(id), 0) FROM incident")).scalar_one()
    told = [_tell(ways, chance, seed * 1000 + serial) for serial in range(REPORTS)]
    _act(told, chance)
    secrets, unseen = _secrets(told), _unseen_numbers(told)
    ways.client.app.state.open_incidents = RecentAnswers()  # type: ignore[attr-defined]  # the client's application.
    bodies, found = {}, []
    for address in _addresses(ways, since_id=since_id):
        answer = ways.client.get(address, follow_redirects=False)
        bodies[address] = answer.content
        said = answer.content + str(answer.headers).encode()
        found += [(address, whose) for secret, whose in secrets.items() if secret in said]
        if answer.status_code == 200:
            found += [(address, number) for number in unseen if f'"{number}"'.encode() in said]
    assert found == []
    _assert_that_something_was_told(bodies)
    _assert_tiles_hold_the_cell_alone(ways, told, unseen)


def _assert_that_something_was_told(bodies: dict[str, bytes]) -> None:
    """The walk came by every kind of public answer, and incidents were in them."""
    with transaction() as session:
        shown = session.execute(sa.text("SELECT number FROM gis_public.incidents")).scalars().all()
    assert shown
    for beginning in ("/api/v1/public/incidents.csv", "/api/v1/public/incidents.geojson", "/open311/v2/requests.xml",
                      "/open311/v2/requests.json", "/ogc/collections/incidents/items",
                      "/exchange-api/get-issues", "/exchange-api/get-issue/", "/t/"):
        told = b"".join(body for address, body in bodies.items() if address.startswith(beginning))
        assert any(number.encode() in told for number in shown), beginning


def _assert_tiles_hold_the_cell_alone(ways: Ways, told: list[Told], unseen: set[str]) -> None:
    """A tile of the open data around the true place is empty where the cell's middle lies elsewhere."""
    with transaction() as session:
        middles = {(row.lon, row.lat) for row in session.execute(
            sa.text("SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat FROM gis_public.incidents")
        )}
    shown = {tile_over(lon, lat, 18) for lon, lat in middles}
    for one in told[:12]:
        tile = tile_over(one.place.lon, one.place.lat, 18)
        address = f"/ogc/collections/incidents/tiles/WebMercatorQuad/{tile.z}/{tile.x}/{tile.y}"
        answer = ways.client.get(address)
        assert answer.status_code in (200, 204), answer.text
        assert bool(answer.content) is (tile in shown), one
        coarse = privacy.coarsened(one.place)
        assert (one.place.lon, one.place.lat) not in middles, (one, coarse)
