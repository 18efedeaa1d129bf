"""Places in words over HTTP and on the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import problems
from api.routes import places
from cli.places import geocode_file
from core.db import transaction
from core.errors import InvalidInputError
from gis.citypack.importer import import_city
from tests.gis.packs import Pack, feature, line, point


@pytest.fixture
def client(database: sa.Engine, pack: Pack) -> Iterator[TestClient]:
    """A browser that is not signed in, before the tiny city with a road, a temple, two communities and far units."""
    pack.add_csv(
        "communities", "code,name_th,lon,lat\nC1,ริมธารใส,100.015,8.01\nC2,ทุ่งดอกคูน,100.005,8.01\n",
        options='polygons = "voronoi"',
    )
    road = {"code": "R1", "name_th": "ถนนรุ่งเรืองสุข", "name_en": "Rung Rueang Suk Road", "class": "primary"}
    pack.add("roads", [feature(line((100.001, 8.01), (100.019, 8.01)), **road)])
    temple = {"code": "T1", "kind": "temple", "name_th": "วัดบ้านหวานเย็น"}
    pack.add("facilities", [feature(point(100.005, 8.012), **temple)])
    houses = [("2", 100.004), ("10", 100.012)]
    pack.add("addresses", [feature(point(lon, 8.0101), house_number=n, street_th="ถนนรุ่งเรืองสุข") for n, lon in houses])
    units = "".join(f"{n}0101,บางแก้วนอก,{98.5 + n / 20},15.0\n" for n in range(30, 52))
    pack.add_csv("admin_units", f"code,name_th,lon,lat\n{units}")
    with transaction() as session:
        import_city(session, pack.close())
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(places.router, prefix="/api/v1")
    with TestClient(app) as browser:
        yield browser


def test_a_report_becomes_ranked_places(client: TestClient) -> None:
    """Open to everybody: lon, lat, radius, kind, label, the words, confidence and code of each candidate."""
    told = client.get("/api/v1/geocode", params={"q": "น้ำท่วมหน้าวัดบ้านหวานเย็นค่ะ"}).json()
    first = told["candidates"][0]
    assert (first["kind"], first["code"], first["matched"]) == ("temple", "T1", "วัดบ้านหวานเย็น")
    assert (first["lon"], first["lat"]) == (100.005, 8.012)
    assert first["confidence"] >= 0.8
    assert told["reason"] is None


def test_a_house_number_becomes_a_place_that_says_how_far_it_is_known(client: TestClient) -> None:
    """A house that the data know, and one between two: label in both languages and a flag tell them apart."""
    known, between = (
        client.get("/api/v1/geocode", params={"q": f"บ้านเลขที่ {n} ถ.รุ่งเรืองสุข"}).json()["candidates"][0] for n in (2, 6)
    )
    assert (known["kind"], known["is_approximate"], known["label"]) == ("house", False, "บ้านเลขที่ 2 ถนนรุ่งเรืองสุข")
    assert (between["kind"], between["is_approximate"]) == ("house", True)
    assert between["label"] == "บ้านเลขที่ 6 ถนนรุ่งเรืองสุข (โดยประมาณ)"
    assert between["label_en"] == "6 Rung Rueang Suk Road (approximate)"
    assert known["radius_m"] < between["radius_m"]


def test_not_knowing_is_said(client: TestClient) -> None:
    """No candidate, and why, in both languages."""
    told = client.get("/api/v1/geocode", params={"q": "น้ำท่วมหน้าบ้านค่ะ ช่วยด้วยนะคะ"}).json()
    assert told["candidates"] == []
    assert "ไม่พบ" in told["reason"]
    assert "no place name" in told["reason_en"]


def test_a_name_of_many_places_asks_for_the_district_or_province(client: TestClient, tmp_path: Path) -> None:
    """How many bear the name is told, Thai first, over HTTP and in a file's row; no point stands for them all."""
    told = client.get("/api/v1/geocode", params={"q": "ต.บางแก้วนอก"}).json()
    assert told["candidates"] == []
    assert told["reason"] == "มี 22 แห่งที่ชื่อ “ต.บางแก้วนอก” โปรดระบุอำเภอหรือจังหวัด"
    assert told["reason_en"] == "“ต.บางแก้วนอก” is the name of 22 places: say which district or province."
    source, result = tmp_path / "texts.txt", tmp_path / "found.csv"
    source.write_text("ต.บางแก้วนอก\n", encoding="utf-8")
    geocode_file(source, column=None, out=result, admin=None)
    row = next(csv.DictReader(result.read_text(encoding="utf-8").splitlines()))
    assert (row["reason"], row["matched"], row["bearers"], row["lon"]) == ("many", "ต.บางแก้วนอก", "22", "")


def test_a_name_that_was_only_begun_is_completed(client: TestClient) -> None:
    """The search box finds ถนนรุ่งเรืองสุข while one still types, and is not sure of it."""
    told = client.get("/api/v1/geocode", params={"q": "รุ่งเรื"}).json()
    assert [one["label"] for one in told["candidates"]] == ["ถนนรุ่งเรืองสุข"]
    assert told["candidates"][0]["confidence"] <= 0.5


def test_an_import_is_seen_at_once(client: TestClient, pack: Pack) -> None:
    """The names are those of the data as they are now."""
    assert client.get("/api/v1/geocode", params={"q": "วัดใหม่ไฉไลยิ่ง"}).json()["candidates"] == []
    temple = {"code": "T2", "kind": "temple", "name_th": "วัดใหม่ไฉไลยิ่ง"}
    pack.add("facilities", [feature(point(100.006, 8.012), **temple)])
    with transaction() as session:
        import_city(session, pack.folder)
    assert client.get("/api/v1/geocode", params={"q": "วัดใหม่ไฉไลยิ่ง"}).json()["candidates"][0]["code"] == "T2"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"q": ""}, "no text"),
        ({"q": "   \t"}, "no text"),
        ({"q": "ก\x00ข"}, "NUL"),
        ({"q": "ก" * 2001}, "at most 2000"),
        ({}, "q"),
        ({"q": "วัด", "near": "here"}, "longitude,latitude"),
        ({"q": "วัด", "near": "1,2,3"}, "longitude,latitude"),
        ({"q": "วัด", "near": "8.4,99.9"}, "swapped"),
        ({"q": "วัด", "near": "nan,nan"}, "not numbers"),
        ({"q": "วัด", "near": "617600,914100"}, "metres"),
        ({"q": "วัด", "near": "9" * 100}, "at most 60"),
    ],
)
def test_bad_questions_are_refused_with_the_cause(client: TestClient, params: dict[str, str], said: str) -> None:
    """A problem document with one clear sentence, never a traceback."""
    answer = client.get("/api/v1/geocode", params=params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_control_letters_are_only_gaps(client: TestClient) -> None:
    """What a phone's clipboard leaves in a text harms nothing."""
    told = client.get("/api/v1/geocode", params={"q": "\x07\x1bวัดบ้าน\u200bหวานเย็น\x7f\ufeff"}).json()
    assert told["candidates"][0]["code"] == "T1"


def test_a_spot_has_names(client: TestClient) -> None:
    """Community and municipality that hold it, the nearest named road, facility and house with their distance."""
    told = client.get("/api/v1/reverse", params={"lon": 100.005, "lat": 8.0105}).json()
    assert told["label"]["th"] == "ทุ่งดอกคูน ใกล้ถนนรุ่งเรืองสุข"
    assert [area["kind"] for area in told["areas"]] == ["community", "municipality"]
    assert (told["road"]["code"], 50 < told["road"]["away_m"] < 60) == ("R1", True)
    assert told["facility"]["code"] == "T1"
    assert told["house"] is None
    beside = client.get("/api/v1/reverse", params={"lon": 100.004, "lat": 8.01}).json()["house"]
    assert (beside["house_number"], beside["street"]["th"], 10 < beside["away_m"] < 12) == ("2", "ถนนรุ่งเรืองสุข", True)
    assert client.get("/api/v1/reverse", params={"lon": 8.0, "lat": 100.0}).status_code == 422
    assert client.get("/api/v1/reverse", params={"lon": "x", "lat": 1}).status_code == 422


def test_a_file_of_texts_loses_nothing(client: TestClient, tmp_path: Path) -> None:
    """Every row stands in the result under its number; one that cannot be read is named and counted."""
    source, result = tmp_path / "texts.csv", tmp_path / "found.csv"
    source.write_text("id,comment\n1,หน้าวัดบ้านหวานเย็น\n2,\n3,ไม่รู้อยู่ไหน\n", encoding="utf-8")
    assert geocode_file(source, column=None, out=result, admin=None) == 1
    rows = list(csv.DictReader(result.read_text(encoding="utf-8").splitlines()))
    assert [row["row"] for row in rows if row["rank"] in {"", "1"}] == ["2", "3", "4"]
    assert rows[0]["code"] == "T1"
    assert rows[-2]["reason"] == "there is no text."
    assert rows[-1]["reason"] == "no-name"


def test_lines_become_geojson_lines(client: TestClient, tmp_path: Path) -> None:
    """One feature a candidate; a line that is no UTF-8 stands there without a place."""
    source, result = tmp_path / "texts.txt", tmp_path / "found.geojsonl"
    source.write_bytes("วัดบ้านหวานเย็น\n".encode() + b"\xff\xfe\n")
    assert geocode_file(source, column=None, out=result, admin=None) == 1
    found = [json.loads(one) for one in result.read_text(encoding="utf-8").splitlines()]
    assert found[0]["geometry"]["coordinates"] == [100.005, 8.012]
    assert found[-1]["geometry"] is None
    assert "UTF-8" in found[-1]["properties"]["reason"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"a,b\n1,2\n", "row 1: there is none of the columns"),
        ("x.csv", "text\nก\n".encode("cp874"), "row 2: it is not UTF-8"),
        ("gone.txt", None, "cannot be read"),
        ("x.zip", b"PK\x03\x04 a\nb\x00\x00c\n", r"x\.zip: it is not text; there are NUL .* row 2"),
        ("x.csv", b"text\n\x00\n", r"x\.csv: it is not text; there are NUL bytes"),
        ("x.jpg", b"\xff\xd8\xe0\x10\n\x9d\xff\n\xc3\n", r"x\.jpg: it is not text; .* neither UTF-8 nor TIS-620"),
        ("x.txt", "วัดบ้านหวานเย็น\nถนน\n".encode("cp874"), r"x\.txt: it is TIS-620.*save the file as UTF-8"),
    ],
)
def test_an_unreadable_file_is_one_sentence(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    """File, row and cause; nothing is written."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError, match=said):
        geocode_file(tmp_path / name, column=None, out=None, admin=None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('id,text\n1,"วัด\n2,ถนน\n'.encode(), "row 2: unexpected end of data"),
        ("text,text\nวัด,ถนน\n".encode(), "row 1: the column 'text' is there twice"),
        ("text\nวัด\n".encode("utf-16"), "it is UTF-16"),
    ],
)
def test_a_file_that_could_be_read_in_two_ways_is_not(tmp_path: Path, content: bytes, said: str) -> None:
    """A quote left open would swallow rows, two columns of one name hide one: nothing is lost unseen."""
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(InvalidInputError, match=said):
        geocode_file(tmp_path / "x.csv", column=None, out=None, admin=None)


def test_rows_are_counted_as_a_spreadsheet_counts_them(client: TestClient, tmp_path: Path) -> None:
    """A text over two lines is one row."""
    source, result = tmp_path / "texts.csv", tmp_path / "found.csv"
    source.write_text('text\n"ไม่รู้\nอยู่ไหน"\nไม่รู้เหมือนกัน\n', encoding="utf-8")
    geocode_file(source, column=None, out=result, admin=None)
    with result.open(encoding="utf-8", newline="") as file:
        assert [row["row"] for row in csv.DictReader(file)] == ["2", "3"]


def test_the_result_never_takes_the_place_of_the_texts(client: TestClient, tmp_path: Path) -> None:
    """The same file by another name is the same file; what it held is still there, and no other form is made up."""
    source = tmp_path / "texts.csv"
    source.write_text("text\nวัด\n", encoding="utf-8")
    (tmp_path / "again.csv").hardlink_to(source)
    for out in (source, tmp_path / "again.csv"):
        with pytest.raises(InvalidInputError, match="holds the texts themselves"):
            geocode_file(source, column=None, out=out, admin=None)
    with pytest.raises(InvalidInputError, match=r"ends in .csv or .geojsonl"):
        geocode_file(source, column=None, out=tmp_path / "found.xlsx", admin=None)
    assert source.read_text(encoding="utf-8") == "text\nวัด\n"
