"""How feeds come into a city: a layer of its pack, or a file that an operator adds."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cli import feeds as feed_commands
from core.db import transaction
from core.errors import InvalidInputError
from gis.citypack.importer import import_city
from gis.citypack.layers import LayerMeta, LayerRows
from gis.errors import CityPackError
from sensors.actions import key_hash
from sensors.citypack import FEEDS
from sensors.feeds_store import actions
from sensors.feeds_store.models import Feed, FeedHealth
from tests.gis.packs import SQUARE, Pack, feature, point
from tests.sensors.feeds_house.conftest import Source
from tests.sensors.feeds_house.declared import a_feed, add_gauge

ROW: dict[str, Any] = {
    "code": "thaiwater", "name_th": "คลังน้ำชาติ", "kind": "thaiwater", "url": "https://water.example/list",
    "period_s": 600, "streams": '[{"stream": "7001", "datastream": "G1", "unit": "m_msl", "to_unit": "m"}]',
}
FILE = """
[[feed]]
code = "lora"
name_th = "โครงข่ายลอร่า"
kind = "tts"
period_s = 900
streams = [{ stream = "A84041FFFF0000C1/distance", datastream = "G1", unit = "mm", to_unit = "m", height_mm = 4000 }]
options = { devices = { A84041FFFF0000C1 = { fields = ["distance"] } } }

[[feed]]
code = "plain"
kind = "http_json"
url = "http://127.0.0.1:1/rows"
period_s = 600
streams = [{ stream = "s", datastream = "G1", unit = "m", to_unit = "m" }]
"""


def _load(session: Session, rows: list[dict[str, Any]]) -> int:
    meta = LayerMeta(
        id=1, name="sources", kind="feeds", file="feeds.csv", source="test", licence="CC0", dated=date(2026, 1, 1),
        trust="simulated", version=1,
    )
    columns = {name: [row.get(name) for row in rows] for name in FEEDS.columns}
    return FEEDS.load(session, LayerRows(layer=meta, numbers=range(2, len(rows) + 2), columns=columns, geoms=None))


def test_a_layer_of_the_pack_brings_feeds(session: Session) -> None:
    """A row is a feed; what has left the layer is gone, and what a feed has done stays known over an import."""
    add_gauge(session, "G1")
    push = {"code": "town", "kind": "http_json", "period_s": 300, "key": "its-key", "streams": ROW["streams"]}
    assert _load(session, [ROW, push]) == 2
    by_code = {feed.code: feed for feed in session.scalars(sa.select(Feed))}
    assert (by_code["thaiwater"].name_en, by_code["thaiwater"].trust) == ("คลังน้ำชาติ", "simulated")
    assert by_code["town"].key_hash == key_hash("its-key")
    health = session.get_one(FeedHealth, by_code["thaiwater"].id)
    health.rows_stored, health.etag = 7, '"v1"'
    session.flush()
    assert _load(session, [ROW]) == 1
    assert session.scalars(sa.select(Feed.code)).all() == ["thaiwater"]
    assert (health.rows_stored, health.etag) == (7, '"v1"')
    _load(session, [ROW | {"url": "https://water.example/other"}])
    assert health.etag is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"streams": "["}, "Layer sources, row 2: Column 'streams' is not JSON"),
        ({"kind": "pigeon"}, "Layer sources, row 2: 'kind' must be one of"),
        ({"options": '{"colour": 1}'}, "Layer sources, row 2: There is no option 'colour'"),
    ],
)
def test_a_bad_row_of_the_layer_is_named(session: Session, changes: dict[str, Any], sentence: str) -> None:
    """Who wrote the layer is told the row and the fault."""
    with pytest.raises(InvalidInputError, match=sentence):
        _load(session, [ROW | changes])


def test_a_feed_belongs_to_where_it_was_declared(session: Session) -> None:
    """Neither the pack nor an operator takes over the other's feed."""
    actions.declare_feed(session, a_feed("thaiwater", "http_json"))
    with pytest.raises(InvalidInputError, match="already there, from the command line"):
        _load(session, [ROW])


def test_an_operator_adds_feeds_from_a_file(tmp_path: Path) -> None:
    """Each `[[feed]]` is read strictly; TOML's own kinds of values do not slip in."""
    path = tmp_path / "feeds.toml"
    path.write_text(FILE)
    lora, plain = feed_commands.feeds_of(path)
    assert (lora.url, lora.trust, lora.name_en, plain.url) == (None, "real", "โครงข่ายลอร่า", "http://127.0.0.1:1/rows")
    for change, sentence in (
        ("colour = 1", "no setting 'colour'"), ("url = 5", "'url' must be of the type str"),
        ("trust = 'maybe'", "'trust' must be one of"), ("options = { at = 2026-01-01 }", "only texts, numbers"),
    ):
        path.write_text(f"[[feed]]\ncode = 'x'\nkind = 'tts'\nperiod_s = 60\nstreams = []\n{change}\n")
        with pytest.raises(InvalidInputError, match=sentence):
            feed_commands.feeds_of(path)
    path.write_text("feed = 1")
    with pytest.raises(InvalidInputError, match=r"written as \[\[feed\]\]"):
        feed_commands.feeds_of(path)


def _pack_with_feeds(folder: Path, *rows: dict[str, Any], gauges: Sequence[dict[str, Any]] = ()) -> Path:
    pack = Pack(folder)
    pack.add("boundary", [feature({"type": "Polygon", "coordinates": [SQUARE]}, name_th="เมืองเล็ก")])
    with (folder / "feeds.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(ROW))
        writer.writeheader()
        writer.writerows(rows)
    pack.declare("feeds", "feeds.csv")
    if gauges:
        pack.add("gauges", [feature(point(100.01, 8.01), **gauge) for gauge in gauges])
    return pack.close()


def _of(code: str, datastream: str) -> dict[str, Any]:
    return ROW | {"code": code, "streams": ROW["streams"].replace("G1", datastream)}


def test_a_layer_of_feeds_names_only_datastreams_that_are_there(session: Session, tmp_path: Path) -> None:
    """A feed of a datastream that nobody has is refused by row and column with all other faults, and what is near."""
    gauges = [{"code": "G1", "interval_s": 300}, {"code": "G2", "interval_s": -1}]
    rows = [_of("one", "G1"), _of("two", "G11"), _of("three", "G2"), _of("four", "G1") | {"period_s": 1}]
    with pytest.raises(CityPackError) as refused:
        import_city(session, _pack_with_feeds(tmp_path, *rows, gauges=gauges))
    assert list(refused.value.findings) == [
        "gauges.geojson, row 2, column interval_s: '-1' is not between 1 and 604800.",
        "feeds.csv, row 5, column period_s: '1' is not between 30 and 604800.",
        "feeds.csv, row 3, column streams: it names the datastream 'G11', which is not there; the nearest are G1, G2.",
    ]
    assert session.scalars(sa.select(Feed.code)).all() == []


def test_feeds_of_gauges_that_were_refused_are_refused_with_them(session: Session, tmp_path: Path) -> None:
    """Where a city keeps the gauges that it had, a feed cannot name one that did not come in."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    import_city(session, _pack_with_feeds(tmp_path / "one", _of("one", "G1"), gauges=[{"code": "G1"}]))
    gauges = [{"code": "G1"}, {"code": "G2", "watch_m_msl": 3.0, "warning_m_msl": 1.0}]
    pack = _pack_with_feeds(tmp_path / "two", _of("one", "G1"), _of("two", "G2"), gauges=gauges)
    refused = {layer.name: layer.findings for layer in import_city(session, pack).refused}
    assert set(refused) == {"gauges", "feeds"}
    assert refused["feeds"] == (
        "feeds.csv, row 3, column streams: it names the datastream 'G2', which is not there; the nearest are G1.",
    )
    assert session.scalars(sa.select(Feed.code)).all() == ["one"]


def test_a_layer_of_feeds_may_name_gauges_of_the_same_pack_in_any_order(session: Session, tmp_path: Path) -> None:
    """Feeds come in after the gauges that they name, and lose none of their faults where a gauge has left the pack."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    both = [{"code": "G1"}, {"code": "G2"}]
    import_city(session, _pack_with_feeds(tmp_path / "one", _of("one", "G1"), _of("two", "G2"), gauges=both))
    assert session.scalars(sa.select(Feed.code).order_by(Feed.code)).all() == ["one", "two"]
    rows = [_of("one", "G1"), _of("new", "G2")]
    report = import_city(session, _pack_with_feeds(tmp_path / "two", *rows, gauges=both[:1]))
    assert [(layer.name, list(layer.findings)) for layer in report.refused] == [
        ("feeds", ["feeds.csv, row 3, column streams: it names the datastream 'G2', which is not there; "
                   "the nearest are G1."]),
    ]
    assert session.scalars(sa.select(Feed.code).order_by(Feed.code)).all() == ["one", "two"]


def test_the_command_line_adds_lists_and_asks(
    database: sa.Engine, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key is shown once and kept as its hash; a poll says what came of it; the list says how each feed does."""
    with transaction() as session:
        import_city(session, _pack_with_feeds(tmp_path, ROW, gauges=[{"code": "G1"}]))
    path = tmp_path / "feeds.toml"
    path.write_text(FILE.replace("http://127.0.0.1:1", source.url))
    source.answers["/rows"] = (200, {}, json.dumps([]).encode())
    feed_commands.add(path)
    said = capsys.readouterr().out
    key = said.split("shown only now: ")[1].split()[0]
    with transaction() as session:
        assert actions.signed_in_feed(session, "lora", key).code == "lora"
    assert not feed_commands.poll("plain")
    assert "The source answered without any data" in capsys.readouterr().out
    feed_commands.add(path)
    assert "shown only now" not in capsys.readouterr().out
    feed_commands.list_feeds()
    assert "failing" in capsys.readouterr().out
    with transaction() as session:
        assert session.scalars(sa.select(Feed.code).order_by(Feed.code)).all() == ["lora", "plain", "thaiwater"]
