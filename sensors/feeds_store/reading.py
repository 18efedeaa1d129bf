"""From a body that came to a feed, or a message on a topic, to rows and faults. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import InvalidInputError
from sensors.feeds import chirpstack, csv_upload, ea, http_json, mqtt_json, rain_csv, thaiwater, thingsboard, tts
from sensors.feeds.csv_upload import CsvLayout
from sensors.feeds.http_json import JsonLayout
from sensors.feeds.rain_csv import RainLayout
from sensors.feeds.row import Parsed
from sensors.feeds_store.spec import FeedKind, FeedSpec, LorawanOptions, ThaiWaterOptions, ThingsBoardOptions
from sensors.feeds_store.topics import OWN, is_on
from sensors.payloads import DeviceRow, rows_of_message


@dataclass(frozen=True)
class Body:
    """What came to a feed, and when: on the shared clock, and in real time.

    `event` is ChirpStack's; `device` whose ThingsBoard telemetry it is; `series` the series of a plain MQTT message.
    """

    content: bytes
    received_at: datetime
    received_wall_at: datetime
    event: str = "up"
    device: str = ""
    series: str = ""


@dataclass(frozen=True)
class Delivery:
    """A message on a topic that a feed claims; `keyed_rows` where the feed asks for its key in every row."""

    spec: FeedSpec
    body: Body
    keyed_rows: Sequence[DeviceRow] | None


def parsed_of(spec: FeedSpec, body: Body) -> Parsed:
    """The rows and faults of what came, in its order. Raises InvalidInputError where a device is not named."""
    options = spec.options
    if isinstance(options, JsonLayout):
        return http_json.rows_of_body(body.content, layout=options)
    if isinstance(options, CsvLayout):
        return csv_upload.rows_of_file(body.content, layout=options)
    if isinstance(options, RainLayout):
        return rain_csv.rows_of_log(body.content, layout=options)
    if isinstance(options, ThaiWaterOptions):
        if options.station is None:
            return thaiwater.rows_of_levels(body.content)
        return thaiwater.rows_of_history(body.content, station=options.station)
    if isinstance(options, ThingsBoardOptions):
        return _telemetry(options, body)
    if isinstance(options, LorawanOptions):
        if spec.kind is FeedKind.TTS:
            return tts.rows_of_message(body.content, devices=options.devices)
        return chirpstack.rows_of_event(body.content, event=body.event, devices=options.devices)
    if spec.kind is FeedKind.EA:
        return ea.rows_of_batch(body.content)
    return mqtt_json.rows_of_publish(body.series, body.content, received_wall_at=body.received_wall_at)


def joined_device_of(spec: FeedSpec, body: Body) -> str | None:
    """The device that says here that it has joined, so that its frame counter begins again."""
    if spec.kind is FeedKind.TTS:
        return tts.joined_device(body.content)
    if spec.kind is FeedKind.CHIRPSTACK:
        return chirpstack.joined_device(body.content, event=body.event)
    return None


def rows_of_topic(
    specs: Sequence[FeedSpec], topic: str, payload: bytes, *, received_at: datetime, received_wall_at: datetime
) -> Delivery | None:
    """Which feed a message is for, and what came; None where no feed claims its topic.

    A network server's message belongs to the feed that declares its topic: who may publish there is the broker's
    affair. On our own topic every row carries the feed's key.
    """
    levels = topic.split("/")
    if is_on(topic, OWN):
        spec = next((one for one in specs if one.kind is FeedKind.MQTT_JSON and one.code == levels[3]), None)
        if spec is None:
            return None
        rows = rows_of_message(levels[4], payload, received_wall_at=received_wall_at)
        body = Body(payload, received_at, received_wall_at, series=levels[4])
        return Delivery(spec, body, rows)
    spec = next((one for one in specs if one.topic is not None and is_on(topic, one.topic)), None)
    if spec is None:
        return None
    return Delivery(spec, Body(payload, received_at, received_wall_at, event=levels[-1]), None)


def _telemetry(options: ThingsBoardOptions, body: Body) -> Parsed:
    device = options.device or body.device
    if not device:
        raise InvalidInputError("Say whose telemetry this is: in the address as device=…, or in the feed's options.")
    return thingsboard.rows_of_telemetry(body.content, device=device, received_at=body.received_at)
