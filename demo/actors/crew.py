"""A scripted crew of a headless storm: takes its job step by step, a few minutes apart."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from core import clock
from demo.actors.desk import Desk

NEXT_STEP = {"assigned": "accept", "accepted": "depart", "en_route": "arrive", "on_scene": "finish"}
STEP_TAKES = timedelta(minutes=4)
NOTE = "ช่วยเหลือเรียบร้อยแล้ว"


class Crew:
    """One crew with a phone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._next_at: dict[int, datetime] = {}

    def look(self) -> None:
        """Each of the crew's jobs has gone one step on where its time had come."""
        now = clock.now()
        for job in self._desk.get("/crew/jobs")["jobs"]:
            step = NEXT_STEP.get(job["state"])
            if step is None or now < self._next_at.setdefault(job["id"], now):
                continue
            body = {"client_event_id": str(uuid.uuid4()), "kind": step, "at": now.isoformat(), "note": None}
            if step == "finish":
                body["note"] = NOTE
            if self._desk.post(f"/jobs/{job['id']}/events", body):
                self._next_at[job["id"]] = now + STEP_TAKES
