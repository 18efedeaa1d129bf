"""Which MQTT topics the house takes readings from."""

from __future__ import annotations

from aiomqtt import Topic

from sensors.feeds_store.topics import FEED_TOPICS

READINGS = "faonam/v1/+/readings"
TAKEN = (READINGS, *FEED_TOPICS)


def is_taken(topic: str) -> bool:
    """Whether what is published on the topic is kept for the database; all else is only passed on."""
    try:
        named = Topic(topic)
    except ValueError:  # Nobody may publish on a pattern; the broker hangs up on who tries.
        return False
    return any(named.matches(taken) for taken in TAKEN)


def is_of_a_device(topic: str) -> bool:
    """The topic is `faonam/v1/{code}/readings`; what is taken on others is for feeds."""
    levels = topic.split("/")
    return len(levels) == 4 and levels[:2] == ["faonam", "v1"] and levels[3] == "readings"
