"""ChirpStack v4: events as its MQTT and HTTP integrations send them in JSON.

Documented (chirpstack_api, UplinkEvent): `object` is only there where a codec is set in the device profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sensors.feeds.bodies import PUSHED_LIMIT_BYTES, counter_of, json_of_body, name_of, object_of, raw_of
from sensors.feeds.row import FeedFault, Parsed, Reason, fault_of
from sensors.feeds.times import time_of
from sensors.feeds.uplinks import (
    COUNTER_MAX,
    PORT_MAX,
    UNDECLARED,
    Devices,
    Uplink,
    bytes_of,
    decoded_of,
    rows_of,
    uplink_of,
)
from sensors.rules import Refused


def rows_of_event(body: bytes, *, event: str, devices: Devices) -> Parsed:
    """The rows of one event; `event` is the last part of the topic, or the query parameter of the HTTP integration.

    Only "up" carries readings: a join, a status or an acknowledgement is a fault that says what it is.
    """
    content = json_of_body(body, limit_bytes=PUSHED_LIMIT_BYTES)
    if isinstance(content, FeedFault):
        return [content]
    raw = raw_of(content)
    if not isinstance(content, dict):
        return [FeedFault(Reason.NOT_AN_OBJECT, "An event of ChirpStack is an object.", raw)]
    if event != "up":
        return [FeedFault(Reason.NOT_AN_UPLINK, f"The event is no uplink: {event[:40]!a}.", raw)]
    uplink = _uplink_of(content)
    if isinstance(uplink, Refused):
        return [fault_of(uplink, raw=raw)]
    if uplink.data and not uplink.decoded and content.get("joinServerContext"):
        detail = f"The frame of {uplink.device} is encrypted with a key that only its join server has."
        return [FeedFault(Reason.UNDECODABLE, detail, raw)]
    return rows_of(uplink, devices.get(uplink.device, UNDECLARED))


def joined_device(body: bytes, *, event: str) -> str | None:
    """The device that this event says has joined: its frame counter begins again. None for every other event."""
    if event != "join":
        return None
    content = object_of(json_of_body(body, limit_bytes=PUSHED_LIMIT_BYTES))
    device = _device_of(content)
    return device if isinstance(device, str) else None


def _uplink_of(content: Mapping[str, object]) -> Uplink | Refused:
    session = content.get("deduplicationId")
    return uplink_of(
        device=_device_of(content),
        counter=counter_of(content.get("fCnt"), field="fCnt", highest=COUNTER_MAX),
        port=counter_of(content.get("fPort"), field="fPort", highest=PORT_MAX),
        at=_time_of(content),
        data=bytes_of(content.get("data"), field="data"),
        decoded=decoded_of(content.get("object"), field="object"),
        session=session if isinstance(session, str) else None,
        battery=None,
        raw=raw_of({name: value for name, value in content.items() if name not in {"rxInfo", "txInfo"}}),
    )


def _device_of(content: Mapping[str, object]) -> str | Refused:
    eui = name_of(object_of(content.get("deviceInfo")).get("devEui"), field="deviceInfo.devEui")
    return eui if isinstance(eui, Refused) else eui.upper()


def _time_of(content: Mapping[str, object]) -> datetime | Refused:
    """When the uplink was received; the network server's time of the first gateway where that is absent."""
    if content.get("time"):
        return time_of(content["time"], field="time")
    gateways = content.get("rxInfo")
    first = object_of(gateways[0]) if isinstance(gateways, list) and gateways else {}
    return time_of(first.get("nsTime"), field="time")
