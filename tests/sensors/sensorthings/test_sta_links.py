"""Which links an answer has (18-088, clauses 8.1 and 9.3.2), as the OGC's own suite reads them."""

from __future__ import annotations

from tests.sensors.sensorthings.conftest import Sta, datastream, thing

_NAVIGATION = "@iot.navigationLink"


def _links(content: dict[str, object]) -> set[str]:
    return {name.removesuffix(_NAVIGATION) for name in content if name.endswith(_NAVIGATION)}


def test_what_expand_shows_has_links_only_where_select_names_them(sta: Sta) -> None:
    """The entity asked for keeps all its links, those that are expanded too; an expanded one shows none unasked."""
    sta.post("Things", thing(Datastreams=[datastream(Observations=[{"result": 1}])]))
    one = sta.get("Things(1)", expand="Datastreams($expand=Sensor,Observations)")
    assert _links(one) == {"Datastreams", "Locations", "HistoricalLocations"}
    inner = one["Datastreams"][0]
    assert [_links(inner), _links(inner["Sensor"]), _links(inner["Observations"][0])] == [set(), set(), set()]
    assert inner["@iot.selfLink"].endswith("Datastreams(1)")
    inside = "Thing($select=name,Locations;$expand=Locations)"
    chosen = sta.get("Datastreams", select="Thing", expand=inside)["value"][0]
    assert _links(chosen) == {"Thing"}
    assert _links(chosen["Thing"]) == {"Locations"}
    assert _links(chosen["Thing"]["Locations"][0]) == set()
    assert _links(sta.get("Things(1)", select="name", expand="Datastreams")) == set()
