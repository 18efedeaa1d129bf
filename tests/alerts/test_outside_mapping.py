"""The city's own table: which outside warning is for which zones, at which level, as context or as a proposal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.outside import mapping_csv
from alerts.outside.mapping import ActsAs, Outcome, Row, Where, Zone, outcome_of, plain_name
from alerts.outside.said import OutsideWarning, Place, Words, hazard_of
from core.errors import InvalidInputError

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
ZONES = (Zone(1, "A", 1.0), Zone(2, "B", 0.3), Zone(3, "C", 0.0))
HERE = Place(name="นครศรีธรรมราช", codes=(("ISO 3166-2", "TH-80"),))


def warning(**changes: object) -> OutsideWarning:
    made = OutsideWarning(
        identifier="w1", sender="TMD", sent_at=NOW, event="Heavy Rain", hazard="rain", grade=3,
        words={"th": Words("Heavy Rain", "ฝนตกหนัก")}, places=(HERE,),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def row(**changes: object) -> Row:
    made = Row("*", "*", 0, Where.ANYWHERE, "", 0.0, ("all",), 2, ActsAs.PROPOSAL)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def outcome(*rows: Row, said: OutsideWarning | None = None, is_wide: bool = False) -> Outcome:
    return outcome_of(said or warning(), source="tmd", zones=ZONES, rows=rows, is_wide=is_wide)


def codes(found: Outcome) -> list[tuple[str, int]]:
    return [(zone.code, zone.level) for zone in found.zones]


def test_without_a_row_a_warning_is_context() -> None:
    """What the city's table does not speak of is shown and proposes nothing."""
    found = outcome(row(source="other"), row(event="tsunami"), row(min_grade=4), row(where=Where.CODE, area="TH-90"))
    assert (found.acts_as, found.zones, found.row) == (ActsAs.CONTEXT, (), None)
    assert "no_row" in {one.code for one in found.findings}


def test_the_most_exact_place_decides() -> None:
    """A station before a code, a code before a name, a name before the outline, the outline before everywhere."""
    rows = [
        row(level=1),
        row(where=Where.POLYGON, zones=("touched",), level=2),
        row(where=Where.NAME, area="จังหวัดนครศรีธรรมราช", zones=("B",), level=3),
        row(where=Where.CODE, area="th-80", zones=("A",), level=2),
        row(where=Where.STATION, area="7001", zones=("C",), level=3),
    ]
    assert codes(outcome(*rows)) == [("A", 2)]
    assert codes(outcome(*rows, said=warning(station="7001"))) == [("C", 3)]
    assert codes(outcome(*rows[:3])) == [("B", 3)]
    assert codes(outcome(*rows[:2])) == [("A", 2), ("B", 2)]
    assert codes(outcome(*rows[:1])) == [("A", 1), ("B", 1), ("C", 1)]


def test_of_equally_exact_rows_each_zone_follows_the_first_that_names_it() -> None:
    """The order of the table is the city's; a row of none ends it."""
    of_code = {"where": Where.CODE, "area": "TH-80"}
    first = row(**of_code, zones=("A",), level=3, min_grade=3)
    found = outcome(first, row(**of_code, zones=("A", "B"), level=1, acts_as=ActsAs.CONTEXT), row(**of_code, level=2))
    assert codes(found) == [("A", 3), ("B", 1), ("C", 2)]
    assert [zone.acts_as.value for zone in found.zones] == ["proposal", "context", "proposal"]
    assert outcome(row(**of_code, zones=("none",)), row(**of_code)).zones == ()


def test_an_outline_counts_by_how_much_of_a_zone_it_covers() -> None:
    """A zone that is only grazed is not warned; one that is not touched never is, whatever the share."""
    assert codes(outcome(row(where=Where.POLYGON, zones=("touched",), share=0.5))) == [("A", 2)]
    assert codes(outcome(row(where=Where.POLYGON, zones=("all",), share=0.0))) == [("A", 2), ("B", 2)]
    assert outcome(row(where=Where.POLYGON, zones=("C",), share=0.0)).acts_as is ActsAs.CONTEXT


def test_an_outline_far_larger_than_the_city_proposes_nothing() -> None:
    """One province polygon over every zone is context; a row that names the province is the city's decision."""
    outline = row(where=Where.POLYGON, zones=("touched",))
    found = outcome(outline, is_wide=True)
    assert (found.acts_as, codes(found)) == (ActsAs.CONTEXT, [("A", 2), ("B", 2)])
    assert "wide" in {one.code for one in found.findings}
    assert outcome(row(where=Where.CODE, area="TH-80"), is_wide=True).acts_as is ActsAs.PROPOSAL


@pytest.mark.parametrize("status", ["Test", "Exercise", "System", "Draft"])
def test_what_is_no_real_warning_never_proposes(status: str) -> None:
    """Status Test, Exercise, System or Draft: shown as what it is, whatever the table says."""
    found = outcome(row(level=3), said=warning(status=status))
    assert found.acts_as is ActsAs.CONTEXT
    assert "not_actual" in {one.code for one in found.findings}


@pytest.mark.parametrize(("hazard", "code"), [("low_water", "low_water"), ("other", "no_hazard")])
def test_low_water_and_foreign_hazards_never_propose(hazard: str, code: str) -> None:
    """Low water is no flood, and an earthquake has no words here."""
    found = outcome(row(level=3), said=warning(hazard=hazard))
    assert found.acts_as is ActsAs.CONTEXT
    assert code in {one.code for one in found.findings}


def test_names_are_compared_without_their_kind() -> None:
    """จังหวัด, จ. and "Province" are the kind of the unit, not its name; a list of names is each of them."""
    assert plain_name("จังหวัดนครศรีธรรมราช") == plain_name("จ. นครศรีธรรมราช ") == plain_name("นครศรีธรรมราช")
    assert plain_name("Nakhon Si Thammarat Province") == plain_name("nakhon si  thammarat")
    several = warning(places=(Place(name="สงขลา, พัทลุง และ นครศรีธรรมราช"),))
    assert codes(outcome(row(where=Where.NAME, area="พัทลุง", zones=("A",)), said=several)) == [("A", 2)]


def test_hazards_are_found_in_words() -> None:
    """What is more exact counts before what is more common, in Thai and in English."""
    assert [hazard_of(text) for text in ("Flash Flood Warning", "น้ำป่าไหลหลาก", "Heavy Rain", "ฝนตกหนัก")] == [
        "flash_flood", "flash_flood", "rain", "rain",
    ]  # fmt: skip
    assert [hazard_of(text) for text in ("Dam release", "น้ำทะเลหนุนสูง", "พายุฤดูร้อน", "Earthquake", "")] == [
        "dam_release", "tide", "storm", "other", "other",
    ]  # fmt: skip


TABLE = (
    "source,event,severity,where,area,share,zones,level,acts_as,note\r\n"
    "tmd,rain,Extreme,code,TH-80,0,all,1,proposal,ฝนหนักมาก\r\n"
    "*,*,4,polygon,,0.5,touched,2,context,\r\n"
    "water,flood,5,station,7001,,A B,2,proposal,\r\n"
)


def read(text: str) -> list[Row]:
    return mapping_csv.rows_of(text, sources={"tmd", "water"}, zones={"A", "B", "C"})


def test_a_table_survives_the_way_through_a_spreadsheet() -> None:
    """What is exported can be imported and is the same; a byte order mark and blank rows do not matter."""
    rows = read(TABLE)
    assert [(one.min_grade, one.where.value, one.zones, one.level) for one in rows] == [
        (4, "code", ("all",), 1), (4, "polygon", ("touched",), 2), (5, "station", ("A", "B"), 2),
    ]  # fmt: skip
    assert read(mapping_csv.written(rows)) == rows
    assert read("\ufeff" + TABLE + ",,,,,,,,,\r\n") == rows


FAULTS = {
    "tmd,rain,Worst,code,TH-80,0,all,1,proposal,": "'severity'",
    "nobody,rain,,code,TH-80,0,all,1,proposal,": "'source'",
    "tmd,rain,,town,TH-80,0,all,1,proposal,": "'where'",
    "tmd,rain,,code,,0,all,1,proposal,": "'area'",
    "tmd,rain,,*,TH-80,0,all,1,proposal,": "'area'",
    "tmd,rain,,polygon,,1.5,all,1,proposal,": "'share'",
    "tmd,rain,,polygon,,nan,all,1,proposal,": "'share'",
    "tmd,rain,,code,TH-80,0,Z,1,proposal,": "'zones'",
    "tmd,rain,,code,TH-80,0,touched,1,proposal,": "'zones'",
    "tmd,rain,,code,TH-80,0,all,4,proposal,": "'level'",
    "tmd,rain,,code,TH-80,0,all,0,proposal,": "'level'",
    "tmd,rain,,code,TH-80,0,all,1,order,": "'acts_as'",
    "tmd,rain,,code,TH-80,0,all,1,proposal": "cells",
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_fault_of_the_table_names_row_and_column(line: str) -> None:
    """Nothing of a table with a fault is taken, and whoever wrote it reads where it is."""
    with pytest.raises(InvalidInputError, match=f"Row 3.*{FAULTS[line]}"):
        read(TABLE.splitlines()[0] + "\r\ntmd,rain,,*,,0,all,1,context,\r\n" + line + "\r\n")


_rows = st.builds(
    row,
    source=st.sampled_from(["*", "tmd", "other"]), event=st.sampled_from(["*", "rain", "flood"]),
    min_grade=st.integers(0, 4), where=st.sampled_from(list(Where)), area=st.sampled_from(["", "TH-80", "7001"]),
    share=st.sampled_from([0.0, 0.5, 1.0]), zones=st.sampled_from([("all",), ("none",), ("A",), ("touched",)]),
    level=st.integers(0, 3), acts_as=st.sampled_from(list(ActsAs)),
)  # fmt: skip


@given(
    rows=st.lists(_rows, max_size=6), status=st.sampled_from(["Actual", "Test"]),
    hazard=st.sampled_from(["rain", "other"]),
)  # fmt: skip
def test_whatever_the_table_says_only_real_warnings_propose(rows: list[Row], status: str, hazard: str) -> None:
    """A proposal needs a row that says so, a level from 1 to 3, a real warning, and a hazard that we alert for."""
    found = outcome(*rows, said=warning(status=status, hazard=hazard))
    if found.acts_as is ActsAs.PROPOSAL:
        assert (status, hazard) == ("Actual", "rain")
        assert any(zone.acts_as is ActsAs.PROPOSAL and 1 <= zone.level <= 3 for zone in found.zones)
    for zone in found.zones:
        assert zone.level == rows[zone.row - 1].level
