"""What a spot is called, as it is written."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from gis.citypack.importer import import_city
from gis.points import LonLat
from gis.queries import place_label
from tests.gis.packs import Pack, feature, line, point

ROAD, CLASS = line((100.004, 8.01), (100.006, 8.01)), {"class": "primary"}
BESIDE_THE_ROAD, BESIDE_THE_VILLAGE, AWAY = (LonLat(lon=lon, lat=8.01) for lon in (100.005, 100.03, 100.2))


@pytest.mark.parametrize(
    ("name", "as_it_follows"),
    [
        ("ถนนพัฒนาการ", "ถนนพัฒนาการ"), ("เทศบาล", "เทศบาล"), ("Sipraj Road", " Sipraj Road"), ("É", " É"),
        ("4103", " 4103"), ("๔๑๐๓", " ๔๑๐๓"), ("(ไม่มีชื่อ)", "(ไม่มีชื่อ)"),
    ],
)  # fmt: skip
def test_a_thai_word_and_a_latin_name_stand_apart(session: Session, pack: Pack, name: str, as_it_follows: str) -> None:
    """So "ใกล้ Sipraj Road" and "ใกล้ถนนพัฒนาการ": a gap before Latin letters and digits, none before Thai ones."""
    pack.head = pack.head.replace("เมืองเล็ก", name)
    pack.add("roads", [feature(ROAD, code="R1", name_th=name, name_en="Road", **CLASS)])
    pack.add("places", [feature(point(100.03, 8.01), code="P1", kind="village", name_th=name, name_en="Village")])
    import_city(session, pack.close())
    assert place_label(session, BESIDE_THE_ROAD, "th") == f"ใกล้{as_it_follows}"
    assert place_label(session, BESIDE_THE_VILLAGE, "th") == f"ใกล้{as_it_follows}"
    assert place_label(session, AWAY, "th") == f"นอกเขต{as_it_follows}"
    assert place_label(session, BESIDE_THE_ROAD, "en") == "near Road"
    assert place_label(session, AWAY, "en") == "outside Tiny"


def test_a_community_and_a_latin_road_stand_apart(session: Session, pack: Pack) -> None:
    """So "ริมธารใส ใกล้ Sipraj Road" within the community, and "ใกล้ Riverside" beside one with a Latin name."""
    pack.add_csv(
        "communities", "code,name_th,lon,lat\nC1,ริมธารใส,100.005,8.01\nC2,Riverside,100.015,8.01\n",
        options='polygons = "voronoi"',
    )
    pack.add("roads", [feature(ROAD, code="R1", name_th="Sipraj Road", name_en="Sipraj Road", **CLASS)])
    import_city(session, pack.close())
    assert place_label(session, BESIDE_THE_ROAD, "th") == "ริมธารใส ใกล้ Sipraj Road"
    assert place_label(session, LonLat(lon=100.022, lat=8.01), "th") == "ใกล้ Riverside"
