"""What a real city's open data lacks is invented on top of it, and says so."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cli.rooms import load_layers
from core.errors import SetupError
from core.settings import ROOT
from demo import complement, packfiles
from demo.city.hydrology import Hydrology
from demo.storm import Storm
from flood import actions, picture
from flood.ground import ground_of
from gis.citypack.importer import import_city

NST = ROOT.parent / "shared" / "data" / "cities" / "nakhon-si-thammarat"


@pytest.mark.skipif(not NST.is_dir(), reason=f"the open data of Nakhon Si Thammarat is not at {NST}")
def test_a_real_city_gets_what_it_lacks_and_real_layers_stay_real(session: Session, tmp_path: Path) -> None:
    """The overlay adds simulated layers only, and they mark the city; stations stand on its waters for a storm."""
    load_layers()
    import_city(session, NST)
    real = session.execute(sa.text("SELECT name, version FROM layer ORDER BY name")).all()
    overlay = complement.write_overlay(session, tmp_path / "overlay", seed=2569)
    report = import_city(session, overlay)
    assert {layer.kind for layer in report.layers} == {"terrain", "gauges", "cameras", "homes", "agencies", "crews"}
    assert {layer.trust for layer in report.layers} == {"simulated"}
    assert all(layer.source.startswith("ข้อมูลจำลองของเฝ้าน้ำ") for layer in report.layers)
    asked = sa.text("SELECT name, version FROM layer WHERE trust <> 'simulated' ORDER BY name")
    assert session.execute(asked).all() == real
    # What is drawn from simulated levels is simulated, in maps, files and open data too.
    assert session.scalar(sa.text("SELECT is_simulated FROM city"))
    off_m = session.scalars(sa.text(
        "SELECT min(ST_Distance(s.geom::geography, w.geom::geography)) "
        "FROM station s CROSS JOIN waterway w GROUP BY s.id"
    )).all()
    assert len(off_m) == 7
    assert max(off_m) < 1.0
    outside = session.scalar(sa.text(
        "SELECT count(*) FROM home h CROSS JOIN city c WHERE NOT ST_DWithin(h.geom, c.boundary, 0.0003)"
    ))
    assert outside == 0
    actions.make_zones(session)
    ground = ground_of(session)
    water = Hydrology.of(*[[row.columns for row in packfiles.rows([overlay], kind)] for kind in ("gauges", "cameras")])
    levels = {g.station_id: water.level_m_msl(g.code, after_h=3.0) for g in ground.terrain.gauges}
    depth_m = picture.picture_of(ground.terrain, levels).depth_m
    assert 2_000 < int((depth_m[ground.homes.cell] > 0).sum()) < 15_000


def _without(pack: Path, kinds: set[str], *, to: Path) -> Path:
    """The pack without its layers of these kinds, in the folder `to`."""
    shutil.copytree(pack, to)
    head, *layers = re.split(r"(?=^\[\[layer\]\])", (to / "city.toml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    kept = [layer for layer in layers if not any(f'kind = "{kind}"' in layer for kind in kinds)]
    assert len(kept) == len(layers) - len(kinds)
    (to / "city.toml").write_text(head + "".join(kept), encoding="utf-8")
    return to


def test_a_city_with_gauges_but_no_members_or_crews_gets_just_those(
    session: Session, pack: Path, tmp_path: Path
) -> None:
    """Each missing kind is simulated by itself; what the pack brought is not drawn again."""
    load_layers()
    lacking = _without(pack, {"homes", "crews", "cameras"}, to=tmp_path / "lacking")
    import_city(session, lacking)
    assert complement.lacking(session) == {"homes", "crews", "cameras"}
    overlay = complement.write_overlay(session, tmp_path / "overlay", seed=2569)
    report = import_city(session, overlay)
    assert {layer.kind for layer in report.layers} == {"homes", "crews", "cameras"}
    assert complement.lacking(session) == frozenset()
    assert len(packfiles.rows([overlay, lacking], "gauges")) == 5
    assert len(packfiles.rows([overlay, lacking], "cameras")) == 2


def test_a_storm_refuses_gauges_that_it_may_not_speak_for(pack: Path, tmp_path: Path) -> None:
    """A gauge without a key in its pack is named, and nothing is played."""
    keys = [row.columns["device_key"] for row in packfiles.rows([pack], "gauges")]
    keyless = _without(pack, set(), to=tmp_path / "keyless")
    layer = keyless / "gauges.csv"
    layer.write_text(layer.read_text(encoding="utf-8").replace(keys[0], ""), encoding="utf-8")
    with pytest.raises(SetupError, match="Gauge G1 has no device_key"):
        Storm(packs=[keyless], speed=120)
