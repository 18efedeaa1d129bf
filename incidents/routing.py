"""Whose work an incident is: by category, kind and area, at a border to both sides, and never nobody's. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ANYTHING = "*"
DESK_CODE = "CITY"
# How far a community's drawn edge may lie from the true one, and a pin without a radius from what it means (assumed;
# a phone's position is good to 10-30 m under an open sky).
BORDER_ACCURACY_M = 15.0
PIN_RADIUS_M = 15.0
# A pin within this of a street means the street; a street within this of an area's edge is the area's too: half a wide
# street and the inaccuracy of both drawings.
STREET_WITHIN_M = 30.0
STREET_EDGE_M = 25.0
# A place known only to hundreds of metres would reach every agency of the city.
WIDEST_TOLERANCE_M = 150.0
MOST_OTHERS = 3


@dataclass(frozen=True)
class AgencyChoice:
    """An agency as the routing rule sees it: its categories (`*` = whatever nobody else takes) and its area, if any."""

    code: str
    categories: frozenset[str]
    area_code: str | None


@dataclass(frozen=True)
class AreaNear:
    """An area as seen from a place: how far away it is, how far its edge, its size, and how far from the street.

    `distance_m` is 0 inside; `street_m` is from the point of the street at which the place lies, None off the streets.
    """

    code: str
    distance_m: float
    edge_m: float
    size_m2: float
    street_m: float | None = None
    street_edge_m: float | None = None


@dataclass(frozen=True)
class Surroundings:
    """What the routing rule knows of a place; `outside_m` is how far beyond the city it is: 0 inside, None unknown."""

    areas: tuple[AreaNear, ...]
    outside_m: float | None


@dataclass(frozen=True)
class Reached:
    """An agency that an incident goes to, why, and how far its area is from the place (None: it has none)."""

    code: str
    reason: str
    distance_m: float | None = None


@dataclass(frozen=True)
class _Fit:
    rank: int
    size_m2: float
    code: str
    area: AreaNear | None

    @property
    def key(self) -> tuple[int, float, str]:
        """What comes first is the lead: who names the category, then its kind, then `*`; the smaller area first."""
        return (self.rank, self.size_m2, self.code)

    @property
    def holds(self) -> bool:
        """The place lies in its area, or it has none and serves the whole city."""
        return self.area is None or self.area.distance_m == 0.0


_REASONS = ("category", "kind", "any")
_CITY_WIDE = float("inf")


def tolerance_m(radius_m: float | None) -> float:
    """How far the true place may be from the point: the report's own radius and the inaccuracy of the borders."""
    own_m = PIN_RADIUS_M if radius_m is None else max(radius_m, 0.0)
    return min(own_m + BORDER_ACCURACY_M, WIDEST_TOLERANCE_M)


def agencies_for(
    agencies: Iterable[AgencyChoice],
    *,
    category_code: str,
    agency_kind: str,
    surroundings: Surroundings,
    radius_m: float | None,
) -> tuple[Reached, ...]:
    """The agencies that an incident goes to, the lead first; never none: at last the city's own desk.

    The lead is whose area holds the place: who names the category, then its kind, then `*`; the smaller area first,
    then the whole city. Others are those who would lead within the tolerance of the place, or at the street it lies on.
    Where only `*` is left although others do such work elsewhere, the nearest of those leads. Beyond the city it is the
    desk's.
    """
    choices = list(agencies)
    within_m = tolerance_m(radius_m)
    fits = _fits(choices, category_code=category_code, agency_kind=agency_kind, surroundings=surroundings)
    if surroundings.outside_m is not None and surroundings.outside_m > within_m:
        return (Reached(desk_of(choices), "outside_city", surroundings.outside_m),)
    holding = [fit for fit in fits if fit.holds]
    lead = min(holding, key=lambda fit: fit.key, default=None)
    if lead is None or lead.rank == _REASONS.index("any"):
        nearest = min(
            (fit for fit in fits if fit.area is not None and not fit.holds and fit.rank < _REASONS.index("any")),
            key=lambda fit: (_far(fit), fit.key), default=None,
        )
        if nearest is not None and (lead is None or lead.area is None):
            first = Reached(nearest.code, "nearest_area", _far(nearest))
            others = _others(fits, nearest, within_m=_far(nearest) + within_m, is_inside=False)
            return (first, *others)
    if lead is None:
        return (Reached(desk_of(choices), "desk"),)
    first = Reached(lead.code, _REASONS[lead.rank], None if lead.area is None else 0.0)
    return (first, *_others(fits, lead, within_m=within_m, is_inside=True))


def desk_of(agencies: Iterable[AgencyChoice]) -> str:
    """The city's own desk: the agency of the whole city that takes what nobody else takes, else the built-in one."""
    return min((a.code for a in agencies if ANYTHING in a.categories and a.area_code is None), default=DESK_CODE)


def _far(fit: _Fit) -> float:
    return fit.area.distance_m if fit.area is not None else 0.0


def _fits(
    agencies: Sequence[AgencyChoice], *, category_code: str, agency_kind: str, surroundings: Surroundings
) -> list[_Fit]:
    areas = {area.code: area for area in surroundings.areas}
    fits: list[_Fit] = []
    for agency in agencies:
        if agency.area_code is not None and agency.area_code not in areas:
            continue
        area = areas[agency.area_code] if agency.area_code is not None else None
        for rank, name in enumerate((category_code, agency_kind, ANYTHING)):
            if name in agency.categories:
                fits.append(_Fit(rank, area.size_m2 if area else _CITY_WIDE, agency.code, area))
                break
    return fits


def _first_somewhere(fits: Sequence[_Fit]) -> list[_Fit]:
    """The agencies that would lead in some place: the first of each area, unless one of the whole city comes before."""
    first: dict[str | None, _Fit] = {}
    for fit in sorted(fits, key=lambda fit: fit.key):
        first.setdefault(fit.area.code if fit.area else None, fit)
    everywhere = first.get(None)
    return [fit for fit in first.values() if everywhere is None or fit.key <= everywhere.key]


def _others(fits: Sequence[_Fit], lead: _Fit, *, within_m: float, is_inside: bool) -> list[Reached]:
    """Who else would lead somewhere within the tolerance, or on the street: the nearest first."""
    area = lead.area
    leaves = area is not None and (area.edge_m <= within_m or not is_inside)
    leaves_by_street = area is not None and area.street_edge_m is not None and area.street_edge_m <= STREET_EDGE_M
    found: list[tuple[float, tuple[int, float, str], str]] = []
    for fit in _first_somewhere(fits):
        if fit.code == lead.code or (fit.rank == _REASONS.index("any") and lead.rank < fit.rank):
            continue
        if not (fit.key < lead.key or leaves or leaves_by_street):
            continue
        if fit.area is None:
            found.append((0.0, fit.key, "border"))
        elif fit.area.distance_m <= within_m:
            found.append((fit.area.distance_m, fit.key, "border"))
        elif fit.area.street_m is not None and fit.area.street_m <= STREET_EDGE_M:
            found.append((fit.area.distance_m, fit.key, "street"))
    by_code = {code: Reached(code, reason, far_m) for far_m, (*_, code), reason in sorted(found)}
    return list(by_code.values())[:MOST_OTHERS]


# ── Sent on ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Handing:
    """One time that an incident was sent on."""

    from_code: str | None
    to_code: str


def refusal_of_handing(
    earlier: Sequence[Handing], *, lead_code: str | None, to_code: str, desk_code: str, limit: int
) -> str | None:
    """Why the incident may not go from its lead to this agency, as a key of the locale files; None where it may.

    Nobody gets an incident back that it has itself sent on, so that two agencies cannot hand it to and fro; only the
    city's desk, which decides, may get it again and hand it to anybody.
    """
    if to_code == lead_code:
        return "handing-same"
    if desk_code in {to_code, lead_code}:
        return None
    if any(handing.from_code == to_code for handing in earlier):
        return "handing-back"
    return "handing-often" if len(earlier) >= limit else None
