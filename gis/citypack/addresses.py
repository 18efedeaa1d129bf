"""House numbers of a layer: which rows can be used, and what to know of the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gis.citypack.layers import LayerRows
from gis.gazetteer.houses import numbers_of, street_forms

NAMED_ROWS = 5


def usable_rows(rows: LayerRows, roads: Collection[tuple[str, str]]) -> list[int]:
    """The positions of the rows that have a house number and a street; what is wrong with others is a warning.

    A house whose street none of the `roads` (Thai and English names) bears is kept: it has its place all the same, and
    the road may come with a later import.
    """
    numbers = rows.column("house_number")
    streets = list(zip(rows.column("street_th"), rows.column("street_en"), strict=True))
    nameless = [at for at, names in enumerate(streets) if not any(names)]
    odd = [at for at, number in enumerate(numbers) if any(streets[at]) and not numbers_of(number)]
    if nameless:
        _warn(rows, "street_th", nameless, "no street is named", [""] * len(nameless), "such rows are left out")
    if odd:
        told = [f" '{numbers[at]}'" for at in odd]
        _warn(rows, "house_number", odd, "there is no house number", told, "such rows are left out")
    left_out = {*nameless, *odd}
    used = [at for at in range(len(rows)) if at not in left_out]
    _warn_of_streets(rows, used, streets, roads)
    return used


def _warn_of_streets(
    rows: LayerRows, used: Sequence[int], streets: Sequence[tuple[str | None, str | None]],
    roads: Collection[tuple[str, str]],
) -> None:
    borne = {form for names in roads for form in street_forms(*names)}
    is_borne = {
        names: not borne.isdisjoint(street_forms(names[0] or "", names[1] or ""))
        for names in {streets[at] for at in used}
    }
    lost = [at for at in used if not is_borne[streets[at]]]
    if lost:
        told = [f" '{streets[at][0] or streets[at][1]}'" for at in lost]
        fault, outcome = "no road of the city bears the street's name", "such houses are kept, but no words lead there"
        _warn(rows, "street_th", lost, fault, told, outcome)


def _warn(
    rows: LayerRows, column: str, found: Sequence[int], fault: str, told: Sequence[str], outcome: str
) -> None:
    named = ", ".join(f"row {rows.numbers[at]}{word}" for at, word in zip(found[:NAMED_ROWS], told, strict=False))
    more = f" and {len(found) - NAMED_ROWS:,} more" if len(found) > NAMED_ROWS else ""
    rows.warnings.append(f"{rows.layer.file}, column {column}: {fault} in {named}{more}; {outcome}.")
