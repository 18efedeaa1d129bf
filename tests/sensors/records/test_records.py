"""Past records become plain rows, whatever dirt their files hold."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import InvalidInputError, NotFoundError
from core.settings import ROOT
from sensors.records.read import read_record
from sensors.records.rows import Record, Row
from sensors.rules import WaterState

DATA = ROOT.parent / "shared" / "data" / "sensors"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="The open data lie beside the project, not in it.")
OLD = "tanggal,waktu,nama_pintu_air,lokasi,latitude,longitude,tinggi_air,status_siaga"
NEW = "nama_pintu_air,lokasi,latitude,longitude,tanggal,tinggi_air,status_siaga"


def _record(folder: Path, **files: list[str]) -> Record:
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_record(folder)


def _old(day: str, clock: str, level: str, *, name: str = "P.A. Marina Ancol ", status: str = "Normal") -> str:
    return f"{day},{clock},{name},Laut,-6.1,106.8,{level},Status : {status}"


def test_both_jakarta_layouts_become_the_same_rows(tmp_path: Path) -> None:
    """Date and 12-hour time in two columns, or one ISO time in another column order: one row, and a repeat."""
    new = '"P.A. Marina Ancol ",Laut,-6.1,106.8,"2019-02-01 14:30:00",1700,"Status : Siaga 3"'
    record = _record(tmp_path, a=[OLD, _old("2019-02-01", "2:30:00PM", "1700", status="Siaga 3")], b=[NEW, new])
    at = datetime(2019, 2, 1, 7, 30, tzinfo=UTC)
    assert record.rows == (
        Row(station="P.A. Marina Ancol", at=at, value=1700.0, unit="mm", official=WaterState.WATCH),
    )
    assert (record.lines, record.repeats, record.conflicts, record.bad) == (2, 1, (), ())


def test_ten_past_midnight_is_ten_past_midnight(tmp_path: Path) -> None:
    """12:10:00AM in Jakarta (UTC+7) is 17:10 of the day before in UTC; 12:10:00PM is 05:10."""
    record = _record(
        tmp_path, a=[OLD, _old("2019-02-02", "12:10:00AM", "10"), _old("2019-02-02", "12:10:00PM", "20")]
    )
    assert [row.at for row in record.rows] == [
        datetime(2019, 2, 1, 17, 10, tzinfo=UTC), datetime(2019, 2, 2, 5, 10, tzinfo=UTC)
    ]


def test_names_are_trimmed_and_rows_are_put_in_order(tmp_path: Path) -> None:
    """`P.A. Istiqlal  ` and `P.A. Istiqlal` are one station; the file's order is none."""
    later = _old("2019-02-02", "9:00:00AM", "20", name="P.A. Istiqlal  ")
    earlier = _old("2019-02-01", "9:00:00AM", "10", name="P.A. Istiqlal")
    record = _record(tmp_path, a=[OLD, later, earlier])
    assert [(row.station, row.value) for row in record.rows] == [("P.A. Istiqlal", 10.0), ("P.A. Istiqlal", 20.0)]


def test_a_repeat_with_another_value_is_told_and_the_first_counts(tmp_path: Path) -> None:
    """Nobody can say later which was true: the conflict is listed with file and row."""
    record = _record(tmp_path, a=[OLD, _old("2019-02-01", "9:00:00AM", "-400"), _old("2019-02-01", "9:00:00AM", "370")])
    assert [row.value for row in record.rows] == [-400.0]
    (conflict,) = record.conflicts
    assert (conflict.file, conflict.row) == ("a.csv", 3)
    assert "370, but -400 before" in conflict.cause


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (_old("2019-02-01", "9:00:00AM", "high"), "tinggi_air"),
        (_old("2019-02-01", "9:00:00AM", "nan"), "tinggi_air"),
        (_old("2019-02-01", "9:00:00AM", ""), "tinggi_air"),
        (_old("2019-02-31", "9:00:00AM", "10"), "tanggal"),
        (_old("2019-02-01", "21:00", "10"), "tanggal"),
        (_old("2019-02-01", "9:00:00AM", "10", status="Siaga 9"), "status_siaga"),
        (_old("2019-02-01", "9:00:00AM", "10", name="  "), "nama_pintu_air"),
        ("2019-02-01,9:00:00AM,PS. Depok", "tinggi_air"),
    ],
)
def test_a_bad_row_is_listed_with_file_row_and_field_and_the_others_stay(tmp_path: Path, line: str, field: str) -> None:
    """One bad row costs one row."""
    record = _record(tmp_path, a=[OLD, _old("2019-02-01", "8:00:00AM", "10"), line])
    assert len(record.rows) == 1
    assert [(bad.file, bad.row, bad.field) for bad in record.bad] == [("a.csv", 3, field)]
    assert record.bad[0].cause


def test_a_path_that_is_no_record_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Nothing there, no file in it, columns that nobody knows, no text."""
    with pytest.raises(NotFoundError, match="no record"):
        read_record(tmp_path / "absent")
    with pytest.raises(NotFoundError, match=r"no \.csv"):
        read_record(tmp_path)
    with pytest.raises(InvalidInputError, match="columns a, b"):
        _record(tmp_path, x=["a,b", "1,2"])
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(InvalidInputError, match=r"x\.csv is empty"):
        read_record(tmp_path)
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="no text"):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b"a,b\n1,2\n"), ("x.csv", b""), ("x.csv", b"\xff\xfe\x00"), ("x.csv", b"a" * 200_000),
        ("x.pdf", b"%PDF-1.7\n\xe2\xe3"), ("notes.txt", b"levels"),
    ],
)
def test_whoever_names_a_wrong_file_reads_what_is_expected(tmp_path: Path, name: str, content: bytes) -> None:
    """All three forms are named with their fields, whatever the file is instead."""
    (tmp_path / name).write_bytes(content)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises((InvalidInputError, NotFoundError)) as refused:
            read_record(path)
        for field in ("nama_pintu_air", "dateTime", "water_level_cm"):
            assert field in refused.value.detail
        assert len(refused.value.detail) < 800


def test_a_record_that_ends_in_something_else_is_told_where(tmp_path: Path) -> None:
    """A file of which the beginning alone is a record is refused with the line, and is no failure of ours."""
    good = "\n".join([OLD, *[_old("2019-02-01", "8:00:00AM", "10")] * 999, ""]).encode()
    for rest, sentence in ((b"\xff\xfe", "a.csv, after row "), (b"x" * 200_000, "a.csv, after row 1000: field larger")):
        (tmp_path / "a.csv").write_bytes(good + rest)
        with pytest.raises(InvalidInputError) as refused:
            read_record(tmp_path)
        assert refused.value.detail.startswith(sentence)
    (tmp_path / "a.csv").unlink()
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(InvalidInputError, match=r"a\.json is no JSON"):
        read_record(tmp_path)


def test_a_time_beyond_the_calendar_is_a_bad_row(tmp_path: Path) -> None:
    """The first day of the first year is in no year at all further east."""
    record = _record(tmp_path, a=[OLD, _old("0001-01-01", "1:00:00AM", "10"), _old("2019-02-01", "1:00:00AM", "10")])
    assert [(bad.row, bad.field) for bad in record.bad] == [(2, "tanggal")]


def test_rangsit_needs_a_zone_and_a_known_colour(tmp_path: Path) -> None:
    """Each faulty reading is listed by its place in the list."""
    (tmp_path / "w.json").write_text(
        '[{"water_level_cm":132,"status":"yellow","record_time":"2021-09-27T08:00:00+07:00"},'
        '{"water_level_cm":110,"status":"green","record_time":"2021-09-27T08:00:00"},'
        '{"water_level_cm":null,"status":"green","record_time":"2021-09-28T08:00:00+07:00"},'
        '{"water_level_cm":110,"status":"blue","record_time":"2021-09-28T08:00:00+07:00"}, 7]',
        encoding="utf-8",
    )
    record = read_record(tmp_path)
    assert [(row.value, row.unit, row.official) for row in record.rows] == [(132.0, "cm", WaterState.WATCH)]
    assert [(bad.row, bad.field) for bad in record.bad] == [
        (2, "record_time"), (3, "water_level_cm"), (4, "status"), (5, "record")
    ]


def test_an_empty_value_of_the_agency_is_a_bad_row_and_its_times_are_utc(tmp_path: Path) -> None:
    """The station and what is measured stand in the file's name only."""
    head = '"measure","dateTime","date","value","completeness","quality","qcode"'
    lines = [head, '"m","2025-08-16T00:00:00","2025-08-16","-0.062","","Unchecked",""',
             '"m","2025-08-16T00:15:00","2025-08-16","","","Missing",""']
    (tmp_path / "Hebden-Bridge-level-15min-Qualified.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = read_record(tmp_path)
    at = datetime(2025, 8, 16, tzinfo=UTC)
    assert record.rows == (Row(station="Hebden Bridge (level)", at=at, value=-0.062, unit="m"),)
    assert [(bad.row, bad.field) for bad in record.bad] == [(3, "value")]


@needs_data
def test_all_of_jakarta_is_read() -> None:
    """87,647 lines are 62,925 readings of 23 stations, three repeats differ, and P.A. Pluit is legally negative."""
    record = read_record(DATA / "jakarta_bpbd")
    assert (record.lines, len(record.rows), len(record.bad), len(record.conflicts)) == (87_647, 62_925, 0, 3)
    stations = record.stations()
    assert len(stations) == 23
    assert all(name == name.strip() for name in stations)
    assert all(-2400 <= row.value <= -790 for row in stations["P.A. Pluit"])
    assert len(stations["P.A. Pluit"]) == 2_776
    times = [row.at for row in record.rows]
    assert min(times) == datetime(2019, 1, 24, 7, 50, tzinfo=UTC)
    assert max(times) == datetime(2019, 3, 31, 16, 10, tzinfo=UTC)


@needs_data
def test_all_of_calder_and_rangsit_is_read() -> None:
    """Five levels and four rains of 28 days; 73 staff readings with their colours."""
    calder = read_record(DATA / "calder_ea")
    assert sorted({row.unit for row in calder.rows}) == ["m", "mm in 15 min"]
    assert (len(calder.stations()), calder.bad) == (9, ())
    assert min(row.value for row in calder.stations()["Hebden Bridge (level)"]) < 0
    rangsit = read_record(DATA / "rangsit")
    assert (len(rangsit.rows), sum(row.official is WaterState.WATCH for row in rangsit.rows)) == (73, 20)
