"""Sources of outside warnings as values: of which kind, how they are asked, and how what they say is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from alerts.outside.cap_reading import read_cap
from alerts.outside.said import Read
from alerts.outside.stations import Stations, read_dwr, read_levels, read_rain
from core.errors import InvalidInputError
from sensors.feeds.backoff import PollRule

SECRET_PREFIX = "FAONAM_OUTSIDE_"  # noqa: S105 - how names of secrets begin; none itself.
LEAST_PERIOD_S, MOST_PERIOD_S = 30, 7 * 86_400
CAP_LIMIT_BYTES = 20_000_000
MOST_URL_CHARS = 2_000
LIST_LIMIT_BYTES = 8_000_000
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CAP_TYPES = "application/cap+xml, application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"
_JSON_TYPES = "application/json, */*;q=0.5"


class SourceKind(StrEnum):
    """What a source speaks."""

    CAP = "cap"
    THAIWATER_LEVEL = "thaiwater_level"
    THAIWATER_RAIN = "thaiwater_rain"
    DWR = "dwr"
    WEBHOOK = "webhook"
    OFFICER = "officer"


ASKED = frozenset({SourceKind.CAP, SourceKind.THAIWATER_LEVEL, SourceKind.THAIWATER_RAIN, SourceKind.DWR})
OF_STATIONS = ASKED - {SourceKind.CAP}
_OPTIONS: Mapping[SourceKind, frozenset[str]] = {
    SourceKind.CAP: frozenset({"newest_by_title", "hosts"}),
    **{kind: frozenset({"stations", "provinces"}) for kind in OF_STATIONS},
    SourceKind.WEBHOOK: frozenset(),
    SourceKind.OFFICER: frozenset(),
}


@dataclass(frozen=True)
class SourceSpec:
    """A source as it is declared. `hosts` are other hosts than its own that links of an index may lead to."""

    id: int
    code: str
    name_th: str
    name_en: str
    kind: SourceKind
    url: str | None
    period_s: int
    is_enabled: bool
    stations: Stations
    newest_by_title: bool
    hosts: frozenset[str]
    extra_ca_pem: str | None
    secret_env: str | None
    secret_header: str | None

    @property
    def rule(self) -> PollRule:
        """How often it is asked, and how it is left in peace while it fails."""
        return PollRule(interval_s=self.period_s)

    @property
    def accept(self) -> str:
        """What it is asked for."""
        return _CAP_TYPES if self.kind is SourceKind.CAP else _JSON_TYPES

    @property
    def form(self) -> Mapping[str, str] | None:
        """The fields of a question by POST, None where it is asked by GET."""
        return {"action": "LoadStation"} if self.kind is SourceKind.DWR else None

    @property
    def limit_bytes(self) -> int:
        """The largest answer that is taken."""
        return CAP_LIMIT_BYTES if self.kind is SourceKind.CAP else LIST_LIMIT_BYTES

    @property
    def host(self) -> str | None:
        """The host that is asked, for people to see; an address may hold a key."""
        at = _split(self.url or "")
        return None if at is None else at[1]

    def may_lead_to(self, url: str) -> bool:
        """A link of its index is followed: over HTTP(S), on its own host or one that is declared."""
        at = _split(url) if len(url) <= MOST_URL_CHARS else None
        own = _split(self.url or "")
        return at is not None and own is not None and at[1] in {own[1], *self.hosts} and at[0] in {"https", own[0]}


def spec_of(
    *, id: int, code: str, name_th: str, name_en: str, kind: str, url: str | None, period_s: int, is_enabled: bool,
    options: Mapping[str, object], extra_ca_pem: str | None, secret_env: str | None, secret_header: str | None,
) -> SourceSpec:
    """The source of a declaration. Raises InvalidInputError that names what is wrong with it."""
    if not _CODE.fullmatch(code):
        raise InvalidInputError("'code' is made of small letters, digits, - and _, at most 40.")
    if kind not in {*SourceKind}:
        raise InvalidInputError(f"'kind' is one of {', '.join(SourceKind)}.")
    known = SourceKind(kind)
    unknown = sorted(set(options) - _OPTIONS[known])
    if unknown:
        raise InvalidInputError(f"'options' of the kind {kind} know no '{unknown[0]}'.")
    _check_address(known, url)
    if not LEAST_PERIOD_S <= period_s <= MOST_PERIOD_S:
        raise InvalidInputError(f"'period_s' is from {LEAST_PERIOD_S} to {MOST_PERIOD_S} seconds.")
    if secret_env is not None and not secret_env.startswith(SECRET_PREFIX):
        raise InvalidInputError(f"'secret_env' begins with {SECRET_PREFIX}.")
    stations = Stations(_names(options, "stations"), _names(options, "provinces"))
    if known in OF_STATIONS and not (stations.numbers or stations.provinces):
        raise InvalidInputError("'options' name the 'stations' or the 'provinces' that concern the city.")
    return SourceSpec(
        id=id, code=code, name_th=name_th, name_en=name_en, kind=known, url=url, period_s=period_s,
        is_enabled=is_enabled, stations=stations, newest_by_title=options.get("newest_by_title") is True,
        hosts=_names(options, "hosts"), extra_ca_pem=extra_ca_pem, secret_env=secret_env, secret_header=secret_header,
    )  # fmt: skip


def read_body(spec: SourceSpec, body: bytes, *, address: str, now: datetime) -> Read:
    """What a document of this source says; nothing is raised for bad ones, they are told of in `unread`."""
    if spec.kind is SourceKind.THAIWATER_LEVEL:
        return read_levels(body, stations=spec.stations, now=now)
    if spec.kind is SourceKind.THAIWATER_RAIN:
        return read_rain(body, stations=spec.stations, now=now)
    if spec.kind is SourceKind.DWR:
        return read_dwr(body, stations=spec.stations, now=now)
    return read_cap(body, source=address, newest_by_title=spec.newest_by_title)


def _names(options: Mapping[str, object], key: str) -> frozenset[str]:
    found = options.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str | int) and str(one).strip() for one in found):
        raise InvalidInputError(f"'options.{key}' is a list of names.")
    return frozenset(str(one).strip() for one in found)


def _check_address(kind: SourceKind, url: str | None) -> None:
    if (kind in ASKED) != (url is not None):
        raise InvalidInputError("'url' is where a source is asked; one that sends by itself, or is heard, has none.")
    if url is not None and (_split(url) is None or len(url) > MOST_URL_CHARS):
        raise InvalidInputError("'url' is an address of http or https, without a name or password in it.")


def _split(url: str) -> tuple[str, str] | None:
    """Scheme and host, None for what is no plain address of HTTP."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    is_plain = parts.scheme in ("http", "https") and host and not parts.username and url.isprintable()
    return (parts.scheme, str(host)) if is_plain else None
