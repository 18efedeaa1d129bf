"""The recorded levels that the nowcast's bench reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import gauges
from sensors.nowcast.grid import ascending

FEBRUARY = """tanggal,waktu,nama_pintu_air,lokasi,latitude,longitude,tinggi_air,status_siaga
2019-02-01,12:10:00AM,PS. Depok  ,Ciliwung,-6.4,106.8,1000,Status : Normal
2019-02-01,2:30:00PM,PS. Depok  ,Ciliwung,-6.4,106.8,1010,Status : Normal
2019-02-01,2:30:00PM,PS. Depok  ,Ciliwung,-6.4,106.8,1010,Status : Normal
2019-02-01,2:40:00PM,PS. Depok  ,Ciliwung,-6.4,106.8,0,Status : Normal
"""
MARCH = """nama_pintu_air,lokasi,latitude,longitude,tanggal,tinggi_air,status_siaga
"PS. Depok",Ciliwung,-6.4,106.8,"2019-03-01 00:10:00",1015,"Status : Normal"
"PS. Depok",Ciliwung,-6.4,106.8,"2019-03-01 00:20:00",1020,"Status : Normal"
"PS. Depok",Ciliwung,-6.4,106.8,"2019-03-01 00:30:00",1030,"Status : Normal"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "2019-02.csv").write_text(FEBRUARY, encoding="utf-8")
    (tmp_path / "2019-03.csv").write_text(MARCH, encoding="utf-8")
    return tmp_path


def test_both_layouts_are_one_gauge_without_repeats_and_drops(folder: Path) -> None:
    """12:10 AM is ten past midnight in Jakarta, a repeat counts once, nought is no level."""
    depok = gauges.jakarta(folder, least_readings=1).levels["PS. Depok"]
    assert depok.values.tolist() == [1000.0, 1010.0, 1015.0, 1020.0, 1030.0]
    assert depok.times_s[0] == 1548954600.0  # 2019-01-31T17:10Z


def test_a_jump_is_doubted_until_a_second_reading_agrees() -> None:
    """One reading two metres off is left out; two that agree are the water, from the second on."""
    rows = [(600.0 * number, value) for number, value in enumerate([1000.0, 3000.0, 1000.0, 3000.0, 3010.0, 3020.0])]
    trusted = gauges._trusted(ascending(rows))
    assert trusted.values.tolist() == [1000.0, 1000.0, 3010.0, 3020.0]
