"""What is declared of a feed, read strictly: its kind, its series, and how its source writes. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from core.errors import InvalidInputError
from sensors.feeds.counters import CounterRule
from sensors.feeds.csv_upload import CsvLayout
from sensors.feeds.decoders import Decoder, binary_layout, decode_em500_swl, layout_decoder
from sensors.feeds.http_json import JsonLayout
from sensors.feeds.mapping import Mappings, mappings_of
from sensors.feeds.rain_csv import Counting, RainLayout
from sensors.feeds.tables import TimeWay
from sensors.feeds.times import DateOrder
from sensors.feeds.uplinks import Device
from sensors.feeds_store.topics import FEED_TOPICS, is_within_taken

# A secret is looked for under such names only: no declaration may send the house's other secrets abroad.
SECRET_NAME = re.compile(r"FAONAM_FEED_[A-Z0-9_]{1,80}")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
CODE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_EUI = re.compile(r"[0-9A-Fa-f]{16}")
SHORTEST_PERIOD_S, LONGEST_PERIOD_S = 30, 7 * 24 * 3600


class FeedKind(StrEnum):
    """The nine sources that a feed can be."""

    HTTP_JSON = "http_json"
    CSV = "csv"
    MQTT_JSON = "mqtt_json"
    TTS = "tts"
    CHIRPSTACK = "chirpstack"
    THINGSBOARD = "thingsboard"
    THAIWATER = "thaiwater"
    EA = "ea"
    RAIN_CSV = "rain_csv"


# Those that wait to be asked, and those that come as a file.
PULLED = frozenset({FeedKind.HTTP_JSON, FeedKind.THAIWATER, FeedKind.EA, FeedKind.CSV, FeedKind.RAIN_CSV})
FILES = frozenset({FeedKind.CSV, FeedKind.RAIN_CSV})
LORAWAN = frozenset({FeedKind.TTS, FeedKind.CHIRPSTACK})


@dataclass(frozen=True)
class LorawanOptions:
    """The devices of a network server, how each of them counts, and the MQTT topic on which the server publishes."""

    devices: Mapping[str, Device]
    counters: Mapping[str, CounterRule]
    topic: str | None


@dataclass(frozen=True)
class ThingsBoardOptions:
    """Whose telemetry it is where the address does not say, and the MQTT topic on which it comes."""

    device: str
    topic: str | None


@dataclass(frozen=True)
class ThaiWaterOptions:
    """The one station of a history; None where the address gives the list of all stations."""

    station: str | None


@dataclass(frozen=True)
class NoOptions:
    """The source writes in one way only."""


Options: TypeAlias = (
    JsonLayout | CsvLayout | RainLayout | LorawanOptions | ThingsBoardOptions | ThaiWaterOptions | NoOptions
)


@dataclass(frozen=True)
class FeedSpec:
    """A feed as it is declared, ready for use; `mappings` are by the source's own names of its series."""

    id: int
    code: str
    kind: FeedKind
    url: str | None
    period_s: int
    mappings: Mappings
    options: Options
    is_enabled: bool = True
    secret_env: str | None = None
    secret_header: str | None = None
    key_hash: bytes | None = None

    @property
    def source(self) -> str:
        """What its readings say of where they came from."""
        return f"feed:{self.code}"

    @property
    def topic(self) -> str | None:
        """The MQTT topic on which the network server of this feed publishes."""
        return self.options.topic if isinstance(self.options, LorawanOptions | ThingsBoardOptions) else None


def spec_of(
    *,
    id: int,
    code: str,
    kind: str,
    url: str | None,
    period_s: int,
    streams: object,
    options: object,
    is_enabled: bool,
    secret_env: str | None = None,
    secret_header: str | None = None,
    key_hash: bytes | None = None,
) -> FeedSpec:
    """The feed that these declarations mean. Raises InvalidInputError with a sentence that names the fault."""
    if kind not in set(FeedKind):
        raise InvalidInputError(f"'kind' must be one of {', '.join(FeedKind)}, not '{kind}'.")
    known = FeedKind(kind)
    if not SHORTEST_PERIOD_S <= period_s <= LONGEST_PERIOD_S:
        raise InvalidInputError(f"'period_s' must be from {SHORTEST_PERIOD_S} to {LONGEST_PERIOD_S} seconds.")
    if url is not None:
        _check_url(url, known)
    if not CODE.fullmatch(code):
        raise InvalidInputError("'code' must be of letters a-z, digits, hyphens and underscores, at most 60.")
    if secret_env is not None and not SECRET_NAME.fullmatch(secret_env):
        raise InvalidInputError("'secret_env' must name an environment variable that begins with FAONAM_FEED_.")
    if secret_header is not None and not HEADER_NAME.fullmatch(secret_header):
        raise InvalidInputError("'secret_header' must be the name of an HTTP header.")
    return FeedSpec(
        id=id, code=code, kind=known, url=url, period_s=period_s, mappings=mappings_of(streams),
        options=options_of(known, options), is_enabled=is_enabled, secret_env=secret_env,
        secret_header=secret_header, key_hash=key_hash,
    )


def options_of(kind: FeedKind, document: object) -> Options:
    """How a source of this kind writes, from its JSON. Raises InvalidInputError that names the option at fault."""
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise InvalidInputError("'options' must be an object.")
    reading = _Reading(document)
    options = _READERS[kind](reading)
    reading.refuse_the_rest()
    return options


def _check_url(url: str, kind: FeedKind) -> None:
    if kind not in PULLED:
        raise InvalidInputError(f"A feed of the kind '{kind}' sends by itself: it has no 'url'.")
    try:
        parts = urlsplit(url)
        is_port = parts.port != 0  # Asking for it is what finds one that is none.
    except ValueError:
        raise InvalidInputError("'url' is no address: its host or its port cannot be.") from None
    if not is_port:
        raise InvalidInputError("'url' names the port 0, which nobody listens on.")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInputError("'url' must begin with http:// or https:// and name a host.")
    if parts.username or parts.password:
        raise InvalidInputError("'url' must not hold a password: name an environment variable in 'secret_env'.")


class _Reading:
    """One reading of an options document: what was asked for is known, the rest is refused."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self.document = document
        self.known: set[str] = set()

    def take(self, key: str, kind: type | tuple[type, ...], default: Any, what: str) -> Any:
        self.known.add(key)
        content = self.document.get(key, default)
        if content is not default and (not isinstance(content, kind) or isinstance(content, bool)):
            raise InvalidInputError(f"Option '{key}' must be {what}.")
        return content

    def text(self, key: str, default: str | None = "") -> Any:
        return self.take(key, str, default, "a text")

    def number(self, key: str) -> float | None:
        content = self.take(key, (int, float), None, "a number")
        return None if content is None else float(content)

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        content = self.take(key, list, default, "a list of texts")
        if not all(isinstance(one, str) for one in content):
            raise InvalidInputError(f"Option '{key}' must be a list of texts.")
        return tuple(content)

    def numbers(self, key: str) -> frozenset[float]:
        content = self.take(key, list, (), "a list of numbers")
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in content):
            raise InvalidInputError(f"Option '{key}' must be a list of numbers.")
        return frozenset(float(one) for one in content)

    def table_of_texts(self, key: str, default: Mapping[str, str]) -> Mapping[str, str]:
        content = self.take(key, dict, default, "an object of texts")
        if (not content and default) or not all(isinstance(one, str) for one in content.values()):
            raise InvalidInputError(f"Option '{key}' must be an object of texts.")
        return dict(content)

    def objects(self, key: str) -> Mapping[str, Mapping[str, object]]:
        content = self.take(key, dict, {}, "an object of objects")
        if not all(isinstance(one, dict) for one in content.values()):
            raise InvalidInputError(f"Option '{key}' must be an object of objects.")
        return dict(content)

    def zone(self) -> tzinfo | None:
        name = self.text("zone", None)
        if name is None:
            return None
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # ZoneInfo's own error is a KeyError; a path is a ValueError.
            raise InvalidInputError(f"Option 'zone': there is no time zone '{name[:40]}'.") from None

    def one_of(self, key: str, kind: type[StrEnum]) -> Any:
        name = self.text(key, None)
        if name is None:
            return None
        if name not in set(kind):
            raise InvalidInputError(f"Option '{key}' must be one of {', '.join(kind)}.")
        return kind(name)

    def truth(self, key: str) -> bool:
        self.known.add(key)
        content = self.document.get(key, False)
        if not isinstance(content, bool):
            raise InvalidInputError(f"Option '{key}' must be true or false.")
        return content

    def refuse_the_rest(self) -> None:
        unknown = sorted(set(self.document) - self.known)
        if unknown:
            raise InvalidInputError(f"There is no option '{unknown[0]}' (known: {', '.join(sorted(self.known))}).")


def _json(of: _Reading) -> JsonLayout:
    plain = JsonLayout()
    return JsonLayout(
        rows_at=of.texts("rows_at"),
        # A feed whose rows are all of one series names it in `stream`, and no field.
        stream_field=None if of.text("stream") else of.text("stream_field", "datastream"),
        stream=of.text("stream"),
        time_field=of.text("time_field", plain.time_field),
        values=of.table_of_texts("values", plain.values),
        unit_field=of.text("unit_field", plain.unit_field) or None,
        id_field=of.text("id_field", None),
        decimal=of.text("decimal", "."),
        missing=of.numbers("missing"),
        hidden=frozenset(of.texts("hidden", tuple(plain.hidden))) | plain.hidden,
        zone=of.zone(),
        order=of.one_of("order", DateOrder),
    )


def _csv(of: _Reading) -> CsvLayout:
    return CsvLayout(
        times=TimeWay(of.zone(), of.one_of("order", DateOrder)),
        station=of.text("station"),
        decimal=of.text("decimal", "."),
        unit=of.text("unit"),
        missing=of.numbers("missing"),
        delimiter=of.text("delimiter", None),
    )


def _rain(of: _Reading) -> RainLayout:
    station = of.text("station")
    if not station:
        raise InvalidInputError("Option 'station' must name the rain gauge.")
    return RainLayout(
        station=station,
        times=TimeWay(of.zone(), of.one_of("order", DateOrder)),
        counting=of.one_of("counting", Counting) or Counting.INTERVAL,
        mm_per_tip=of.number("mm_per_tip"),
        rolls_over_at=of.number("rolls_over_at"),
        decimal=of.text("decimal", "."),
    )


def _lorawan(of: _Reading) -> LorawanOptions:
    devices, counters = {}, {}
    for said, entry in of.objects("devices").items():
        name = said.upper() if _EUI.fullmatch(said) else said  # Network servers write DevEUIs in either case.
        inside = _Reading(entry)
        devices[name] = _device(inside, name)
        bits = inside.take("counter_bits", int, 32, "16 or 32")
        if bits not in (16, 32):
            raise InvalidInputError(f"Device {name}: 'counter_bits' must be 16 or 32.")
        counters[name] = CounterRule(bits=bits, may_reset=inside.truth("counter_may_reset"))
        inside.refuse_the_rest()
    return LorawanOptions(devices=devices, counters=counters, topic=_topic(of))


def _device(of: _Reading, name: str) -> Device:
    decoder, layout = of.text("decoder", None), of.take("layout", dict, None, "an object")
    if decoder not in (None, "em500_swl"):
        raise InvalidInputError(f"Device {name}: 'decoder' must be em500_swl, or a 'layout' be given.")
    if decoder is not None and layout is not None:
        raise InvalidInputError(f"Device {name} has a 'decoder' and a 'layout': one of them decodes.")
    decode: Decoder | None = decode_em500_swl if decoder else None
    if layout is not None:
        decode = layout_decoder(binary_layout(layout))
    return Device(decoder=decode, fields=of.texts("fields"), units=of.table_of_texts("units", {}))


def _topic(of: _Reading) -> str | None:
    topic: str | None = of.text("topic", None)
    if topic is not None and not is_within_taken(topic):
        raise InvalidInputError(f"Option 'topic' must lie within one of {', '.join(FEED_TOPICS)}.")
    return topic


def _thingsboard(of: _Reading) -> ThingsBoardOptions:
    options = ThingsBoardOptions(device=of.text("device"), topic=_topic(of))
    if options.topic is not None and not options.device:
        raise InvalidInputError("Option 'device' must say whose telemetry comes on the topic: it does not name it.")
    return options


def _thaiwater(of: _Reading) -> ThaiWaterOptions:
    return ThaiWaterOptions(station=of.text("station", None))


def _nothing(of: _Reading) -> NoOptions:
    return NoOptions()


_READERS: Mapping[FeedKind, Callable[[_Reading], Options]] = {
    FeedKind.HTTP_JSON: _json,
    FeedKind.CSV: _csv,
    FeedKind.MQTT_JSON: _nothing,
    FeedKind.TTS: _lorawan,
    FeedKind.CHIRPSTACK: _lorawan,
    FeedKind.THINGSBOARD: _thingsboard,
    FeedKind.THAIWATER: _thaiwater,
    FeedKind.EA: _nothing,
    FeedKind.RAIN_CSV: _rain,
}
