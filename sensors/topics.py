"""Which MQTT topics the house takes readings from."""

from __future__ import annotations

from aiomqtt import Topic

READINGS = "faonam/v1/+/readings"
TAKEN = (READINGS,)


def is_taken(topic: str) -> bool:
    """Whether what is published on the topic is kept for the database; all else is only passed on."""
    try:
        named = Topic(topic)
    except ValueError:  # Nobody may publish on a pattern; the broker hangs up on who tries.
        return False
    return any(named.matches(taken) for taken in TAKEN)
