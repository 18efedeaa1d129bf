"""Keys of partners: made once, kept as hashes, counted by the minute."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from incidents.exchange import queries
from incidents.exchange.errors import KeyRefusedError
from incidents.exchange.models import ApiKey, DoorUse, PartnerHook
from incidents.models import Agency

# open311: report and add updates; traffy-read, traffy-write: read and report by the exchange; traffy-update: change
# states there; traffy-hook: the secret path of Traffy's webhooks.
SCOPES = ("open311", "traffy-read", "traffy-write", "traffy-update", "traffy-hook")
PER_MINUTE = 60
USES_KEPT = timedelta(hours=1)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


def key_hash(key: str) -> bytes:
    """What is kept of a key: SHA-256. A key has 256 random bits, so no salt is needed."""
    return hashlib.sha256(key.encode(errors="replace")).digest()


def make_key(
    session: Session,
    *,
    name: str,
    scopes: Collection[str],
    agency_code: str | None = None,
    per_minute: int = PER_MINUTE,
) -> str:
    """A new key stands under `name` and is returned this once.

    Raises InvalidInputError, NotFoundError for the agency, ConflictError for a name that is taken.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"The name '{name}' cannot be used: 2 to 63 small letters, digits, dots or dashes.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInputError(f"A key may be for {', '.join(SCOPES)}; not for '{', '.join(unknown)}'.")
    if agency_code is not None and session.get(Agency, agency_code) is None:
        raise NotFoundError(f"There is no agency '{agency_code}'.")
    if queries.key_of_name(session, name) is not None:
        raise ConflictError(f"There is a key of the name '{name}' already. Revoke it, or take another name.")
    key = secrets.token_urlsafe(32)
    session.add(
        ApiKey(
            name=name, key_hash=key_hash(key), scopes=sorted(scopes), agency_code=agency_code, per_minute=per_minute,
            made_at=clock.now(),
        )
    )
    session.flush()
    return key


def revoke_key(session: Session, name: str) -> None:
    """The key opens nothing any more, and its partner is told nothing; what came by it stays. Raises NotFoundError."""
    found = queries.key_of_name(session, name)
    if found is None:
        raise NotFoundError(f"There is no key of the name '{name}'.")
    found.revoked_at = found.revoked_at or clock.now()
    session.execute(sa.delete(PartnerHook).where(PartnerHook.key_id == found.id))


def opened_by(session: Session, key: str, *, scope: str) -> ApiKey:
    """The key, which is good for `scope`, or for one of several with spaces between.

    Raises KeyRefusedError, which never repeats the key.
    """
    if not key:
        raise KeyRefusedError("api_key is missing. The city gives keys to those who ask for one.")
    return _good(queries.key_of_hash(session, key_hash(key)), scope=scope)


def opened_by_id(session: Session, key_id: int, *, scope: str) -> ApiKey:
    """The key of a token that we signed, good for `scope`. Raises KeyRefusedError."""
    return _good(session.get(ApiKey, key_id), scope=scope)


def _good(found: ApiKey | None, *, scope: str) -> ApiKey:
    if found is None or found.revoked_at is not None:
        raise KeyRefusedError("This api_key is not known.")
    if not set(scope.split()) & set(found.scopes):
        raise KeyRefusedError(f"This api_key is not for {scope.replace(' ', ' or ')}.")
    return found


def acts_as(key: ApiKey) -> str:
    """How histories name the partner; what a key of Traffy's own does stands there as Traffy's, and is not told it."""
    return f"{'traffy' if 'traffy-hook' in key.scopes else 'exchange'}:{key.name}"


def count_use(session: Session, *, door: str, who: bytes) -> int:
    """One more use of the door in this minute; how many there were, this one included."""
    minute = clock.wall_now().replace(second=0, microsecond=0)
    counted = insert(DoorUse).values(door=door, who=who, minute_wall_at=minute, uses=1)
    return session.execute(
        counted.on_conflict_do_update(
            index_elements=["door", "who", "minute_wall_at"], set_={"uses": DoorUse.uses + 1}
        ).returning(DoorUse.uses)
    ).scalar_one()


def forget_uses(session: Session) -> None:
    """Who came through which door more than an hour ago is forgotten."""
    session.execute(sa.delete(DoorUse).where(DoorUse.minute_wall_at < clock.wall_now() - USES_KEPT))
