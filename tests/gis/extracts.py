"""Small OpenStreetMap extracts, written for a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium
from osmium.osm import mutable

BOX = [(100.0, 8.0), (100.02, 8.0), (100.02, 8.02), (100.0, 8.02)]


@dataclass
class Town:
    """An extract being written; every `way` makes its own nodes but shares those at the same spot."""

    nodes: list[Any] = field(default_factory=list)
    ways: list[Any] = field(default_factory=list)
    relations: list[Any] = field(default_factory=list)
    spots: dict[tuple[float, float], int] = field(default_factory=dict)

    def node(self, spot: tuple[float, float], **tags: str) -> int:
        """A node, by itself where it has tags; its id."""
        if not tags and spot in self.spots:
            return self.spots[spot]
        number = len(self.nodes) + 1
        self.nodes.append(mutable.Node(id=number, location=spot, tags=tags, version=1))
        if not tags:
            self.spots[spot] = number
        return number

    def way(self, *spots: tuple[float, float], **tags: str) -> int:
        """An open way; its id."""
        number = len(self.ways) + 1
        nodes = [self.node(spot) for spot in spots]
        self.ways.append(mutable.Way(id=number, nodes=nodes, tags=_coloned(tags), version=1))
        return number

    def ring(self, *spots: tuple[float, float], **tags: str) -> int:
        """A closed way; its id."""
        return self.way(*spots, spots[0], **tags)

    def boundary(self, name: str, *spots: tuple[float, float], level: int = 8, **tags: str) -> int:
        """An administrative relation with one outer ring; its id."""
        number = len(self.relations) + 1
        told = {"type": "boundary", "boundary": "administrative", "admin_level": str(level), "name": name} | tags
        members = [("w", self.ring(*spots), "outer")]
        self.relations.append(mutable.Relation(id=number, members=members, tags=told, version=1))
        return number

    def write(self, path: Path) -> Path:
        """The extract is written."""
        path.unlink(missing_ok=True)
        with osmium.SimpleWriter(str(path)) as writer:
            for node in self.nodes:
                writer.add_node(node)
            for way in self.ways:
                writer.add_way(way)
            for relation in self.relations:
                writer.add_relation(relation)
        return path


def _coloned(tags: dict[str, str]) -> dict[str, str]:
    return {key.replace("__", ":"): value for key, value in tags.items()}


def small_town() -> Town:
    """A boundary of 2 km with two quarters, a bridge, a canal, two houses, a hospital and a picnic shelter."""
    town = Town()
    town.boundary("เมืองเล็ก", *BOX, population="1000", **{"name:en": "Tiny"})
    town.node((100.005, 8.01), place="quarter", name="West")
    town.node((100.015, 8.01), place="quarter", name="East")
    town.way((100.001, 8.001), (100.01, 8.01), highway="residential", name__th="ถนนหนึ่ง", name="One", oneway="yes")
    town.way((100.01, 8.01), (100.012, 8.012), highway="primary", bridge="yes", surface="asphalt")
    town.way((100.0, 8.015), (100.02, 8.015), waterway="canal")
    for lon in (100.003, 100.013):
        town.ring((lon, 8.003), (lon + 1e-3, 8.003), (lon + 1e-3, 8.004), (lon, 8.004), building="yes",
                  building__levels="2")
    town.node((100.011, 8.011), amenity="hospital", name="โรงพยาบาล")
    town.node((100.012, 8.004), amenity="shelter", shelter_type="picnic_shelter")
    return town
