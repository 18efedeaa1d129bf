"""CAP 1.2: what we emit fits both schemas and our own rules, and covers the zone."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely.geometry import MultiPolygon, Point, Polygon

from alerts.cap import checking, documents, outlines, read, terms, writing
from alerts.errors import CapRefusedError

XSD = Path(__file__).resolve().parents[3] / "shared" / "data" / "cap" / "xsd"
SENT = datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)
needs_xsd = pytest.mark.skipif(not XSD.exists(), reason="the CAP schemas are not beside the project")


@functools.cache
def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(XSD / name))


def document(polygons: list[Polygon], **changes: object) -> bytes:
    texts = tuple(outlines.as_text(p) for p in polygons)
    infos = tuple(
        writing.Info(
            language=language,
            event="Flood",
            headline=headline,
            description="น้ำท่วม" if language == "th" else "Flood",
            instruction="…",
            sender_name="City",
            contact="199",
            areas=(writing.Area(name="Zone & <1>", code="Z1", polygons=texts),),
        )
        for language, headline in (("th", "อันตราย"), ("en", "Danger"))
    )
    values: dict[str, object] = {
        "identifier": "faonam.demo.A2569-00001",
        "sender": "faonam.demo",
        "sent_at": SENT,
        "status": "Test",
        "message_type": "Alert",
        "categories": ("Met",),
        "grade": terms.observed(3),
        "expires_at": SENT + timedelta(hours=6),
        "infos": infos,
        "note": "Simulated data.",
    }
    return writing.to_xml(writing.CapAlert(**(values | changes)))  # type: ignore[arg-type]  # built from a dict


def blob(seed: tuple[float, float, float], holes: list[tuple[float, float, float]]) -> Polygon:
    lon, lat, radius = seed
    shape: shapely.Geometry = Point(lon, lat).buffer(radius, quad_segs=4)
    for angle, distance, size in holes:
        centre = Point(lon, lat)
        x, y = centre.x + radius * distance * angle, centre.y + radius * distance * (1 - angle)
        shape = shape.difference(Point(x, y).buffer(radius * size, quad_segs=3))
    return shape  # type: ignore[return-value]  # may be any area


degrees = st.tuples(st.floats(99.5, 100.5), st.floats(8.0, 9.0), st.floats(1e-5, 0.02))
holes = st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1), st.floats(0.005, 0.4)), max_size=6)
zones = st.lists(st.builds(blob, degrees, holes), min_size=1, max_size=3).map(shapely.union_all)


@needs_xsd
@settings(max_examples=60, deadline=None)
@given(zone=zones)
def test_any_zone_becomes_sound_cap_that_covers_it(zone: shapely.Geometry) -> None:
    """Every alert we emit passes both schemas and our own rules; no place of the zone is outside its polygons."""
    parts = outlines.outlines(zone)
    xml = document(parts)
    for name in ("cap12.xsd", "cap12_extended.xsd"):
        schema(name).assertValid(etree.fromstring(xml))
    assert checking.problems(xml) == []
    assert all(not outline.interiors for outline in parts)
    assert shapely.union_all(parts).covers(zone)
    assert shapely.union_all(parts).area <= zone.area * 1.5 + 1e-8


def test_polygons_are_read_back_as_they_were_meant() -> None:
    """A CAP polygon is lat,lon with six decimals, closed; read back it still covers the zone."""
    zone = blob((100.0, 8.4, 0.01), [(0.3, 0.2, 0.2), (-0.5, 0.4, 0.1)])
    read = []
    for outline in outlines.outlines(zone):
        pairs = [tuple(map(float, pair.split(","))) for pair in outlines.as_text(outline).split()]
        assert pairs[0] == pairs[-1]
        assert all(re.fullmatch(r"-?\d+\.\d{5,}", x) for p in outlines.as_text(outline).split() for x in p.split(","))
        read.append(Polygon([(lon, lat) for lat, lon in pairs]))
    assert shapely.union_all(read).covers(zone)


def test_ten_thousand_vertices_become_few_and_nothing_is_lost() -> None:
    """A fine outline is simplified outwards."""
    fine = Point(100, 8.4).buffer(0.01, quad_segs=2500)
    ragged = fine.difference(Point(100.002, 8.4).buffer(0.003, quad_segs=500))
    parts = outlines.outlines(MultiPolygon([ragged]))
    assert sum(len(o.exterior.coords) for o in parts) < 1000
    assert shapely.union_all(parts).covers(ragged)


def test_slivers_and_lines_have_no_outline_or_a_sound_one() -> None:
    """A zone without area gives nothing; a sliver a centimetre wide gives a polygon that covers it."""
    assert outlines.outlines(Polygon([(100, 8), (100.1, 8), (100, 8)])) == []
    sliver = Polygon([(100, 8), (100.01, 8), (100.01, 8.0000001)])
    assert shapely.union_all(outlines.outlines(sliver)).covers(sliver)


SQUARE = Polygon([(100.0, 8.4), (100.01, 8.4), (100.01, 8.41), (100.0, 8.41)])


@needs_xsd
def test_update_names_what_it_replaces() -> None:
    """An Update carries sender,identifier,sent of every message in force; times have the Thai offset."""
    reference = writing.Reference("faonam.demo", "faonam.demo.A1", SENT - timedelta(hours=1))
    xml = document([SQUARE], message_type="Update", references=(reference, reference), grade=terms.expected(0))
    schema("cap12_extended.xsd").assertValid(etree.fromstring(xml))
    assert b"faonam.demo,faonam.demo.A1,2026-11-21T09:00:00+07:00 faonam.demo," in xml
    assert b"<sent>2026-11-21T10:00:00+07:00</sent>" in xml
    assert b"AllClear" in xml
    assert b"Past" in xml


# What both schemas accept and a receiver cannot use (from the standard's text), by the field that must be named.
UNSOUND = [
    ("polygon", lambda x: re.sub(rb"(\d+\.\d+),(\d+\.\d+)", rb"\2,\1", x)),
    ("polygon", lambda x: re.sub(rb" [\d.]+,[\d.]+</polygon>", b"</polygon>", x)),
    ("polygon", lambda x: re.sub(rb"<polygon>[^<]*", b"<polygon>hello", x)),
    ("polygon", lambda x: re.sub(rb"<polygon>[^<]*", b"<polygon>", x)),
    ("polygon", lambda x: re.sub(rb"<polygon>[^<]*", b"<polygon>8,100 9,101 8,101 9,100 8,100", x)),
    ("expires", lambda x: re.sub(rb"<expires>2026", b"<expires>2019", x)),
    ("expires", lambda x: re.sub(rb"<expires>[^<]*</expires>", b"", x)),
    ("references", lambda x: x.replace(b"<msgType>Alert", b"<msgType>Update")),
    ("sent", lambda x: x.replace(b"<sent>2026", b"<sent>2569")),
    ("language", lambda x: x.replace(b"en-US", b"th-TH")),
    ("language", lambda x: x.replace(b"<language>th-TH</language>", b"")),
    ("restriction", lambda x: x.replace(b">Public<", b">Restricted<")),
    ("area", lambda x: re.sub(rb"<area>.*?</area>", b"", x, flags=re.DOTALL)),
    ("info", lambda x: re.sub(rb"<info>.*</info>", b"", x, flags=re.DOTALL)),
    ("note", lambda x: re.sub(rb"<status>Test(.*)<note>[^<]*</note>", rb"<status>Exercise\1", x, flags=re.DOTALL)),
    ("sender", lambda x: x.replace(b"<sender>faonam.demo", b"<sender>faonam demo")),
]


@needs_xsd
@pytest.mark.parametrize(("field", "spoil"), UNSOUND)
def test_what_the_schema_accepts_is_found_by_our_rules(field: str, spoil: object) -> None:
    """Each case that CAP's own schema lets pass is refused, and the field is named."""
    sound = document([SQUARE])
    assert checking.problems(sound) == []
    spoilt = spoil(sound)  # type: ignore[operator]  # a function of the table above
    assert spoilt != sound
    schema("cap12.xsd").assertValid(etree.fromstring(spoilt))
    assert field in {finding.field for finding in checking.problems(spoilt)}


def test_a_place_without_an_english_name_makes_no_text_thai() -> None:
    """An English message may name places in Thai, as long as the zones are called so; Thai sentences may not pass."""
    thai_place = document([SQUARE]).replace(b"Zone &amp; &lt;1&gt;", "ชุมชนตลาดพฤหัสบดี".encode())
    named = thai_place.replace(b"<headline>Danger", "<headline>Danger: ชุมชนตลาดพฤหัสบดี".encode())
    assert named != thai_place
    assert checking.problems(named) == []
    written = thai_place.replace(b"<headline>Danger", "<headline>อันตรายถึงชีวิต อพยพทันที".encode())
    assert "language" in {finding.field for finding in checking.problems(written)}


def test_document_with_a_doctype_is_refused() -> None:
    """An entity attack is refused before its text could be half-read; so is what is no XML or far too large."""
    attack = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + document([SQUARE]).split(b"?>", 1)[1]
    for raw in (attack, b"hello", b"<alert/>", b" " * (documents.BYTES_AT_MOST + 1)):
        with pytest.raises(CapRefusedError):
            read(raw, source="test")
