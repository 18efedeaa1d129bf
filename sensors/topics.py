"""Which MQTT topics the house takes readings and observations from, and which it tells others on."""

from __future__ import annotations

from aiomqtt import Topic

from sensors.feeds_store.topics import FEED_TOPICS
from sensors.sensorthings.service import VERSION

READINGS = "faonam/v1/+/readings"
# 18-088, clause 14.2: the collection of all observations, or that of a datastream or feature of interest.
OBSERVATIONS = (f"{VERSION}/Observations", f"{VERSION}/+/Observations")
OF_GAUGES = (READINGS, *FEED_TOPICS)
TAKEN = (*OF_GAUGES, *OBSERVATIONS)

HOUSE = "faonam-gateway"  # As whom the gateway goes to the embedded broker.
_PREFIXES = ("faonam/v1/", f"{VERSION}/")
INTEREST, INTEREST_HELD = "faonam/v1/interest", "faonam/v1/interest/held"


def is_taken(topic: str) -> bool:
    """Whether what is published on the topic is kept for the database; all else is only passed on."""
    return _matches(topic, TAKEN)


def is_astray(topic: str) -> bool:
    """Whether the topic is below the house's own prefixes and yet none that anything is taken from."""
    if topic in {INTEREST, INTEREST_HELD} or not topic.startswith(_PREFIXES):
        return False
    return _matches(topic, ("#",)) and not is_taken(topic)


def is_of_gauges(topic: str) -> bool:
    """Whether what is published on the topic comes from a gauge or a feed, with its key."""
    return _matches(topic, OF_GAUGES)


def is_observation(topic: str) -> bool:
    """Whether what is published on the topic is an observation of SensorThings."""
    return _matches(topic, OBSERVATIONS)


def _matches(topic: str, patterns: tuple[str, ...]) -> bool:
    try:
        named = Topic(topic)
    except ValueError:  # Nobody may publish on a pattern; the broker hangs up on who tries.
        return False
    return any(named.matches(pattern) for pattern in patterns)


def is_of_sensorthings(topic: str) -> bool:
    """Whether the topic is one of those on which SensorThings tells what has changed."""
    return topic == VERSION or topic.startswith(f"{VERSION}/")


def may_tell_of_sensorthings(subscribed: str) -> bool:
    """Whether a subscription, maybe a pattern, may be about such topics."""
    return subscribed.split("/")[0] in {VERSION, "+", "#"}


def is_of_a_device(topic: str) -> bool:
    """The topic is `faonam/v1/{code}/readings`; what is taken on others is for feeds."""
    return _matches(topic, (READINGS,))
