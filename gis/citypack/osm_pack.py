"""A bare OpenStreetMap extract as a city pack: which boundary is the city, and which layers it brings.

Nothing is guessed: where several boundaries could be the city, all are named and one has to be chosen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.citypack import osm, osm_words
from gis.citypack.manifest import LayerEntry, Manifest
from gis.citypack.osm import AdminArea, Extract, OsmRows
from gis.datum import SEA_LEVEL
from gis.errors import CityPackError

EXTENT = "extent"
SOURCE, LICENCE = "OpenStreetMap contributors", "ODbL 1.0"
# A city that holds less than half of what the extract holds is hardly the one that the extract was made for.
LEAST_SHARE = 0.5
PROVINCE_LEVEL = 4  # wiki.osm.org/Key:admin_level: 2 countries, 3 regions, 4 provinces, in Thailand as elsewhere.
LISTED = 20
KINDS = ("roads", "waterways", "buildings", "facilities", "places", "addresses")
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "roads": osm_words.ROAD_ATTRIBUTES, "communities": ("kind", "population"),
    "boundary": ("admin_level", "population"), "districts": ("admin_level", "population"),
}


def manifest_of(path: Path, boundary: str | None) -> Manifest:
    """The pack that the extract at `path` is: its city is the boundary called `boundary`, the only one where None.

    `boundary` is an id (`relation/3488060` or 3488060), a name, or `extent` for the extract's own box. Raises
    CityPackError with the boundaries to choose from where the answer is open, and with the cause where the file
    cannot be read.
    """
    extract = _extract(path)
    ref = _chosen(extract, boundary, path.name)
    geom, name_th, name_en = _outline(extract, ref, path)
    slug = _slug(name_en) or _slug(_stem(path)) or "city"
    has_communities = bool(_communities(extract, geom).numbers)
    entries = [
        _entry(path, "boundary", extract, sublayer=ref, trust="derived" if ref == EXTENT else "real"),
        *([_entry(path, "districts", extract, sublayer=ref)] if len(extract.areas) > (ref != EXTENT) else []),
        _entry(
            path, "communities", extract, sublayer=ref, trust="derived", keep="boundary",
            polygons="voronoi" if has_communities else None,
            source=f"{SOURCE}; areas are ours: " + (
                "the ground nearest to each named place" if has_communities else "the whole city, for no place is named"
            ),
        ),
        *(_entry(path, kind, extract) for kind in KINDS),
    ]
    return Manifest(
        path=path, folder=path.parent, slug=slug, name_th=name_th or name_en, name_en=name_en or name_th, centre=None,
        datum=SEA_LEVEL, extends=None, layers=tuple(entries),
    )


def rows_of(path: Path, entry: LayerEntry) -> tuple[OsmRows, list[str]]:
    """The extract's rows of the entry's kind with the columns that it asks for, and what to know about them.

    Raises CityPackError where the extract cannot be read or holds no such kind.
    """
    extract = _extract(path)
    notes = []
    if entry.kind in KINDS:
        rows = extract.layers[entry.kind]
        if extract.broken.get(entry.kind):
            notes.append(f"{extract.broken[entry.kind]:,} objects have no usable shape and were left out.")
    elif entry.kind == "boundary":
        rows, notes = _boundary_rows(extract, entry, path)
    elif entry.kind == "districts":
        rows = _area_rows(area for area in extract.areas if area.ref != entry.sublayer)
    elif entry.kind == "communities":
        geom, name_th, name_en = _outline(extract, _chosen(extract, entry.sublayer, path.name), path)
        rows = _communities(extract, geom)
        if not rows.numbers:
            code = f"{_slug(name_en) or 'city'}-1"
            rows = _one_row(geom, code=code, name_th=name_th or name_en, name_en=name_en, kind="city", population=None)
            notes.append("no quarter or village is named inside the boundary: the whole city is one community.")
    else:
        raise CityPackError([f"{path.name}: an OpenStreetMap extract holds no layer of the kind '{entry.kind}'."])
    unasked = set(ATTRIBUTES.get(entry.kind, ())) - set(entry.attributes)
    kept = {name: values for name, values in rows.columns.items() if name not in unasked}
    return OsmRows(rows.numbers, kept, rows.shapes, rows.geoms), notes


def _extract(path: Path) -> Extract:
    try:
        return osm.read_extract(path)
    except osm.UnreadableExtractError as exc:
        raise CityPackError([f"{path.name}: {exc}"]) from exc


def _entry(path: Path, kind: str, extract: Extract, **more: Any) -> LayerEntry:
    facts = {"trust": "real", "keep": "extent", "source": SOURCE} | more
    return LayerEntry(
        name=kind, kind=kind, file=path.name, licence=LICENCE, dated=extract.dated, repair=True,
        attributes=ATTRIBUTES.get(kind, ()), **facts,
    )


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


# --- the boundary --------------------------------------------------------------------------------------------------


def _chosen(extract: Extract, asked: str | None, file: str) -> str:
    """The `ref` of the city's boundary, or `extent`."""
    if asked == EXTENT:
        return EXTENT
    if asked is not None:
        return _asked(extract, asked, file)
    small = [area for area in extract.areas if area.level > PROVINCE_LEVEL] or list(extract.areas)
    if not small:
        return EXTENT
    if len(small) > 1:
        raise CityPackError(
            [f"{file}: {len(small)} boundaries lie whole in it, and any may be the city. {_choice(small)}"]
        )
    share = _share(extract, small[0])
    if share < LEAST_SHARE:
        raise CityPackError(
            [f"{file}: the only boundary that lies whole in it holds {share:.0%} of its roads and buildings, so it may "
             f"not be the city. {_choice(small)}"]
        )
    return small[0].ref


def _asked(extract: Extract, asked: str, file: str) -> str:
    wanted = asked.strip().casefold()
    found = [
        area for area in extract.areas
        if wanted in (area.ref, area.ref.split("/")[1], area.name_th.casefold(), area.name_en.casefold())
    ]
    if len(found) == 1:
        return found[0].ref
    if found:
        raise CityPackError([f"{file}: {len(found)} boundaries are called '{asked}'. {_choice(found)}"])
    is_cut = wanted in (name.casefold() for name in extract.cut_areas)
    cause = "is cut off at the extract's edge" if is_cut else "is not in it"
    raise CityPackError([f"{file}: the boundary '{asked}' {cause}. {_choice(list(extract.areas))}"])


def _choice(areas: list[AdminArea]) -> str:
    ranked = sorted(areas, key=lambda area: (area.level, area.name))
    named = [f"{area.ref} {area.name} (admin_level {area.level})" for area in ranked[:LISTED]]
    more = [f"{len(ranked) - LISTED} more"] if len(ranked) > LISTED else []
    return f"Say which with --boundary: {', '.join([*named, *more, 'extent (the box of the extract)'])}."


def _share(extract: Extract, area: AdminArea) -> float:
    """Which share of the extract's roads and buildings the area touches."""
    shapes = np.concatenate([extract.layers["roads"].geoms, extract.layers["buildings"].geoms])
    shapely.prepare(area.geom)
    return float(shapely.intersects(area.geom, shapes).mean()) if len(shapes) else 1.0


def _outline(extract: Extract, ref: str, path: Path) -> tuple[BaseGeometry, str, str]:
    """The city's outline with its Thai and its English name."""
    if ref != EXTENT:
        area = next(area for area in extract.areas if area.ref == ref)
        return area.geom, area.name_th, area.name_en
    if extract.box is None:
        raise CityPackError([f"{path.name}: it has no whole boundary, and no roads or buildings to draw one around."])
    rows = extract.layers["places"]
    towns = [i for i, kind in enumerate(rows.columns.get("kind", [])) if kind in ("city", "town")]
    names = (rows.columns["name_th"][towns[0]], rows.columns["name_en"][towns[0]]) if len(towns) == 1 else ("", "")
    return shapely.box(*extract.box), names[0], names[1] or ("" if names[0] else _stem(path))


def _boundary_rows(extract: Extract, entry: LayerEntry, path: Path) -> tuple[OsmRows, list[str]]:
    ref = _chosen(extract, entry.sublayer, path.name)
    if ref != EXTENT:
        return _area_rows(area for area in extract.areas if area.ref == ref), []
    geom, name_th, name_en = _outline(extract, ref, path)
    names = {"name_th": name_th, "name_en": name_en, "admin_level": None, "population": None}
    rows = _one_row(geom, code=_slug(name_en) or "city", **names)
    box = "the box that it declares" if extract.is_box_declared else "a box around 99 % of its roads and buildings"
    return rows, [f"no boundary lies whole in the extract: the city's is derived, {box}."]


# --- rows ----------------------------------------------------------------------------------------------------------


def _area_rows(areas: Any) -> OsmRows:
    rows = OsmRows()
    found = list(areas)
    for area in found:
        rows.add(
            int(area.ref.split("/")[1]), "", code=area.ref, name_th=area.name_th or area.name_en,
            name_en=area.name_en, admin_level=area.level, population=area.population,
        )
    rows.geoms = _array([area.geom for area in found])
    return rows


def _one_row(geom: BaseGeometry, **fields: Any) -> OsmRows:
    rows = OsmRows()
    rows.add(1, "", **fields)
    rows.geoms = _array([geom])
    return rows


def _array(geoms: list[BaseGeometry]) -> NDArray[np.object_]:
    array = np.empty(len(geoms), dtype=object)
    array[:] = geoms
    return array


def _communities(extract: Extract, boundary: BaseGeometry) -> OsmRows:
    """The quarters and villages named inside the boundary, one per spot."""
    rows = extract.layers["places"]
    shapely.prepare(boundary)
    is_inside = shapely.intersects(boundary, rows.geoms)
    seen: set[bytes] = set()
    kept: list[int] = []
    for index, (kind, spot) in enumerate(zip(rows.columns.get("kind", []), shapely.to_wkb(rows.geoms), strict=True)):
        if is_inside[index] and kind in osm_words.COMMUNITIES and spot not in seen:
            seen.add(spot)
            kept.append(index)
    columns = {name: [values[i] for i in kept] for name, values in rows.columns.items()}
    if kept:
        columns["name_th"] = [th or en for th, en in zip(columns["name_th"], columns["name_en"], strict=True)]
    return OsmRows([rows.numbers[i] for i in kept], columns, [], rows.geoms[kept])
