"""A gazetteer of administrative units alone, straight from the registers' CSV files: kongvut_*.csv, and beside them
gazetteer_ahoerstemeier.csv for offices' points, villages and municipalities where it is there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from core.errors import SetupError
from gis.gazetteer.entries import USUAL_RADIUS_M, Entry
from gis.points import LonLat, coordinate_fault

_NEEDED = ("kongvut_provinces.csv", "kongvut_districts.csv", "kongvut_sub_districts.csv")
_POINTS = "gazetteer_ahoerstemeier.csv"
_MUNICIPALITIES = {"ThesabanNakhon": "เทศบาลนคร", "ThesabanMueang": "เทศบาลเมือง", "ThesabanTambon": "เทศบาลตำบล"}
BANGKOK = "10"
# What people call a province besides its name.
PROVINCE_ALIASES = {
    "10": ("กรุงเทพ", "กรุงเทพฯ", "กทม", "Krung Thep", "BKK"), "30": ("โคราช", "Korat"), "14": ("อยุธยา", "Ayutthaya"),
    "80": ("นครศรีฯ", "เมืองคอน", "Nakhon Si"), "84": ("สุราษฎร์", "สุราษ"), "24": ("แปดริ้ว",), "34": ("อุบล",),
}


def admin_entries(folder: Path, *, villages_of: str = "") -> list[Entry]:
    """Every province, district, sub-district and municipality of the folder's files, and one province's villages.

    Raises SetupError that names the file that is missing.
    """
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise SetupError(f"There is no {name} in {folder}: a gazetteer of units alone is made of kongvut_*.csv.")
    points = _points(folder / _POINTS) if (folder / _POINTS).is_file() else {}
    districts = list(_rows(folder / "kongvut_districts.csv"))
    province_codes = {row["province_id"]: row["id"][:2] for row in districts}
    return [
        *(_province(row, province_codes) for row in _rows(folder / "kongvut_provinces.csv")),
        *(_district(row, points) for row in districts),
        *(_subdistrict(row, points) for row in _rows(folder / "kongvut_sub_districts.csv")),
        *(_villages(folder / _POINTS, villages_of) if points else ()),
    ]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def titled(kind: str, name: str, *, code: str) -> str:
    """The unit's name with the word for its kind before it: ตำบล, in Bangkok แขวง."""
    words = {"subdistrict": ("ตำบล", "แขวง"), "district": ("อำเภอ", "เขต"), "province": ("จังหวัด", "")}
    word = words.get(kind, ("", ""))[code.startswith(BANGKOK)]
    return name if not word or name.startswith(word) else f"{word}{name}"


def aliases_of(kind: str, name: str, *, code: str) -> tuple[str, ...]:
    """What people also call the unit."""
    if kind == "province":
        return PROVINCE_ALIASES.get(code, ())
    # The district of the province's town is called by the first word of its name.
    return ("อำเภอเมือง",) if kind == "district" and name.removeprefix("อำเภอ").startswith("เมือง") else ()


def unit_entry(
    *, kind: str, code: str, name_th: str, name_en: str, place: LonLat | None, radius_m: float | None = None,
    moo: int | None = None, parent: str = "",
) -> Entry:
    """An administrative unit as an entry: its codes are read off its own, or off the parent's where it has none."""
    within = code if kind in ("province", "district", "subdistrict", "village") else parent
    return Entry(
        kind=kind, code=code, name_th=titled(kind, name_th, code=code), name_en=name_en, place=place,
        radius_m=radius_m or USUAL_RADIUS_M[kind], aliases=aliases_of(kind, name_th, code=code),
        subdistrict=within[:6] if len(within) >= 6 else "", district=within[:4] if len(within) >= 4 else "",
        province=within[:2], moo=moo,
    )


def _place(lon: str, lat: str) -> LonLat | None:
    if not lon or not lat:
        return None
    try:
        x, y = float(lon), float(lat)
    except ValueError:
        return None
    return LonLat(lon=x, lat=y) if coordinate_fault(lon=x, lat=y) is None else None


def _points(path: Path) -> dict[str, LonLat]:
    found = {row["geocode"]: _place(row["lon"], row["lat"]) for row in _rows(path)}
    return {code: place for code, place in found.items() if place is not None}


def _province(row: dict[str, str], codes: dict[str, str]) -> Entry:
    return unit_entry(
        kind="province", code=codes.get(row["id"], row["id"]), name_th=row["name_th"], name_en=row["name_en"],
        place=None,
    )


def _district(row: dict[str, str], points: dict[str, LonLat]) -> Entry:
    return unit_entry(
        kind="district", code=row["id"], name_th=row["name_th"], name_en=row["name_en"], place=points.get(row["id"])
    )


def _subdistrict(row: dict[str, str], points: dict[str, LonLat]) -> Entry:
    place = _place(row["long"], row["lat"]) or points.get(row["id"])
    return unit_entry(
        kind="subdistrict", code=row["id"], name_th=row["name_th"], name_en=row["name_en"], place=place
    )


def _villages(path: Path, province: str) -> Iterator[Entry]:
    for row in _rows(path):
        place = _place(row["lon"], row["lat"])
        if row["type"] == "Muban" and len(row["geocode"]) == 8 and province and row["geocode"].startswith(province):
            yield unit_entry(
                kind="village", code=row["geocode"], name_th=row["name_th"], name_en=row["name_en"], place=place,
                moo=int(row["geocode"][6:]),
            )
        elif row["type"] in _MUNICIPALITIES:
            name = f"{_MUNICIPALITIES[row['type']]}{row['name_th']}"
            yield unit_entry(
                kind="municipality", code=row["geocode"], name_th=name, name_en=row["name_en"], place=place,
                parent=row["geocode"][:4],
            )


def with_places(entries: list[Entry]) -> list[Entry]:
    """The entries, each unit without a place at the middle of the units that it holds, or of the one that holds it."""
    middles = _middles(entries)
    known = {(e.kind, e.code): e.place or middles.get(e.code) for e in entries}
    return [e if e.place else replace(e, place=known.get((e.kind, e.code))) for e in entries]


def _middles(entries: list[Entry]) -> dict[str, LonLat]:
    """The middle of each district's and province's sub-districts; of a province that has none with a point (Bangkok's
    register has none) of its districts.
    """
    districts = _middles_of(entries, kind="district", widths=(2,))
    return districts | _middles_of(entries, kind="subdistrict", widths=(4, 2))


def _middles_of(entries: list[Entry], *, kind: str, widths: tuple[int, ...]) -> dict[str, LonLat]:
    sums: dict[str, tuple[float, float, int]] = {}
    for entry in entries:
        if entry.place is None or entry.kind != kind:
            continue
        for code in (entry.code[:width] for width in widths):
            lon, lat, count = sums.get(code, (0.0, 0.0, 0))
            sums[code] = (lon + entry.place.lon, lat + entry.place.lat, count + 1)
    return {code: LonLat(lon=lon / count, lat=lat / count) for code, (lon, lat, count) in sums.items()}
