"""What the command line says of feeds that a file declares: new, as they were, or changed and how."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cli import feeds as feed_commands
from core import clock
from core.db import transaction
from core.errors import InvalidInputError
from gis.citypack.importer import import_city
from sensors.feeds_store.models import Feed, FeedHealth
from tests.gis.packs import SQUARE, Pack, feature
from tests.sensors.feeds_house.declared import add_gauge

PLAIN = """
[[feed]]
code = "plain"
name_th = "ต้นทาง"
kind = "http_json"
url = "https://water.example/rows?token=hush-1"
period_s = 600
secret_env = "FAONAM_FEED_PLAIN"
streams = [
  { stream = "a", datastream = "G1", unit = "m", to_unit = "m" },
  { stream = "b", datastream = "G2", unit = "m", to_unit = "m" },
]
"""
PUSHES = """
[[feed]]
code = "pushes"
kind = "http_json"
period_s = 900
streams = [{ stream = "s", datastream = "G1", unit = "m", to_unit = "m" }]
"""


@pytest.fixture
def file(database: sa.Engine, tmp_path: Path) -> Path:
    """Where feeds are to be declared, in a city with the gauges G1 and G2."""
    (tmp_path / "city").mkdir()
    pack = Pack(tmp_path / "city")
    pack.add("boundary", [feature({"type": "Polygon", "coordinates": [SQUARE]}, name_th="เมืองเล็ก")])
    with transaction() as session:
        import_city(session, pack.close())
        add_gauge(session, "G1")
        add_gauge(session, "G2")
    return tmp_path / "feeds.toml"


def _said(file: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    file.write_text(text, encoding="utf-8")
    capsys.readouterr()
    feed_commands.add(file)
    return capsys.readouterr().out.splitlines()


def test_what_was_declared_is_told_as_new_unchanged_or_changed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever changes a feed reads what of it is different now, from the old to the new."""
    first = _said(file, PLAIN + PUSHES, capsys)
    assert first[:2] == ["plain: new, http_json, 2 streams", "pushes: new, http_json, 1 streams"]
    assert first[2].startswith("  its key, shown only now: ")
    assert _said(file, PLAIN + PUSHES, capsys) == ["plain: unchanged", "pushes: unchanged"]
    other = PLAIN.replace('"http_json"', '"csv"').replace("600", "300").replace('"ต้นทาง"', '"ต้นน้ำ"')
    other = other.replace('"b", datastream = "G2", unit = "m"', '"c", datastream = "G2", unit = "m"')
    other = other.replace('"a", datastream = "G1", unit = "m"', '"a", datastream = "G1", unit = "cm"')
    other += 'options = { unit = "m", decimal = "," }\n'
    assert _said(file, other + PUSHES, capsys) == [
        "plain: changed", "  name_th: ต้นทาง → ต้นน้ำ", "  name_en: ต้นทาง → ต้นน้ำ", "  kind: http_json → csv",
        "  period_s: 600 → 300", "  stream a, unit: m → cm", "  stream b: gone, filled G2", "  stream c: new, fills G2",
        "  options.decimal: none → ,", "  options.unit: none → m", "pushes: unchanged",
    ]


def test_a_changed_address_is_told_without_what_may_be_a_secret(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A token in a path or a query is nobody's to read over a shoulder; the host is enough to see what happened."""
    _said(file, PLAIN, capsys)
    assert _said(file, PLAIN.replace("hush-1", "hush-2"), capsys) == [
        "plain: changed", "  url: another address at https://water.example",
    ]
    moved = PLAIN.replace("water.example/rows", "other.example:8443/hush-3")
    assert _said(file, moved, capsys) == [
        "plain: changed", "  url: https://water.example → https://other.example:8443",
    ]
    assert _said(file, moved.replace("_PLAIN", "_OTHER"), capsys) == [
        "plain: changed", "  secret_env: FAONAM_FEED_PLAIN → FAONAM_FEED_OTHER",
    ]


def test_a_feed_that_is_asked_otherwise_is_asked_afresh(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source that says 'as before' would keep a new series empty, and a shorter interval waits for no longer one."""
    for change in ("datastream", "600"):
        _said(file, PLAIN, capsys)
        with transaction() as session:
            health = session.scalars(sa.select(FeedHealth).join(Feed, Feed.id == FeedHealth.feed_id)).one()
            health.etag, health.next_attempt_wall_at = '"v1"', clock.wall_now() + timedelta(days=1)
        _said(file, PLAIN, capsys)
        with transaction() as session:
            assert session.scalars(sa.select(FeedHealth.etag)).one() == '"v1"'
        other = PLAIN.replace('"b", datastream', '"c", datastream') if change == "datastream" else (
            PLAIN.replace("600", "60")
        )
        _said(file, other, capsys)
        with transaction() as session:
            health = session.scalars(sa.select(FeedHealth)).one()
            assert (health.etag, health.next_attempt_wall_at) == (None, None)


def test_a_code_that_stands_twice_in_a_file_is_refused(file: Path) -> None:
    """The second would silently take the place of the first."""
    file.write_text(PUSHES + PUSHES, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"feeds\.toml, feed 2: feed 1 has the code 'pushes'\."):
        feed_commands.add(file)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("ต้นทาง", "\\u0000", "'name_th' holds a character that cannot be stored"),
        ('"a", datastream', '"a\\u0000", datastream', "'streams' holds a character that cannot be stored"),
        ("water.example", "[::1", "'url' is no address"),
        ("water.example", "water.example:99999", "'url' is no address"),
        ("water.example", "water.example:0", "'url' names the port 0"),
    ],
)
def test_what_cannot_be_kept_of_a_feed_is_refused_in_a_sentence(
    file: Path, old: str, new: str, sentence: str
) -> None:
    """What the database or an address cannot hold names the feed and the setting, and is no failure of ours."""
    file.write_text(PLAIN.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        feed_commands.add(file)
    assert refused.value.detail.startswith(f"feeds.toml, feed plain: {sentence}")


def test_a_file_that_cannot_be_read_is_told_for_what_it_is(tmp_path: Path) -> None:
    """Nothing there, a folder, another encoding and no TOML are four things, and each has its sentence."""
    thai, wrong = tmp_path / "thai.toml", tmp_path / "wrong.toml"
    thai.write_bytes("# \n# แหล่ง".encode("cp874"))
    wrong.write_text("[[feed]]\ncode =\n")
    for path, sentence in (
        (tmp_path / "gone.toml", f"There is no file {tmp_path / 'gone.toml'}."),
        (tmp_path / "no" / "gone.toml", f"There is no file {tmp_path / 'no' / 'gone.toml'}."),
        (tmp_path, f"{tmp_path} is a folder; name a file."),
        (thai, f"{thai}, row 2: it is no text in UTF-8; save the file as UTF-8."),
        (thai / "in", f"{thai / 'in'} cannot be read: Not a directory."),
        (wrong, f"{wrong} is no TOML: Invalid value (at line 2, column 7)."),
    ):
        with pytest.raises(InvalidInputError) as refused:
            feed_commands.feeds_of(path)
        assert refused.value.detail == sentence


def test_a_feed_writes_only_where_there_is_a_datastream(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A datastream that is not there is named with the nearest ones, and nothing of the file is declared."""
    with pytest.raises(InvalidInputError, match=r"feeds\.toml, feed plain: 'streams'.*'G3'.*nearest are G2, G1"):
        _said(file, PUSHES + PLAIN.replace('"G2"', '"G3"'), capsys)
    with transaction() as session:
        assert session.scalars(sa.select(Feed)).all() == []
