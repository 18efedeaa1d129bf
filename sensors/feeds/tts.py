"""The Things Stack v3: uplinks as its webhooks and MQTT send them.

Documented: fields equal to 0, "" or false are left out, so a missing f_cnt is 0 (the first uplink after a join).
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
    battery_of,
    bytes_of,
    decoded_of,
    rows_of,
    uplink_of,
)
from sensors.rules import Refused

# What an application message can be besides an uplink.
_OTHER_MESSAGES = (
    "join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed", "downlink_queued",
    "location_solved", "service_data",
)  # fmt: skip


def rows_of_message(body: bytes, *, devices: Devices) -> Parsed:
    """The rows of one application message, or of a list of them (as the storage integration gives)."""
    content = json_of_body(body, limit_bytes=PUSHED_LIMIT_BYTES)
    if isinstance(content, FeedFault):
        return [content]
    messages = content if isinstance(content, list) else [content]
    if not messages:
        return [FeedFault(Reason.EMPTY, "The list of messages is empty.", raw_of(content))]
    return [one for message in messages for one in _rows_of_one(message, devices)]


def joined_device(body: bytes) -> str | None:
    """The device that this message says has joined: its frame counter begins again. None for every other message."""
    content = object_of(json_of_body(body, limit_bytes=PUSHED_LIMIT_BYTES))
    if "join_accept" not in content:
        return None
    device = _device_of(object_of(content.get("end_device_ids")))
    return device if isinstance(device, str) else None


def _rows_of_one(message: object, devices: Devices) -> Parsed:
    raw = raw_of(message)
    if not isinstance(message, dict):
        return [FeedFault(Reason.NOT_AN_OBJECT, "A message of The Things Stack is an object.", raw)]
    content = object_of(message["result"]) if "result" in message else message
    if not isinstance(content.get("uplink_message"), dict):
        kind = next((name for name in _OTHER_MESSAGES if name in content), "no uplink_message")
        return [FeedFault(Reason.NOT_AN_UPLINK, f"The message carries no uplink: {kind}.", raw)]
    if content.get("simulated") is True:
        return [FeedFault(Reason.SIMULATED, "The uplink was simulated in the console: nothing was measured.", raw)]
    uplink = _uplink_of(content, object_of(content["uplink_message"]))
    if isinstance(uplink, Refused):
        return [fault_of(uplink, raw=raw)]
    return rows_of(uplink, devices.get(uplink.device, UNDECLARED))


def _uplink_of(content: Mapping[str, object], message: Mapping[str, object]) -> Uplink | Refused:
    session = message.get("session_key_id")
    kept = {name: value for name, value in message.items() if name not in {"rx_metadata", "settings", "locations"}}
    return uplink_of(
        device=_device_of(object_of(content.get("end_device_ids"))),
        counter=counter_of(message.get("f_cnt"), field="f_cnt", highest=COUNTER_MAX),
        port=counter_of(message.get("f_port"), field="f_port", highest=PORT_MAX),
        at=_time_of(content, message),
        data=bytes_of(message.get("frm_payload"), field="frm_payload"),
        decoded=decoded_of(message.get("decoded_payload"), field="decoded_payload"),
        # A counter begins again with each session: the same number in another session is another uplink.
        session=session if isinstance(session, str) else None,
        battery=battery_of(object_of(message.get("last_battery_percentage")).get("value")),
        raw=raw_of({"end_device_ids": content.get("end_device_ids"), **kept}),
    )


def _device_of(ids: Mapping[str, object]) -> str | Refused:
    """The DevEUI in capitals; the device id where there is none."""
    if ids.get("dev_eui"):
        eui = name_of(ids["dev_eui"], field="dev_eui")
        return eui if isinstance(eui, Refused) else eui.upper()
    return name_of(ids.get("device_id"), field="end_device_ids.dev_eui")


def _time_of(content: Mapping[str, object], message: Mapping[str, object]) -> datetime | Refused:
    """When the network received the uplink; the application server's time where that is left out."""
    if message.get("received_at"):
        return time_of(message["received_at"], field="uplink_message.received_at")
    return time_of(content.get("received_at"), field="received_at")
