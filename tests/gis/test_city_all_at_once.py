"""Everything that is wrong with a pack is told in one go: each file, row and column, and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cli.rooms import load_layers
from gis.citypack.importer import import_city
from gis.errors import LISTED_FINDINGS, CityPackError
from tests.gis.packs import Pack

GAUGES = "code,kind,datum,watch_m_msl,warning_m_msl,interval_s,lon,lat\n"
CREWS = "code,name_th,kind,vehicle,ford_limit_m,lon,lat\n"


@pytest.fixture
def findings(session: Session, pack: Pack) -> Callable[[], list[str]]:
    """`findings()`: what an import of the pack says is wrong; nothing of it is then in the database."""
    load_layers()

    def told() -> list[str]:
        with pytest.raises(CityPackError) as refused:
            import_city(session, pack.close())
        for table in ("city", "station", "crew"):
            assert session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) == 0
        return list(refused.value.findings)

    return told


def test_rows_with_faults_of_every_sort_are_named_together(pack: Pack, findings: Callable[[], list[str]]) -> None:
    """A word for a longitude hides no missing code, no place far off, no levels that fall, and no other file."""
    pack.add_csv(
        "gauges",
        GAUGES
        + "G1,gauge,,1.0,2.0,300,east,8.01\n"
        + "G2,gauge,,1.0,2.0,300,8.01,100.01\n"
        + "G3,gauge,,1.0,2.0,300,101.5,8.01\n"
        + ",gauge,,1.0,2.0,often,100.01,8.01\n"
        + "G5,gauge,,3.0,2.0,300,100.01,8.01\n"
        + "G6,boat,Ko Lak,3.0,2.0,300,100.01,8.01\n"
        + "G7,gauge,,1.0\n"
        + "G8,gauge,,1.0,2.0,300,,8.01\n"
        + "G9,gauge,,1.0,2.0,300,500,8.01\n"
        + "G1,gauge,,1.0,2.0,300,100.01,8.01\n",
    )
    pack.add_csv("crews", CREWS + "c1,ชุด,road,tank,9,100.01,8.01\nc2,ชุด,road,truck,,100.01,8.01\nc3,,road,car,,,8.01\n")
    told = findings()
    for start in (
        "gauges.csv, row 8: it has 4 columns, the header has 8.",
        "gauges.csv, row 2, column lon: 'east' is not a number.",
        "gauges.csv, row 9: it has no geometry, or an empty one.",
        "gauges.csv, row 10: ",
        "gauges.csv, row 3: longitude and latitude are swapped",
        "gauges.csv, row 4: it lies outside the city's extent",
        "gauges.csv, row 5, column code: it is empty, but required.",
        "gauges.csv, row 5, column interval_s: 'often' is not a whole number.",
        "gauges.csv, row 11, column code: 'G1' is there twice: row 2 has it already.",
        "gauges.csv, row 6: station G5: watch, warning and danger must rise in this order.",
        "gauges.csv, row 7, column kind: it is 'boat', but must be gauge or rain.",
        "gauges.csv, row 7, column datum: station G6 counts from 'Ko Lak'",
        "crews.csv, row 4: it has no geometry, or an empty one.",
        "crews.csv, row 4, column name_th: it is empty, but required.",
        "crews.csv, row 2, column vehicle: 'tank' is not one of",
        "crews.csv, row 2, column ford_limit_m: 9.0 m is outside",
    ):
        assert [sentence for sentence in told if sentence.startswith(start)], start
    assert len(told) == 16, told


def test_a_missing_column_hides_no_faulty_place(pack: Pack, findings: Callable[[], list[str]]) -> None:
    """Of a column that is not there the file is told, not each of its rows."""
    pack.add_csv("gauges", "name_th,lon,lat\nก,100.01,8.01\nข,101.5,8.01\nค,100.01,8.01\n")
    told = findings()
    assert [sentence.split(";")[0].split("(")[0] for sentence in told] == [
        "gauges.csv, column code: this required column is missing",
        "gauges.csv, row 3: it lies outside the city's extent and a margin of 2,000 m ",
    ]


def test_what_only_the_database_knows_is_told_of_every_layer(pack: Pack, findings: Callable[[], list[str]]) -> None:
    """Two layers with a code of a third's are both told, not one after the other."""
    good = "A,gauge,,1.0,2.0,300,100.01,8.01\n"
    pack.add_csv("gauges", GAUGES + good)
    for name in ("more", "others"):
        pack.declare(name, f"{name}.csv")
        pack.extra = pack.extra.replace(f'kind = "{name}"', 'kind = "gauges"')
        (pack.folder / f"{name}.csv").write_text(GAUGES + good, encoding="utf-8")
    assert findings() == [
        f"{name}.csv: Layer {name}, row 2: Station A is already there, from the layer 'gauges'."
        for name in ("more", "others")
    ]


def test_a_thousand_faults_are_counted_beyond_the_first_twenty(session: Session, pack: Pack, tmp_path: Path) -> None:
    """Nobody reads a thousand lines; how many there are is told."""
    load_layers()
    pack.add_csv("gauges", GAUGES + "".join(f"G{n},boat,,1.0,2.0,300,100.01,8.01\n" for n in range(1000)))
    with pytest.raises(CityPackError) as refused:
        import_city(session, pack.close())
    lines = refused.value.detail.splitlines()
    assert (len(lines), lines[-1]) == (LISTED_FINDINGS + 1, "… and 980 more.")
