"""The MQTT topics on which feeds may come. Pure."""

from __future__ import annotations

from aiomqtt import Topic

# Our own: faonam/v1/feeds/{code of the feed}/{name of the series}.
OWN = "faonam/v1/feeds/+/+"
FEED_TOPICS = (
    OWN,
    "application/+/device/+/event/up",
    "application/+/device/+/event/join",
    "v3/+/devices/+/up",
    "v3/+/devices/+/join",
    "v1/devices/me/telemetry",
)


def is_within_taken(pattern: str) -> bool:
    """The pattern, in which + stands for one level, asks for nothing that the house does not take from a broker.

    Its last level may be + where events of several kinds are taken.
    """
    levels = pattern.split("/")
    if "#" in pattern or any("+" in level and level != "+" for level in levels):
        return False
    return any(_is_within(levels, taken.split("/")) for taken in FEED_TOPICS if taken != OWN)


def _is_within(levels: list[str], taken: list[str]) -> bool:
    return len(levels) == len(taken) and all(
        own == theirs or own == "+" or (theirs == "+" and own != "") for own, theirs in zip(levels, taken, strict=True)
    )


def is_on(topic: str, pattern: str) -> bool:
    """What was published on the topic is asked for by the pattern."""
    try:
        return Topic(topic).matches(pattern)
    except ValueError:  # Nobody may publish on a pattern.
        return False
