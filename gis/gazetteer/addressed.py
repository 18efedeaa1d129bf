"""House numbers in a text: which number belongs to which street, and the house that both name together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from core.words import words
from gis.gazetteer.houses import AskedHouse, HouseNumber, HouseSpot, house_spot
from gis.gazetteer.index import Gazetteer
from gis.gazetteer.options import WITH_CUE, Option
from gis.gazetteer.reading import Mention, Places, Reading, relation_before

# How sure a number is a house's (assumed): said to be one; divided (123/4), right before the street; any other number
# there, which may count something else ("น้ำท่วม 2 ถนน").
SAID, DIVIDED, BARE = 1.0, 0.95, 0.85
# A number that the street really has vouches for the street's name as a soi's does; one in between never does.
EXACT_LIFT = 0.10
# Of what a text names a house is the smallest; it stands before its own street even where it is less sure.
HOUSE_TELLS, BEFORE_ITS_STREET = 1.2, 1.01
# What is near a house, or beside it, is no further from it than this, metres (assumed).
_RELATED_M = {"": 0.0, "near": 150.0, "beside": 60.0}

_CUED = re.compile(
    r"(?:บานเลข(?:ที)?|เลขที(?:บาน)?|(?<![a-z])(?:house )?(?:no|number) ?|(?<![a-z])house )"
    r"([0-9]{1,5})(?:/([0-9]{1,5}))?(?![0-9/])"
)
# What has a number and is no house: a lamp post, a meter, a car, a room.
_OTHER_THING = re.compile(
    r"(?:เสา(?:ไฟ(?:ฟา)?)?|ไฟฟา|ทะเบียน|หอง|มิเตอร|คำรอง|ไบ[ก-๛]{0,8}|บิล|บัญชี|บัตร|สาย|ตน|รถ|"
    r"(?:pole|post|room|bus|route|line|meter|plate|ticket|case|flat|car)) ?$"
)
_THING_LETTERS = 16
# Right before the street, with its moo or its soi between at the most; "123/4-5" is read as 123/4.
_BEFORE_STREET = re.compile(
    r"(?<![0-9])(?<![0-9][/ ])([0-9]{1,4})(?:/([0-9]{1,5})(?: [0-9]{1,3})?)?"
    r"(?: ?(?:หมู(?:ที)?|moo |mu )[0-9]{1,2})?(?: ?(?:ซอย(?:ที)?|soi )[0-9]{1,4}(?:/[0-9]{1,4})?)? ?$"
)
_REACH = 40  # Letters before a street that may hold its number.
_COUNTS_OTHERS = (
    "หมู", "หมูที", "หมูบานที", "ซอย", "ซอยที", "ชัน", "ชันที", "หอง", "ตึก", "กม", "กิโลเมตรที", "สาย", "วันที", "เวลา", "ปี", "เสา",
    "ตน", "ตนที", "คันที", "ลำดับที", "ครังที", "โทร", "เบอร", "สูง", "ลึก", "ราว", "ประมาณ", "อีก", "ทัง", "แค", "เกือบ", "เลน",
    "เลข", "เลขที", "moo", "mu", "soi", "floor", "room", "km", "tel", "lane", "bus", "route", "line", "no",
    "about", "the",
)  # fmt: skip


# --- numbers in the text -------------------------------------------------------------------------------------------


def asked_houses(gazetteer: Gazetteer, reading: Reading, mentions: Sequence[Mention]) -> dict[int, AskedHouse]:
    """The house number of each street and nameless soi that the text gives one, by where these stand."""
    if not gazetteer.houses:
        return {}
    streets = [m for m in mentions if _may_have_houses(gazetteer, m)]
    if not streets and not reading.sois:
        return {}
    found: dict[int, AskedHouse] = {}
    for start, end, number in _cued(reading):
        for target in _nearest(reading, streets, start, end):
            found.setdefault(_at(target), _asked(reading, target, start, end, number, SAID))
    targets: list[_Target] = [*streets, *reading.sois]
    for target in targets:
        if _at(target) not in found:
            found |= _right_before(reading, mentions, target)
    return found


def _may_have_houses(gazetteer: Gazetteer, mention: Mention) -> bool:
    """It is a street; a soi of it that no map shows is none: its houses are not those of the street."""
    key = gazetteer.keys[mention.key]
    if "road" not in key.families or not mention.number or "soi" not in mention.families:
        return "road" in key.families
    street = gazetteer.streets.get(key.text)
    return street is not None and mention.number in street.sois


_Target = Mention | tuple[str, int]  # A street, or a soi that is only a number and where it stands.


def _at(target: _Target) -> int:
    return target.start if isinstance(target, Mention) else target[1]


def _span(reading: Reading, target: _Target) -> tuple[int, int]:
    """From its type word to its end, in the normal form."""
    if not isinstance(target, Mention):
        return target[1], target[1] + len(target[0])
    begin = reading.heard.rfind(target.cue, 0, target.start) if target.cue else target.start
    return begin if begin >= 0 else target.start, target.end


def _cued(reading: Reading) -> Iterator[tuple[int, int, HouseNumber]]:
    for cued in _CUED.finditer(reading.normal):
        before = reading.normal[max(0, cued.start() - _THING_LETTERS) : cued.start()]
        if int(cued[1]) and not _OTHER_THING.search(before):
            yield cued.start(), cued.end(), HouseNumber(int(cued[1]), int(cued[2] or 0))


def _nearest(reading: Reading, streets: Sequence[Mention], start: int, end: int) -> list[_Target]:
    """The street nearest to the number in the text, and the nameless soi where that is nearer still."""
    def gap(target: _Target) -> tuple[int, bool]:
        first, last = _span(reading, target)
        return (first - end, False) if first >= end else (max(start - last, 0), True)

    nearest: list[_Target] = [min(streets, key=gap)] if streets else []
    soi = min(reading.sois, key=gap, default=None)
    return [*nearest, soi] if soi is not None and (not nearest or gap(soi) <= gap(nearest[0])) else nearest


def _right_before(reading: Reading, mentions: Sequence[Mention], target: _Target) -> Mapping[int, AskedHouse]:
    """The number right before the street's type word or Latin name; a divided one may stand before any name."""
    first, _ = _span(reading, target)
    low = max(0, first - _REACH)
    found = _BEFORE_STREET.search(reading.normal, low, first)
    if found is None or not int(found[1]):
        return {}
    start, end = found.start(), found.end(2) if found[2] else found.end(1)
    is_taken = any(m.start <= start < m.end for m in mentions)
    if is_taken or reading.normal[low:start].rstrip().endswith(_COUNTS_OTHERS):
        return {}
    if not found[2] and not _shows_a_street(reading, target):
        return {}
    number = HouseNumber(int(found[1]), int(found[2] or 0))
    return {_at(target): _asked(reading, target, start, end, number, DIVIDED if found[2] else BARE)}


def _shows_a_street(reading: Reading, target: _Target) -> bool:
    return not isinstance(target, Mention) or bool(target.families) or reading.normal[target.start].isascii()


def _asked(
    reading: Reading, target: _Target, start: int, end: int, number: HouseNumber, sure: float
) -> AskedHouse:
    first, last = Places(reading.text, reading.normal).span(start, end)
    is_clear = not isinstance(target, Mention) or (target.likeness == 1.0 and not target.is_doubtful)
    return AskedHouse(
        number, reading.text[first:last].strip(), sure, relation_before(reading.text, first),
        can_vouch=is_clear and sure > BARE,
    )


def with_house(group: Sequence[Option], house: AskedHouse | None) -> Sequence[Option]:
    """What a name may mean, with the house number that the text gives to it."""
    return group if house is None else [option._replace(house=house) for option in group]


# --- the house -----------------------------------------------------------------------------------------------------


def houses_named(gazetteer: Gazetteer, options: Iterable[Option]) -> Iterator[Option]:
    """The houses whose numbers the text gives to these roads and soi, as options beside their whole roads.

    Where nothing is known of the number, or no more than of the whole road, there is none.
    """
    for option in options:
        if option.house is None or option.kind != "road" or not _is_whole_road(gazetteer, option):
            continue
        houses = gazetteer.houses.get(option.entry)
        found = house_spot(houses, option.house.number) if houses is not None else None
        if found is None:
            continue
        radius_m = max(found.spot.radius_m, _RELATED_M[option.house.relation])
        if radius_m < option.radius_m:
            yield _house(option, option.house, found, radius_m)


def _is_whole_road(gazetteer: Gazetteer, option: Option) -> bool:
    """The option is its entry itself, not a soi of it that lies somewhere along it."""
    x, y = gazetteer.xy[option.entry]
    return bool(x == option.x and y == option.y)


def _house(option: Option, asked: AskedHouse, found: HouseSpot, radius_m: float) -> Option:
    weight = option.weight * asked.sure
    if found.is_exact and asked.can_vouch:
        weight = max(weight, min(weight + EXACT_LIFT, WITH_CUE))
    key, number = "house" if found.is_exact else "house-approximate", str(asked.number)
    label_th, label_en = (
        words("gis", key, language=language, number=number, street=street)
        for language, street in (("th", option.label_th), ("en", option.label_en))
    )
    return option._replace(
        x=found.spot.x, y=found.spot.y, radius_m=radius_m, kind="house", code=f"{option.code}#{number}",
        label_th=label_th, label_en=label_en, weight=weight, matched=f"{asked.matched} {option.matched}",
        street=None, tells=max(HOUSE_TELLS, BEFORE_ITS_STREET * option.tells / asked.sure),
        is_approximate=not found.is_exact,
    )
