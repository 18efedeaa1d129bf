"""Tables as people save them: other signs between columns, other letters, numbers for people, rows that are none."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from gis.citypack import numbers
from gis.citypack.importer import import_city
from gis.citypack.layers import LayerRows
from gis.errors import CityPackError
from tests.gis.packs import Pack

SCHOOL = "f1,school,โรงเรียน,100.005,8.006\n"
HEADER = "code,kind,name_th,lon,lat\n"


def refusal(session: Session, pack: Pack, raw: bytes | str, options: str = "") -> str:
    """The words with which the pack is refused whose facilities are this table."""
    (pack.folder / "facilities.csv").write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    pack.declare("facilities", "facilities.csv", options)
    with pytest.raises(CityPackError) as refused:
        import_city(session, pack.close())
    return refused.value.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ((HEADER + SCHOOL).replace(",", ";"), "its columns are parted by ';': save it with commas between them"),
        ((HEADER + SCHOOL).replace(",", "\t"), "its columns are parted by '\\t'"),
        ("code,kind,lon,lon,lat\nf1,school,100.005,1,8.006\n", "row 1: the column 'lon' is there twice"),
        (HEADER + 'f1,school,"โรงเรียน,100.005,8.006\n' + SCHOOL, "unexpected end of data"),
        (HEADER + "f1,school\n", "row 2: it has 2 columns, the header has 5"),
        (HEADER, "it holds no rows"),
        (HEADER + 'f1,school,a,"100,005",8.006\n', "row 2, column lon: '100,005' is not a number"),
        (HEADER + "f1,school,a,1_00.005,8.006\n", "row 2, column lon: '1_00.005' is not a number"),
        (HEADER + "f1,school,a,NaN,8.006\n", "row 2, column lon: 'NaN' is not a number"),
        (HEADER + "f1,school,a,inf,8.006\n", "row 2, column lon: 'inf' is not a number"),
        (HEADER + "f1,school,a\0b,100.005,8.006\n", "row 2, column name_th: 'a\N{REPLACEMENT CHARACTER}b' holds a"),
        (HEADER + "f1,school,a,\x1b[2J100,8.006\n", "column lon: '\N{REPLACEMENT CHARACTER}[2J100' is not a number"),
        (HEADER + "f1,school,a,8.006,100.005\n", "row 2: longitude and latitude are swapped"),
    ],
)
def test_a_table_with_a_slip_is_told_once_and_where(session: Session, pack: Pack, text: str, said: str) -> None:
    """File, row, column, cause: one sentence for one slip, which names what stands there without running it."""
    refused = refusal(session, pack, text)
    assert refused.startswith("facilities.csv")
    assert said in refused
    assert len(refused.splitlines()) == 1


@pytest.mark.parametrize(
    ("raw", "options", "said"),
    [
        ((HEADER + SCHOOL).encode("utf-16"), "", "row 1: it is UTF-16: save it as UTF-8"),
        ((HEADER + SCHOOL).encode("cp874"), "", 'row 2: it is not UTF-8 text; save it as UTF-8, or say encoding ='),
        ((HEADER + SCHOOL).encode(), 'encoding = "latin-1"', "the manifest says latin-1, but it is UTF-8"),
        ((HEADER + SCHOOL).encode(), 'encoding = "cp874"', "the manifest says cp874, but it is UTF-8"),
    ],
)
def test_letters_are_what_they_are_said_to_be(
    session: Session, pack: Pack, raw: bytes, options: str, said: str
) -> None:
    """Names that come in as 'à¹‚à¸£à¸‡' are worse than a refusal: nobody would find the school again."""
    assert said in refusal(session, pack, raw, options)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("99999999999", "is larger than any number that is kept"), ("-5", "is less than 0"),
        ("1.5", "not a whole number"), ('"1,234"', "'1,234' is not a whole number"),
    ],
)
def test_counts_are_whole_and_fit(session: Session, pack: Pack, value: str, said: str) -> None:
    """What the database could not hold, or nobody could count, is told by row and column."""
    text = f"code,kind,capacity,lon,lat\nf1,school,{value},100.005,8.006\n"
    refused = refusal(session, pack, text)
    assert "facilities.csv, row 2, column capacity: " in refused
    assert said in refused


def test_thai_digits_and_empty_rows_are_read(session: Session, pack: Pack, loaded: list[LayerRows]) -> None:
    """๑๒ is twelve; rows that a spreadsheet leaves empty at the end are none."""
    pack.add_csv("wells", "code,depth_m,lon,lat\na,๑๒.๕,๑๐๐.๐๑,8.01\n,,,\n\n")
    import_city(session, pack.close())
    assert loaded[0].column("depth_m") == [12.5]


@pytest.mark.parametrize("text", ["1_000", "1,000", "nan", "inf", "1e999", "", "12 m"])
def test_a_number_is_plain_or_none(text: str) -> None:
    """What Python would take though no person writes it, and what could mean two things, is refused."""
    with pytest.raises(ValueError, match=r".*"):
        numbers.real(text)


@pytest.mark.parametrize("people", ["many", "-5", "1,200", "inf", "999999999999"])
def test_a_community_s_people_are_a_count_or_the_layer_is_refused(session: Session, pack: Pack, people: str) -> None:
    """An attribute `population` is spread over houses: one that is no count would silently be nobody."""
    text = f'code,name_th,population,lon,lat\nC1,หนึ่ง,5,100.005,8.01\nC2,สอง,"{people}",100.015,8.01\n'
    pack.add_csv("communities", text, options='polygons = "voronoi"\nattributes = ["population"]')
    with pytest.raises(CityPackError) as refused:
        import_city(session, pack.close())
    assert refused.value.detail == f"communities.csv: row 3, column population: '{people}' is no number of people."


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,a,5\n2,b,6\n", "row 2, column code: '1' is no code of a province, district, sub-district or village"),
        ("800101,a,5\nTH800101,b,6\n", "row 3, column code: the subdistrict '800101' is there twice: row 2 has it"),
    ],
)
def test_registers_with_serial_numbers_or_a_unit_twice_are_refused(
    session: Session, pack: Pack, rows: str, said: str
) -> None:
    """A layer of which nothing could be used is no success, and TH800101 is 800101."""
    pack.add_csv("population", "code,name_th,population\n" + rows)
    with pytest.raises(CityPackError) as refused:
        import_city(session, pack.close())
    assert said in refused.value.detail


def test_communities_that_overlap_or_lie_beside_the_city_are_told(session: Session, pack: Pack) -> None:
    """Two areas over one house, an area without a zone: taken, but said."""
    from tests.gis.packs import feature

    def area(code: str, west: float, east: float) -> dict[str, object]:
        ring = [[west, 8.0], [east, 8.0], [east, 8.02], [west, 8.02], [west, 8.0]]
        return feature({"type": "Polygon", "coordinates": [ring]}, code=code, name_th=code)

    pack.add("communities", [area("A", 100.0, 100.012), area("B", 100.008, 100.02), area("C", 100.021, 100.024)])
    report = import_city(session, pack.close())
    told = " ".join(report.layers[-1].warnings)
    assert "communities overlap by more than 1%: rows 1 and 2." in told
    assert "communities lie wholly outside the boundary: row 3." in told
