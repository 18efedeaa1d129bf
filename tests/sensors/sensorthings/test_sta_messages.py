"""Observations as messages: topics, payloads, and what a posted message means."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from core.errors import InvalidInputError, NotFoundError
from sensors.sensorthings.messages import message_of, plain_topics, posted_observation, property_message, subscription
from sensors.sensorthings.model import OBSERVATION
from sensors.sensorthings.options import Options

ROW = {
    "id": 7, "phenomenonTime": datetime(2020, 1, 1, tzinfo=UTC), "phenomenonTime_end": None, "result": 1.5,
    "result_json": None, "resultTime": None, "resultQuality": {"qartod": 1}, "validTime": None, "validTime_end": None,
    "parameters": None,
}


def test_a_message_is_the_entity_as_http_shows_it() -> None:
    """What a subscriber gets has the keys, times and absolute links of the answer over HTTP."""
    content = json.loads(message_of(ROW, OBSERVATION, Options(), base="http://x/sta/v1.1"))
    assert content["@iot.selfLink"] == "http://x/sta/v1.1/Observations(7)"
    assert (content["phenomenonTime"], content["result"], content["resultTime"]) == ("2020-01-01T00:00:00Z", 1.5, None)
    _, options = subscription("v1.1/Datastreams(1)/Observations?$select=result")
    assert json.loads(message_of(ROW, OBSERVATION, options, base="")) == {"result": 1.5}
    assert property_message(ROW, OBSERVATION, ["resultQuality", "qartod"]) == b'{"qartod":1}'
    assert property_message(ROW, OBSERVATION, ["resultQuality", "nothing"]) is None
    assert "v1.1/Datastreams(3)/Observations" in plain_topics(OBSERVATION, 7, datastream_id=3)


def test_what_is_selected_are_properties_of_what_the_topic_leads_to() -> None:
    """Behind a relation to one entity, $select names that entity's properties."""
    assert subscription("v1.1/Datastreams(1)/Thing?$select=properties")[1].select == ("properties",)
    with pytest.raises(InvalidInputError):
        subscription("v1.1/Datastreams(1)/Thing?$select=unitOfMeasurement")


def test_a_posted_message_is_an_observation_of_its_topics_datastream() -> None:
    """The topic says the datastream, the payload the rest; without a datastream it must say that too."""
    draft = posted_observation("v1.1/Datastreams(3)/Observations", b'{"result": 2}')
    assert (draft.links, draft.columns["value"]) == ({"Datastream": (3,)}, 2.0)
    assert posted_observation("v1.1/Observations", b'{"result": 2, "Datastream": {"@iot.id": 4}}').links == {
        "Datastream": (4,)
    }


@pytest.mark.parametrize(("topic", "payload"), [
    ("v1.1/Observations", b'{"result": 2}'), ("v1.1/Things", b"{}"), ("v1.0/Observations", b"{}"), ("", b""),
    ("v1.1/Observations?$filter=result gt 1", b"{}"), ("v1.1/Datastreams(1)/Observations", b"["),
    ("v1.1/Datastreams(1)/Observations", b'{"result": "' + b"x" * 70_000 + b'"}'),
    ("v1.1/Nothing(1)/Observations", b"{}"),
])
def test_what_is_no_observation_is_refused(topic: str, payload: bytes) -> None:
    """Other topics, endless payloads and half an observation raise a domain error, nothing else."""
    with pytest.raises((InvalidInputError, NotFoundError)):
        posted_observation(topic, payload)
