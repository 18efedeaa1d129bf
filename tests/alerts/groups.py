"""What happens in groups on LINE, as the webhook tells it, and what goes out then."""

from __future__ import annotations

import itertools
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock, sealing
from incidents import cries
from line import receiver, webhook
from line.models import OutboxChunk

GROUP, OTHER_GROUP = "C" + "1" * 32, "C" + "2" * 32
LEADER, SECOND, STRANGER = "U" + "a" * 32, "U" + "b" * 32, "U" + "9" * 32
_numbers = itertools.count(1)


class Chat:
    """One group on LINE; what its members do is heard to its end."""

    def __init__(self, session: Session, group: str = GROUP) -> None:
        """Nobody has said anything."""
        self.session, self.group = session, group

    def happens(self, event: dict[str, Any], *, user: str | None = LEADER) -> list[str]:
        """The event came from the group; the texts that the city answers by its reply token."""
        number = next(_numbers)
        before = self.session.scalar(sa.select(sa.func.coalesce(sa.func.max(OutboxChunk.id), 0)))
        source = {"type": "group", "groupId": self.group, **({"userId": user} if user else {})}
        whole = {
            "mode": "active", "timestamp": int(clock.now().timestamp() * 1000) + number, "webhookEventId": f"w{number}",
            "replyToken": f"t{number}", "source": source, **event,
        }
        webhook.keep(self.session, [json.dumps({"events": [whole]}).encode()], is_urgent=cries.is_cry)
        while receiver.take(self.session).count:
            pass
        said = sa.select(OutboxChunk).where(OutboxChunk.id > before, OutboxChunk.kind == "reply")
        return [str(chunk.messages[0].get("text")) for chunk in self.session.scalars(said.order_by(OutboxChunk.id))]

    def say(self, text: str, *, user: str | None = LEADER) -> list[str]:
        """Somebody writes."""
        return self.happens({"type": "message", "message": {"type": "text", "id": "1", "text": text}}, user=user)

    def tap(self, data: str, *, user: str | None = LEADER) -> list[str]:
        """Somebody taps a button."""
        return self.happens({"type": "postback", "postback": {"data": data}}, user=user)

    def pushes(self) -> list[OutboxChunk]:
        """What was pushed into this group."""
        mine = sa.select(OutboxChunk).where(OutboxChunk.to_hash == sealing.fingerprint(self.group))
        return list(self.session.scalars(mine.where(OutboxChunk.kind == "push").order_by(OutboxChunk.id)))


def community(session: Session, code: str = "C1") -> int:
    """A community of this code somewhere in the town."""
    layer_id = session.execute(
        sa.text(
            "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) VALUES "
            "(:code, 'areas', 'test', 'none', 'simulated', 1, 1, now(), '{}') RETURNING id"
        ),
        {"code": code},
    ).scalar_one()
    area_id: int = session.execute(
        sa.text(
            "INSERT INTO area (layer_id, kind, code, name_th, name_en, geom, place, attributes, trust) VALUES "
            "(:layer, 'community', :code, :th, :en, ST_Multi(ST_MakeEnvelope(100, 8.4, 100.01, 8.41, 4326)),"
            " 'SRID=4326;POINT(100.005 8.405)', '{}', 'simulated') RETURNING id"
        ),
        {"layer": layer_id, "code": code, "th": f"ชุมชน{code}", "en": f"Community {code}"},
    ).scalar_one()
    return area_id
