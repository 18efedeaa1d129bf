"""A layer against what lies around the city: its province and 5 km, the sub-districts' outlines, its own points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.citypack.findings import Findings, Frame
from gis.citypack.layers import LayerKind
from gis.citypack.manifest import LayerEntry
from gis.citypack.rawlayers import RawLayer

Geoms = NDArray[np.object_]
PROVINCE_REACH_DEGREES = 0.045  # About 5 km.
NAMED_ROWS = 5
OVERLAP_SHARE = 0.01  # Assumed: less is how accurately outlines are drawn.
# What open data calls the column that names a row's sub-district.
SUBDISTRICT_COLUMNS = ("subdistrict", "tambon", "ตำบล", "แขวง")


def check(
    raw: RawLayer, geoms: Geoms, entry: LayerEntry, kind: LayerKind, frame: Frame, findings: Findings
) -> None:
    """What lies outside the province and 5 km is a fault where every row is kept, a warning where it is dropped;
    points that share one spot and names that contradict the sub-district's outline are warnings.
    """
    if not len(geoms):
        return
    if frame.province is not None:
        _check_province(raw, geoms, entry, frame, findings)
    if kind.kind == "communities" and entry.polygons is None:
        _check_overlaps(raw, geoms, entry, frame, findings)
    if kind.geometry == "Point":
        _check_repeated(raw, geoms, entry, findings)
        _check_names(raw, geoms, entry, frame, findings)


def _check_province(raw: RawLayer, geoms: Geoms, entry: LayerEntry, frame: Frame, findings: Findings) -> None:
    outside = np.flatnonzero(~shapely.dwithin(geoms, frame.province, PROVINCE_REACH_DEGREES)).tolist()
    if outside and entry.keep != "all":
        at = shapely.point_on_surface(geoms[outside[0]])
        findings.warn(
            entry.file, f"{len(outside):,} rows lie outside the city's province and 5 km (row "
            f"{raw.numbers[outside[0]]} near {at.x:.5f}, {at.y:.5f}); they are left out.",
        )
        return
    for index in outside:
        at = shapely.point_on_surface(geoms[index])
        cause = f"it lies outside the city's province and 5 km (near {at.x:.5f}, {at.y:.5f})."
        findings.note(entry.file, cause, row=raw.numbers[index])


def _check_overlaps(raw: RawLayer, geoms: Geoms, entry: LayerEntry, frame: Frame, findings: Findings) -> None:
    """Whoever lives where two communities overlap is told twice, and one that lies beside the city gets no zone."""
    one, other = shapely.STRtree(geoms).query(geoms, predicate="intersects")
    one, other = one[one < other], other[one < other]
    shared = shapely.area(shapely.intersection(geoms[one], geoms[other]))
    is_much = shared > OVERLAP_SHARE * np.minimum(shapely.area(geoms[one]), shapely.area(geoms[other]))
    pairs = [
        f"rows {raw.numbers[a]} and {raw.numbers[b]}"
        for a, b in zip(one[is_much].tolist(), other[is_much].tolist(), strict=True)
    ]
    if pairs:
        findings.warn(entry.file, f"communities overlap by more than {OVERLAP_SHARE:.0%}: {_some(pairs)}.")
    beside = np.flatnonzero(~shapely.intersects(geoms, frame.boundary)).tolist()
    if beside and entry.keep == "all":
        rows = _some([f"row {raw.numbers[index]}" for index in beside])
        findings.warn(entry.file, f"communities lie wholly outside the boundary: {rows}.")


def _some(named: Sequence[str]) -> str:
    more = f" and {len(named) - NAMED_ROWS:,} more" if len(named) > NAMED_ROWS else ""
    return ", ".join(named[:NAMED_ROWS]) + more


def _check_repeated(raw: RawLayer, geoms: Geoms, entry: LayerEntry, findings: Findings) -> None:
    if entry.polygons is not None:
        return  # Areas are made of these points: two at one spot are a fault there.
    first: dict[bytes, int] = {}
    pairs: list[str] = []
    for number, spot in zip(raw.numbers, shapely.to_wkb(geoms).tolist(), strict=True):
        if spot in first:
            pairs.append(f"row {number} at that of row {first[spot]}")
        first.setdefault(spot, number)
    if pairs:
        are = "point lies" if len(pairs) == 1 else "points lie"
        findings.warn(entry.file, f"{len(pairs):,} {are} at the very place of another: {_some(pairs)}.")


def _check_names(raw: RawLayer, geoms: Geoms, entry: LayerEntry, frame: Frame, findings: Findings) -> None:
    column = next((name for name in SUBDISTRICT_COLUMNS if name in raw.columns), None)
    if column is None or not frame.subdistricts:
        return
    tree = shapely.STRtree([outline for _, outline in frame.subdistricts])
    rows, outlines = tree.query(geoms, predicate="intersects")
    holding: dict[int, list[str]] = {}
    for row, outline in zip(rows.tolist(), outlines.tolist(), strict=True):
        holding.setdefault(row, []).append(frame.subdistricts[outline][0])
    for row, names in sorted(holding.items()):
        told = _plain(raw.columns[column][row])
        if told and told not in map(_plain, names):
            findings.warn(
                entry.file, f"it says '{told}', but its point lies in the outline of {_listed(names)}.",
                row=raw.numbers[row], column=column,
            )


def _plain(name: object) -> str:
    """A sub-district's name without the word for one."""
    text = str(name or "").strip()
    for word in ("ตำบล", "แขวง", "ต."):
        text = text.removeprefix(word)
    return text.strip()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
