"""What a text says of where all its names are: the units it names, and where the asker looks. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gis.gazetteer.entries import Entry
from gis.gazetteer.index import SAME_PROVINCE, Gazetteer
from gis.gazetteer.options import NEAR_SCALE_M, Option
from gis.points import LonLat

# What lies outside a unit that the text names is seldom meant; what lies in a named unit far away, is.
OUTSIDE = 0.35
_WIDTH = {"province": 2, "district": 4, "subdistrict": 6}
_NEAREST_FIRST = ("subdistrict", "municipality", "district", "province")
_NAMED_FROM = 0.45


@dataclass(frozen=True, slots=True)
class Context:
    """`units` are the units that the text names, the smallest first, each as it is most likely meant."""

    gazetteer: Gazetteer
    units: tuple[Option, ...]
    near: tuple[float, float] | None

    def fits(self, option: Option) -> float:
        """How well the option stands with the named units and the asker: 1 agrees, less contradicts.

        A unit far away that the text names outright takes back what being far away cost the option.
        """
        entry = self.gazetteer.entries[option.entry]
        nearer, outside = 1.0, 1.0
        for unit in self._wider(option):
            if _is_in(entry, option, self.gazetteer.entries[unit.entry], unit):
                nearer = max(nearer, min(1.0, unit.weight + 0.1) / option.odds) if option.odds < 1.0 else nearer
            else:
                outside *= 1 - (1 - OUTSIDE) * min(1.0, unit.weight + 0.1)
        return nearer * outside * self._closeness(option)

    def holds(self, option: Option) -> bool:
        """The option lies in every wider unit that the text names."""
        entry = self.gazetteer.entries[option.entry]
        return all(_is_in(entry, option, self.gazetteer.entries[unit.entry], unit) for unit in self._wider(option))

    def _wider(self, option: Option) -> list[Option]:
        return [unit for unit in self.units if unit.entry != option.entry and _rank(unit.kind) > _rank(option.kind)]

    def _closeness(self, option: Option) -> float:
        if self.near is None:
            return 1.0
        away_m = math.hypot(option.x - self.near[0], option.y - self.near[1])
        beyond_m = max(0.0, away_m - option.radius_m)
        return 0.6 + 0.4 / (1.0 + beyond_m / NEAR_SCALE_M)


def _rank(kind: str) -> int:
    return {"province": 4, "district": 3, "municipality": 2, "subdistrict": 1}.get(kind, 0)


def _is_in(entry: Entry, option: Option, unit: Entry, unit_option: Option) -> bool:
    width = _WIDTH.get(unit.kind)
    code = getattr(entry, unit.kind, "") if width else ""
    if width and entry.kind in _WIDTH and _WIDTH[entry.kind] > width:
        return entry.code[:width] == unit.code
    if code:
        return bool(code == unit.code)
    apart_m = math.hypot(option.x - unit_option.x, option.y - unit_option.y)
    return apart_m <= unit_option.radius_m + min(option.radius_m, 2_000.0)


def context_of(gazetteer: Gazetteer, groups: Sequence[Sequence[Option]], *, near: LonLat | None) -> Context:
    """The units that the text names (`groups`: what each name may mean), read so that they agree where they can."""
    asker = gazetteer.metres(near) if near else None
    context = Context(gazetteer, (), asker)
    chosen: list[Option] = []
    # From the widest to the smallest, so that each is read within those that hold it.
    for kind in reversed(_NEAREST_FIRST):
        for group in groups:
            units = [option for option in group if option.kind == kind and not _is_by_chance(option)]
            if not units or not any(option.is_cued or option.weight >= _NAMED_FROM for option in units):
                continue
            if any(not option.is_admin and option.weight > units[0].weight for option in group):
                continue
            weighed = [option._replace(weight=option.weight * option.odds * context.fits(option)) for option in units]
            top = max(weighed, key=lambda option: option.weight)
            top = top._replace(weight=next(option.weight for option in units if option.entry == top.entry))
            if not top.is_cued and any(_is_twin(top, other) for other in chosen):
                continue
            chosen.append(top)
        context = Context(gazetteer, tuple(sorted(chosen, key=lambda option: _rank(option.kind))), asker)
    return context


def _is_by_chance(option: Option) -> bool:
    """A far sub-district without its type word says nothing of where other names are."""
    return option.kind == "subdistrict" and not option.is_cued and option.odds < SAME_PROVINCE


def _is_twin(one: Option, other: Option) -> bool:
    """Both were read in the same words."""
    return one.matched == other.matched
