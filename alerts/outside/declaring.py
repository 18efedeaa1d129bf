"""Sources as an operator declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from cryptography import x509
from sqlalchemy.orm import Session

from alerts.outside import queries, wire
from alerts.outside.health import lock_health
from alerts.outside.models import OutsideSource
from alerts.outside.sources import SourceKind, spec_of
from core import sealing
from core.errors import InvalidInputError
from sensors.payloads import UNSTORABLE

_CERTIFICATES_CHARS = 100_000


@dataclass(frozen=True)
class NewSource:
    """A source as an operator declares it; `secret` is what it signs with, told once."""

    code: str
    name_th: str
    name_en: str
    kind: str
    period_s: int
    url: str | None = None
    options: Mapping[str, object] | None = None
    is_enabled: bool = True
    extra_ca_pem: str | None = None
    secret_env: str | None = None
    secret_header: str | None = None
    secret: str | None = None


def declare(session: Session, new: NewSource, *, now: datetime) -> OutsideSource:
    """The source of this code is as declared; what came from it stays. `now` is real time.

    Raises InvalidInputError that names what is wrong. A webhook without a secret keeps the one it had.
    """
    options = dict(new.options or {})
    spec_of(
        id=0, code=new.code, name_th=new.name_th, name_en=new.name_en, kind=new.kind, url=new.url,
        period_s=new.period_s, is_enabled=new.is_enabled, options=options, extra_ca_pem=new.extra_ca_pem,
        secret_env=new.secret_env, secret_header=new.secret_header,
    )  # fmt: skip
    for name in ("name_th", "name_en"):
        if not getattr(new, name).strip() or UNSTORABLE.search(getattr(new, name)):
            raise InvalidInputError(f"'{name}' is empty, or holds a character that cannot be stored.")
    if new.secret_header is not None and not re.fullmatch(r"[A-Za-z0-9-]{1,60}", new.secret_header):
        raise InvalidInputError("'secret_header' is the name of a header.")
    if new.extra_ca_pem is not None:
        check_certificates(new.extra_ca_pem, now=now)
    source = session.scalar(sa.select(OutsideSource).where(OutsideSource.code == new.code))
    if source is not None and (source.kind == SourceKind.OFFICER) != (new.kind == SourceKind.OFFICER):
        raise InvalidInputError(f"'{new.code}' is where officers enter what they hear; take another code.")
    source = source or OutsideSource(code=new.code)
    before = _asked(source)
    source.name_th, source.name_en, source.kind, source.url = new.name_th, new.name_en, new.kind, new.url
    source.period_s, source.options, source.is_enabled = new.period_s, options, new.is_enabled
    source.extra_ca_pem, source.secret_env, source.secret_header = new.extra_ca_pem, new.secret_env, new.secret_header
    if new.secret is not None:
        source.signing_sealed = sealing.seal(wire.check_secret(new.secret))
    session.add(source)
    session.flush()
    health = lock_health(session, source.id)
    if before != _asked(source):
        health.etag = health.last_modified = health.next_attempt_wall_at = None
    session.flush()
    return source


def check_certificates(pem: str, *, now: datetime) -> None:
    """The text holds certificates of authorities that are valid now; raises InvalidInputError that says which is not.

    A server's own certificate is refused: it would be trusted for good, whatever became of it.
    """
    if len(pem) > _CERTIFICATES_CHARS:
        raise InvalidInputError("'extra_ca_file' is too large for a few certificates.")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as fault:
        raise InvalidInputError(f"'extra_ca_file' holds no certificates in PEM: {fault}.") from fault
    for one in found:
        name = one.subject.rfc4514_string()
        try:
            is_authority = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_authority = False
        if not is_authority:
            raise InvalidInputError(f"'extra_ca_file' holds {name}, which is no authority's certificate.")
        if not one.not_valid_before_utc <= now.astimezone(UTC) <= one.not_valid_after_utc:
            raise InvalidInputError(f"'extra_ca_file' holds {name}, which is not valid now.")


def secret_of(source: OutsideSource) -> str | None:
    """What the source signs with, None where it has nothing."""
    return None if source.signing_sealed is None else sealing.unseal(source.signing_sealed)


def phone(session: Session) -> OutsideSource:
    """Where officers enter what they hear."""
    return queries.source_by_code(session, queries.PHONE)


def _asked(source: OutsideSource) -> list[object]:
    return [getattr(source, name) for name in ("kind", "url", "period_s", "options", "extra_ca_pem", "secret_env")]
