"""The storm's residents: they write to the city on the LINE stand-in and answer what the city asks, tap by tap."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import Any

from core.logs import get_logger
from core.settings import settings
from demo.actors.wire import http
from gis.points import LonLat

log = get_logger("demo")

PATIENCE_S = 60.0
LOOK_EVERY_S = 0.25
STEPS_AT_MOST = 8


@dataclass(frozen=True)
class Neighbour:
    """A resident with a home, known to LINE by `user_id`."""

    user_id: str
    home: LonLat


def standin_url() -> str:
    """Where the stand-in's admin API answers."""
    return f"http://127.0.0.1:{settings().standin_port}/_standin"


class Resident:
    """One person with a phone, who reports one thing."""

    def __init__(self, neighbour: Neighbour, picture_jpeg: bytes | None) -> None:
        self._who = neighbour
        self._picture = picture_jpeg
        self._address = f"{standin_url()}/users/{neighbour.user_id}"

    def report(self, text: str) -> bool:
        """The report has been made to its number; False where the city stopped answering."""
        seen = self._last_id()
        self._send({"type": "text", "text": text})
        for _ in range(STEPS_AT_MOST):
            bubble = self._answer_after(seen)
            if bubble is None:
                log.warning("storm.resident_unanswered")
                return False
            seen = int(bubble["id"])
            actions = _actions(bubble["message"])
            if not actions:
                return True
            self._tap(actions)
        return False

    def _last_id(self) -> int:
        return int(http().get(f"{self._address}/messages", params={"limit": 1}).json()["last_id"] or 0)

    def _answer_after(self, seen: int) -> dict[str, Any] | None:
        """The city's newest word after `seen`, once it has fallen silent for a moment."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
            bubbles = http().get(f"{self._address}/messages", params={"after": seen, "limit": 50}).json()["messages"]
            answers = [b for b in bubbles if b["direction"] == "out" and b["kind"] != "multicast"]
            if answers:
                return dict(answers[-1])
        return None

    def _tap(self, actions: list[dict[str, Any]]) -> None:
        kinds = {action["type"] for action in actions}
        if self._picture is not None and "camera" in kinds:
            content = base64.b64encode(self._picture).decode()
            self._send({"type": "image", "content_base64": content, "content_type": "image/jpeg"})
            self._picture = None
        elif "location" in kinds:
            self._send({"type": "location", "latitude": self._who.home.lat, "longitude": self._who.home.lon})
        else:
            self._press(actions[0])

    def _press(self, action: dict[str, Any]) -> None:
        if action["type"] == "message":
            self._send({"type": "text", "text": action["text"]})
        else:
            shown = action.get("displayText") or action.get("label", "")
            self._send({"type": "postback", "data": action["data"], "displayText": shown})

    def _send(self, body: dict[str, Any]) -> None:
        http().post(f"{self._address}/send", json=body)


def _actions(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [item["action"] for item in message.get("quickReply", {}).get("items", [])]
