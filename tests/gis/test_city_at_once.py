"""Two imports into one database: one after the other, each judged against what stands then."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.db import transaction
from gis.citypack.importer import ImportReport, import_city
from gis.errors import CityPackError
from tests.gis.packs import Pack, feature, line

ROAD = line((100.001, 8.001), (100.002, 8.002))


class Import(threading.Thread):
    """An import in a transaction of its own; `waits` is set once it is told to wait."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.waits = folder, threading.Event()
        self.report: ImportReport | None = None
        self.refusal = ""

    def run(self) -> None:
        """The import has ended, well or refused."""
        try:
            with transaction() as session:
                self.report = import_city(session, self.folder, self.hear)
        except CityPackError as exc:
            self.refusal = exc.detail

    def hear(self, sentence: str) -> None:
        """It is known whether the import waits."""
        if "waiting for another import" in sentence:
            self.waits.set()


@pytest.mark.parametrize("slug", ["tiny", "other"])
def test_the_second_import_waits_and_sees_what_the_first_has_done(
    database: sa.Engine, pack: Pack, tmp_path: Path, slug: str
) -> None:
    """The same pack is unchanged then, another city's is refused: nothing is there twice, and nothing breaks."""
    pack.add("roads", [feature(ROAD, **{"class": "primary"})])
    folder = pack.close()
    second = tmp_path / "second"
    second.mkdir()
    for file in folder.iterdir():
        (second / file.name).write_text(file.read_text(encoding="utf-8").replace('"tiny"', f'"{slug}"'))
    with transaction() as session:
        import_city(session, folder)
        other = Import(second)
        other.start()
        assert other.waits.wait(20)
    other.join(20)
    if slug == "tiny":
        assert other.report is not None
        assert {layer.outcome for layer in other.report.layers} == {"unchanged"}
    else:
        assert "the database holds the city 'tiny'" in other.refusal
    with transaction() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM road")) == 1
