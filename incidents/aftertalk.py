"""A resident's word on a report that was sent, acted on: `afterwards` decides, here it is done and answered.

What is under way stands in the resident's draft, with the draft of a report that it has laid aside.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from gis.points import LonLat
from incidents import actions, afteractions, afterwards, cards, catalogue, near_queries, own_cards, own_queries, queries
from incidents import rules as incident_rules
from incidents.afterwards import STEP, About, Doing, Own, Pressed
from incidents.conversation import TEXT_KEPT, Input, Pin, Say
from incidents.handful import Handful, Picture
from incidents.models import Draft
from residents import queries as residents_queries

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Who:
    """The resident who speaks, when by LINE's clock, and the language of the answer."""

    resident_id: int
    language: str
    spoke_at: datetime


def overview(session: Session, who: Who, text: str) -> Messages:
    """Where the resident's reports stand: the one they name, else those that are open or ended lately."""
    found = own_queries.owns(session, who.resident_id)
    now = clock.now()
    shown = afterwards.shown(found, wanted=afterwards.number_in(text), now=now)
    return [own_cards.overview(shown, who.language, now=now)]


def judge(session: Session, who: Who, says: str, incident_id: int) -> Messages | None:
    """The reporter says whether a finished incident is solved: it is closed or opened again, and they hear of it.

    Who closes it is asked how well it was done. None for somebody else's incident.
    """
    own = own_queries.own(session, who.resident_id, near_queries.surviving_id(session, incident_id))
    if own is None or own.is_withdrawn:
        return None
    incident = queries.locked_incident(session, own.incident_id)
    to = incident_rules.verdict(state=incident.state, says=says, done_at=incident.done_at, now=clock.now())
    if to is None:
        return overview(session, who, "")
    reason_key = "reason-reporter-satisfied" if to == "closed" else "reason-reporter-not-satisfied"
    by = afteractions.BY_REPORTER
    actions.change_state(session, own.incident_id, to, by=by, reason=cards.say(reason_key, "th"))
    return [own_cards.said(afterwards.ask_stars(own), own, who.language)] if to == "closed" else []


# ── Buttons ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def answer_button(session: Session, who: Who, pressed: Pressed) -> Messages:
    """The button has done what it says, or says kindly why not. Pressed again it does nothing more."""
    now = clock.now()
    incident_id = near_queries.surviving_id(session, pressed.incident_id)
    own = own_queries.own(session, who.resident_id, incident_id)
    if own is None:
        return [own_cards.said(Say("mine-unknown"), None, who.language)]
    stored = queries.draft_of(session, who.resident_id, now=now)
    about = _about(stored, now=now)
    if pressed.verb == "done":
        _end(session, stored)
        return [own_cards.said(Say("mine-done", afterwards.choices(own, now=now)), own, who.language)]
    offered = afterwards.offered(own, now=now)
    match pressed.verb:
        case "add" | "place" | "cancel" if pressed.verb in offered:
            return _begin(session, who, own, stored, pressed.verb, now=now)
        case "hide" | "show" if pressed.verb in offered:
            return _set_sight(session, who, own, is_private=pressed.verb == "hide")
        case "home" if "place" in offered:
            return _at_home(session, who, own, stored)
        case "cancel_yes" if "cancel" in offered:
            if about is None or about.doing != "cancel" or about.incident_id != own.incident_id:
                return _begin(session, who, own, stored, "cancel", now=now)  # Asked once more: it was long ago.
            return _withdraw(session, who, own, stored)
        case "rate" if "rate" in offered:
            return [own_cards.said(afterwards.ask_stars(own), own, who.language)]
        case "stars" if "rate" in offered and pressed.value in {str(star) for star in afterwards.STARS}:
            afteractions.rate(session, own, who.resident_id, int(pressed.value))
            return [own_cards.said(afterwards.thanks_for_stars(own), own, who.language)]
        case "rate_words" if "rate" in offered and own.stars is not None:
            return _begin(session, who, own, stored, "rate_words", now=now)
        case "reopen" if "reopen" in offered:  # The news of it goes along with this answer.
            return judge(session, who, "reopen", own.incident_id) or []
    return [own_cards.said(afterwards.late(own, now=now), own, who.language)]


def _begin(
    session: Session, who: Who, own: Own, stored: Draft | None, doing: Doing, *, now: datetime
) -> Messages:
    _keep(session, who, About(doing, own.incident_id, 0.0).renewed(now), _laid_aside(stored))
    has_home = doing == "place" and residents_queries.home_of(session, who.resident_id) is not None
    return [own_cards.said(afterwards.asked(doing, own, has_home=has_home), own, who.language)]


def _at_home(session: Session, who: Who, own: Own, stored: Draft | None) -> Messages:
    home = residents_queries.home_of(session, who.resident_id)
    if home is None:
        return [own_cards.said(afterwards.asked("place", own, has_home=False), own, who.language)]
    afteractions.move(session, own, who.resident_id, home, source="home")
    _end(session, stored)
    return _changed(session, who, own, "mine-moved")


def _withdraw(session: Session, who: Who, own: Own, stored: Draft | None) -> Messages:
    afteractions.withdraw(session, own, who.resident_id)
    _end(session, stored)
    key = "mine-withdrawn-shared" if own.others else "mine-withdrawn"
    if not own.others and not afterwards.can_end(own):
        key = "mine-withdrawn-looked-at"
    return [own_cards.said(Say(key), own, who.language)]


def _set_sight(session: Session, who: Who, own: Own, *, is_private: bool) -> Messages:
    afteractions.set_sight(session, own, who.resident_id, is_private=is_private)
    now_own = own_queries.own(session, who.resident_id, own.incident_id) or own
    key = "mine-shown" if not is_private else "mine-hidden-shared" if now_own.is_public else "mine-hidden"
    return [own_cards.said(Say(key), now_own, who.language)]


def _changed(session: Session, who: Who, own: Own, key: str) -> Messages:
    """Said with the incident as it is now."""
    now_own = own_queries.own(session, who.resident_id, own.incident_id) or own
    return [own_cards.said(Say(key), now_own, who.language)]


# ── Turns while something is under way ───────────────────────────────────────────────────────────────────────────────


def take_turn(
    session: Session, who: Who, coming: Input | str, *, now: datetime
) -> tuple[Messages | None, Draft | None]:
    """The answer to what belongs to what is under way, or None and the draft that was laid aside, if there is one."""
    stored = queries.draft_of(session, who.resident_id, now=now)
    if stored is None:
        return None, None
    about = _about(stored, now=now)
    own = own_queries.own(session, who.resident_id, about.incident_id) if about is not None else None
    if about is None or own is None or not afterwards.still_can(about, own, now=now):
        return None, _end(session, stored)
    if isinstance(coming, str):
        return _hear_words(session, who, stored, about, own, coming, now=now)
    if isinstance(coming, Picture) and about.doing in {"add", "place"}:
        return _hear_picture(session, who, stored, about, own, coming, now=now), None
    if isinstance(coming, Pin) and about.doing in {"add", "place"}:
        afteractions.move(session, own, who.resident_id, LonLat(lon=coming.lon, lat=coming.lat), source="pin")
        _end(session, stored)
        return _changed(session, who, own, "mine-moved"), None
    return None, _end(session, stored)


def _hear_words(
    session: Session, who: Who, stored: Draft, about: About, own: Own, text: str, *, now: datetime
) -> tuple[Messages | None, Draft | None]:
    is_cry = catalogue.shipped().emergency.category_of(text) is not None
    if is_cry or about.doing == "cancel" or afterwards.ends_by_words(text):
        return None, _end(session, stored)
    done = afterwards.button("done", own.incident_id)
    if afterwards.says_nothing(text):
        return [own_cards.said(Say("help-thanks"), own, who.language)], None
    if about.doing == "rate_words":
        afteractions.add_rating_words(session, own, who.resident_id, text)
        _end(session, stored)
        return [own_cards.said(Say("mine-rating-words-kept"), own, who.language)], None
    afteractions.add_words(session, own, who.resident_id, text[:TEXT_KEPT])
    cut = [own_cards.said(Say("text-cut"), own, who.language)] if len(text) > TEXT_KEPT else []
    _keep(session, who, about.renewed(now), stored.data["aside"])
    if about.doing == "place":
        asked = Say("mine-place-in-words", afterwards.asked("place", own, has_home=False).choices)
        return [*cut, own_cards.said(asked, own, who.language)], None
    return [*cut, own_cards.said(Say("mine-added", (done,)), own, who.language)], None


def _hear_picture(
    session: Session, who: Who, stored: Draft, about: About, own: Own, coming: Picture, *, now: datetime
) -> Messages:
    """Photos sent together are answered once, with the first: nothing waits for an answer here."""
    before = about.handful if about.handful is not None and about.handful.takes(coming) else None
    handful = (before or Handful()).with_one_more(coming)
    is_kept = afteractions.add_photo(session, own, who.resident_id, coming.photo_id, is_first=before is None)
    is_news = not is_kept and not handful.is_told_left
    handful = replace(handful, is_told_left=handful.is_told_left or is_news)
    _keep(session, who, replace(about.renewed(now), handful=handful), stored.data["aside"])
    if before is not None and not is_news:
        return []
    key = "mine-photo-added" if is_kept else "mine-photos-full"
    return [own_cards.said(Say(key, (afterwards.button("done", own.incident_id),)), own, who.language)]


# ── What is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _about(stored: Draft | None, *, now: datetime) -> About | None:
    if stored is None or stored.step != STEP:
        return None
    found = stored.data["about"]
    handful = Handful(**found["handful"]) if found["handful"] else None
    about = About(**{**found, "handful": handful})
    return about if about.lives(now) else None


def _laid_aside(stored: Draft | None) -> dict[str, Any] | None:
    """The draft of a report that was being told, as it can be taken up again."""
    if stored is None:
        return None
    if stored.step == STEP:
        laid: dict[str, Any] | None = stored.data["aside"]
        return laid
    return {
        "step": stored.step, "data": stored.data, "offered": stored.offered,
        "updated_at": stored.updated_at.isoformat(), "expires_at": stored.expires_at.isoformat(),
    }


def _keep(session: Session, who: Who, about: About, aside: dict[str, Any] | None) -> None:
    until = clock.now() + incident_rules.DRAFT_LIFE
    values: dict[str, Any] = {
        "step": STEP, "data": {"about": asdict(about), "aside": aside}, "offered": None, "updated_at": who.spoke_at,
        "expires_at": until, "answer_due_at": None, "answer_token_sealed": None,
    }
    session.execute(
        insert(Draft)
        .values(resident_id=who.resident_id, **values)
        .on_conflict_do_update(index_elements=["resident_id"], set_=values)
    )


def _end(session: Session, stored: Draft | None) -> Draft | None:
    """Nothing is under way any more; the draft that was laid aside is taken up, where it has not expired."""
    if stored is None or stored.step != STEP:
        return stored
    aside = stored.data["aside"]
    if aside is None or datetime.fromisoformat(aside["expires_at"]) <= clock.now():
        session.execute(sa.delete(Draft).where(Draft.resident_id == stored.resident_id))
        session.expunge(stored)
        return None
    stored.step, stored.data, stored.offered = aside["step"], aside["data"], aside["offered"]
    stored.updated_at = datetime.fromisoformat(aside["updated_at"])
    stored.expires_at = datetime.fromisoformat(aside["expires_at"])
    session.flush()
    return stored
