"""OpenStreetMap's words in ours: which objects are roads, water, houses, places, facilities. Pure; see wiki.osm.org.

`tags` is anything that can be asked like a mapping of texts.
"""

from __future__ import annotations

from collections.abc import Mapping

LINE_KEYS = ("highway", "waterway", "addr:housenumber")
KEYS = (
    "building", "place", "boundary", "amenity", "man_made", "emergency", "power", "evacuation_center",
    "addr:housenumber",
)
# What is planned, gone, or no way for anybody.
_NO_ROADS = {
    "construction", "proposed", "abandoned", "razed", "disused", "platform", "raceway", "corridor", "elevator",
    "rest_area", "services", "bus_stop", "bus_guideway", "traffic_island", "via_ferrata", "planned", "no", "yes",
}
WATERWAYS = ("river", "stream", "canal", "drain", "ditch", "tidal_channel")
PLACES = (
    "city", "town", "village", "hamlet", "isolated_dwelling", "borough", "suburb", "quarter", "neighbourhood", "island",
    "locality",
)
COMMUNITIES = ("neighbourhood", "quarter", "suburb", "village", "hamlet")
ROAD_ATTRIBUTES = ("oneway", "maxspeed", "surface", "tunnel", "layer")
_FACILITIES: Mapping[str, Mapping[str, str]] = {
    "amenity": {
        "hospital": "hospital", "clinic": "clinic", "doctors": "clinic", "health_post": "clinic",
        "pharmacy": "pharmacy", "school": "school", "kindergarten": "kindergarten", "college": "university",
        "university": "university", "marketplace": "market", "police": "police", "fire_station": "fire_station",
        "townhall": "townhall", "courthouse": "courthouse", "community_centre": "community_centre",
        "social_facility": "social_facility", "bus_station": "bus_station", "ferry_terminal": "ferry_terminal",
        "post_office": "post", "fuel": "fuel", "prison": "prison",
    },
    "man_made": {"pumping_station": "pumping_station", "water_works": "water_works", "wastewater_plant": "water_works"},
    "power": {"substation": "power_substation", "plant": "power_plant"},
    "emergency": {
        "ambulance_station": "ambulance_station", "assembly_point": "assembly_point", "disaster_shelter": "shelter",
    },
}
_WORSHIP = {"buddhist": "temple", "muslim": "mosque", "christian": "church"}


def facility_kind(tags: Mapping[str, str]) -> str | None:
    """What kind of facility the tags tell of; None where of none that matters in a flood.

    `amenity=shelter` is a roof against rain at a bus stop or a picnic place: it counts as a shelter for people only
    where the tags say that it serves in a disaster.
    """
    if tags.get("evacuation_center") == "yes" or tags.get("shelter_type") == "emergency":
        return "shelter"
    if tags.get("amenity") == "shelter" and tags.get("emergency") in ("yes", "designated", "shelter"):
        return "shelter"
    if tags.get("amenity") == "place_of_worship":
        return _WORSHIP.get(tags.get("religion", ""), "place_of_worship")
    for key, kinds in _FACILITIES.items():
        if tags.get(key) in kinds:
            return kinds[tags[key]]
    return None


def is_road(tags: Mapping[str, str]) -> bool:
    """The tags tell of a street, road or path that is there."""
    return "highway" in tags and tags["highway"] not in _NO_ROADS and tags.get("area") != "yes"


def is_building(tags: Mapping[str, str]) -> bool:
    """The tags tell of a building that stands."""
    return tags.get("building", "no") not in ("no", "construction", "ruins", "proposed", "collapsed")


def is_administrative(tags: Mapping[str, str]) -> bool:
    """The tags tell of an administrative area with a level and a name."""
    return tags.get("boundary") == "administrative" and tags.get("admin_level", "").isdigit() and bool(name_of(tags))


def names(tags: Mapping[str, str]) -> tuple[str, str]:
    """The name in Thai and in English: `name:th`, else a `name` in Thai letters; `name:en`, else any other `name`."""
    name = tags.get("name", "")
    is_thai = any("\u0e00" <= letter <= "\u0e7f" for letter in name)
    return tags.get("name:th") or (name if is_thai else ""), tags.get("name:en") or ("" if is_thai else name)


def address(tags: Mapping[str, str]) -> dict[str, str] | None:
    """The house number and its street's names in Thai and in English; None without a number or a street.

    Nothing else of the object is taken: its `name` is often that of the family who lives there.
    """
    number, street = tags.get("addr:housenumber", ""), tags.get("addr:street", "")
    thai, english = names(
        {"name": street, "name:th": tags.get("addr:street:th", ""), "name:en": tags.get("addr:street:en", "")}
    )
    return {"house_number": number, "street_th": thai, "street_en": english} if number and (thai or english) else None


def name_of(tags: Mapping[str, str]) -> str:
    """The name to call it by, English first; empty where it has none."""
    thai, english = names(tags)
    return english or thai


def whole(text: str | None) -> int | None:
    """The whole number that a tag holds, or None: `building:levels=2`, `population=209533`, never `2;3` or `many`."""
    try:
        number = float((text or "").replace(",", ""))
    except ValueError:
        return None
    return int(number) if 0 <= number < 1e9 and number == int(number) else None


def is_set(text: str | None) -> bool:
    """A tag says that something is so: `bridge=yes`, `bridge=viaduct`, not `bridge=no`."""
    return text not in (None, "", "no")
