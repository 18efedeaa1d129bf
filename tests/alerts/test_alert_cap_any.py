"""Every alert that can be made is sound CAP: whatever the zones' shapes and names, the languages and the chain."""

from __future__ import annotations

import functools
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely.geometry import MultiPolygon, Point, Polygon

from alerts.cap import checking, outlines, read, terms, writing

XSD = Path(__file__).resolve().parents[3] / "shared" / "data" / "cap" / "xsd"
SENT = datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)
TEXTS = {
    "th": ("อันตราย น้ำท่วม", "น้ำกำลังเข้าท่วม", "อพยพทันที โทร 199"),
    "en": ("Danger: flood", "Water is coming", "Leave now, call 199"),
    "ms": ("Bahaya banjir", "Air sedang naik", "Keluar sekarang, hubungi 199"),
    "my": ("အန္တရာယ် ရေကြီးခြင်း", "ရေတက်လာသည်", "ယခုထွက်ခွာပါ"),
}


@functools.cache
def published_schemas() -> list[etree.XMLSchema]:
    return [etree.XMLSchema(etree.parse(XSD / name)) for name in ("cap12.xsd", "cap12_extended.xsd")]


def ragged(vertices: int, lon: float, lat: float) -> Polygon:
    """A town's edge that goes in and out at every step."""
    turns = ((2 * math.pi * n / vertices, 0.01 + 0.002 * (n % 3)) for n in range(vertices))
    return Polygon([(lon + r * math.cos(a), lat + r * math.sin(a)) for a, r in turns]).buffer(0)


def holed(lon: float, lat: float, holes: int) -> shapely.Geometry:
    """A disc with holes on a ring, some of which touch."""
    disc: shapely.Geometry = Point(lon, lat).buffer(0.01, quad_segs=6)
    for n in range(holes):
        turn = 2 * math.pi * n / max(holes, 1)
        hole = Point(lon + 0.005 * math.cos(turn), lat + 0.005 * math.sin(turn)).buffer(
            0.0015 + 0.0005 * (n % 3), quad_segs=2
        )
        disc = disc.difference(hole)
    return disc


def sliver(lon: float, lat: float, width: float) -> Polygon:
    return Polygon([(lon, lat), (lon + 0.01, lat + width), (lon + 0.02, lat), (lon + 0.01, lat - width)])


lons, lats = st.floats(97.5, 105.5), st.floats(5.7, 20.4)
shapes = st.one_of(
    st.builds(ragged, st.sampled_from([3, 7, 50, 2_000, 10_000]), lons, lats),
    st.builds(holed, lons, lats, st.integers(0, 9)),
    st.builds(sliver, lons, lats, st.sampled_from([1e-9, 1e-7, 1e-5, 1e-3])),
    st.builds(lambda lon, lat: MultiPolygon([sliver(lon, lat, 1e-4), holed(lon, lat + 0.05, 2)]), lons, lats),  # type: ignore[list-item]  # may be any area
)
names = st.text(max_size=12) | st.sampled_from(
    ["ชุมชน <ตลาด> & ท่าวัง", "\x00\x08\x1f", "🌊👨‍👩‍👧", "]]>", "\ufffe\uffff\ud800", "&amp;", "\r\n\t"]
)
zones = st.lists(st.tuples(shapes, names, names), min_size=1, max_size=3)
languages = st.sets(st.sampled_from(sorted(TEXTS)), min_size=1).map(sorted)


@st.composite
def alerts(draw: st.DrawFn) -> tuple[writing.CapAlert, list[shapely.Geometry]]:
    drawn = draw(zones)
    hazard, level = draw(st.sampled_from(sorted(terms.hazards()))), draw(st.integers(0, 3))
    kind = draw(st.sampled_from(["Alert", "Update", "Cancel"]))
    earlier = draw(st.lists(names, min_size=1, max_size=4)) if kind != "Alert" else []
    status, note = draw(st.sampled_from([("Actual", None), ("Test", "simulated"), ("Exercise", "Exercise 1")]))
    areas = [
        writing.Area(name=name, code=code, polygons=tuple(map(outlines.as_text, outlines.outlines(shape))))
        for shape, name, code in drawn
    ]
    infos = [
        writing.Info(
            language, terms.hazard(hazard).event[language], *TEXTS[language], draw(names), draw(names), tuple(areas)
        )
        for language in draw(languages)
    ]
    grade = draw(st.sampled_from([terms.expected(level), terms.observed(level), terms.CANCELLED]))
    alert = writing.CapAlert(
        identifier=f"faonam.{draw(names)}.A2569-00001",
        sender=f"faonam.{draw(names)}",
        sent_at=SENT + timedelta(seconds=draw(st.integers(0, 10**7))),
        status=status,
        message_type=kind,
        categories=terms.hazard(hazard).categories,
        grade=grade,
        expires_at=SENT + timedelta(days=200),
        infos=tuple(infos),
        event_codes=(("faonam:hazard", hazard),),
        parameters=(("faonam:level", str(level)), ("faonam:note", draw(names))),
        web=draw(st.sampled_from([None, "https://water.example.org"])),
        note=note,
        references=tuple(writing.Reference("faonam.demo", f"m.{name}", SENT) for name in earlier),
        incidents=tuple(draw(st.lists(names, max_size=2))),
    )
    return alert, [shape for shape, _, _ in drawn]


@pytest.mark.skipif(not XSD.exists(), reason="the CAP schemas are not beside the project")
@settings(max_examples=60, deadline=None)
@given(drawn=alerts())
def test_every_alert_that_can_be_made_is_sound_cap(drawn: tuple[writing.CapAlert, list[shapely.Geometry]]) -> None:
    """It fits CAP 1.2 and the stricter schema and our own rules, is read back as it was meant, and covers its zones."""
    alert, shapes = drawn
    xml = writing.to_xml(alert)
    for schema in published_schemas():
        schema.assertValid(etree.fromstring(xml))
    assert checking.problems(xml) == []
    (message,) = read(xml, source="ours").messages
    assert (message.message_type, message.status) == (alert.message_type, alert.status)
    assert message.sent_at == alert.sent_at.replace(microsecond=0)
    assert [info.language for info in message.infos] == [terms.CAP_LANGUAGES[info.language] for info in alert.infos]
    assert len(message.references) == len(alert.references)
    for shape, area in zip(shapes, message.infos[0].areas, strict=True):
        assert shapely.union_all([Polygon(ring) for ring in area.polygons]).covers(shape)


@pytest.mark.parametrize("hazard", sorted(terms.hazards()))
def test_each_hazard_is_named_in_each_language(hazard: str) -> None:
    """Every hazard has its categories and an event in all our languages, written in their own script."""
    found = terms.hazard(hazard)
    assert found.categories
    assert found.event.keys() == terms.CAP_LANGUAGES.keys()
    assert all(terms.is_written_in(language, event) for language, event in found.event.items())


def test_levels_are_told_in_cap_words() -> None:
    """Danger seen is Extreme, Immediate, Observed; danger foretold only Likely; a watch Moderate and Possible."""
    assert terms.observed(3) == terms.Grade("Evacuate", "Immediate", "Extreme", "Observed")
    assert terms.expected(3) == terms.Grade("Evacuate", "Immediate", "Extreme", "Likely")
    assert terms.observed(2) == terms.Grade("Execute", "Immediate", "Severe", "Likely")
    assert terms.expected(2) == terms.Grade("Execute", "Expected", "Severe", "Likely")
    assert terms.observed(1) == terms.expected(1) == terms.Grade("Prepare", "Expected", "Moderate", "Possible")
    assert terms.expected(0) == terms.Grade("AllClear", "Past", "Minor", "Observed")
