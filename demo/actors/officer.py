"""The scripted officers and dispatcher of a storm: they decide as the console would let a person decide."""

from __future__ import annotations

from typing import Any

from demo.actors.desk import Desk

LOOKS_AT_A_PROPOSAL = 5
ENDED = {"done", "failed", "cancelled"}


class Colleague:
    """The first of the two people that a level may need: looks at what the rules propose, approves nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def look(self) -> None:
        """Every proposal that waits for a first person has been checked."""
        for alert in _waiting(self._desk):
            if _lacks_first_person(alert):
                self._desk.post(f"/alerts/{alert['id']}/check", {"revision": alert["revision"]})


class Officer:
    """Approves what is proposed, with the revision that was looked at."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def look(self) -> None:
        """Every proposal that may go out has been approved; one that changed in between is looked at again at once."""
        for _ in range(LOOKS_AT_A_PROPOSAL):
            waiting = [alert for alert in _waiting(self._desk) if not _lacks_first_person(alert)]
            if all(self._approve(alert) for alert in waiting):
                return

    def _approve(self, alert: dict[str, Any]) -> bool:
        name = alert["zones"][0]["name"]["th"] if alert["zones"] else ""
        looked = {"revision": alert["revision"], "typed_name": name}
        return self._desk.post(f"/alerts/{alert['id']}/approve", looked)


def _waiting(desk: Desk) -> list[dict[str, Any]]:
    return [alert for alert in desk.get("/alerts")["alerts"] if alert["state"] == "proposed"]


def _lacks_first_person(alert: dict[str, Any]) -> bool:
    return alert["needs_persons"] > 1 and alert["proposed_by"] is None and not alert["is_check_valid"]


class Dispatcher:
    """Gives each waiting job to the first crew on the list that has none."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def look(self) -> None:
        """Every open job that a free crew can reach has been assigned, the most urgent first."""
        jobs = self._desk.get("/jobs")["jobs"]
        busy = {job["crew"]["code"] for job in jobs if job["crew"] and job["state"] not in ENDED}
        waiting = [job for job in jobs if job["state"] == "open"]
        for job in sorted(waiting, key=lambda job: (job["tier"], -job["score"])):
            crew_code = self._nearest_free(int(job["id"]), busy)
            if crew_code and self._desk.post(f"/jobs/{job['id']}/assign", {"crew_code": crew_code}):
                busy.add(crew_code)

    def _nearest_free(self, job_id: int, busy: set[str]) -> str | None:
        suggestions = self._desk.get(f"/jobs/{job_id}/suggestions")["suggestions"]
        for suggestion in suggestions:
            code = str(suggestion["crew"]["code"])
            if not suggestion["is_excluded"] and code not in busy:
                return code
        return None
