"""Leaders' groups on LINE: opened by a code that is typed there, and told of their zones' alerts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from alerts import exercise, leader_queries, queries, rules, templates, thread
from alerts import leader_rules as decide
from alerts.leader_models import (
    Leader,
    LeaderCall,
    LeaderCode,
    LeaderGroup,
    LeaderGroupZone,
)
from alerts.leader_queries import Touched, ZoneOf
from alerts.models import Alert
from core import clock, sealing
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.logs import get_logger
from core.words import words
from line import client, outbox
from line import messages as line_messages
from residents import codes
from residents.rules import LANGUAGES, NAME_LIMIT, clean_words
from staff import actions as staff_actions
from staff.rules import AccountRef

log = get_logger("alerts")
# What is said to a group is about nobody: it makes no event.
_SUBJECT_OF_ANSWERS = "group"
_ANSWER_PRIORITY = 3
MOST_ZONES_NAMED = 8


# ── Officers make, invite into and end groups ────────────────────────────────────────────────────────────────────────


def make_group(
    session: Session,
    *,
    account: AccountRef,
    name_th: str,
    name_en: str,
    language: str,
    area_id: int | None,
    zone_codes: Collection[str],
) -> tuple[LeaderGroup, str]:
    """A group that is nowhere yet, and the code that makes the group on LINE where it is typed this one.

    Raises InvalidInputError without an area or a zone, or in a language that the city does not write; NotFoundError for
    a zone that there is not.
    """
    if language not in LANGUAGES:
        raise InvalidInputError(f"The city does not write in '{language}'.")
    if area_id is None and not zone_codes:
        raise InvalidInputError("Name the community or the zones that these leaders answer for.")
    zone_ids = _zone_ids(session, zone_codes)
    made = LeaderGroup(
        name_th=clean_words(name_th, limit=NAME_LIMIT, what="The group's Thai name"),
        name_en=clean_words(name_en, limit=NAME_LIMIT, what="The group's English name"),
        language=language,
        area_id=area_id,
        made_by=account.id,
        made_at=clock.now(),
    )
    session.add(made)
    session.flush()
    session.add_all(LeaderGroupZone(leader_group_id=made.id, zone_id=zone_id) for zone_id in zone_ids)
    _record(session, account, "leader_group.made", made.id)
    return made, invite(session, made.id, account=account)


def _zone_ids(session: Session, zone_codes: Collection[str]) -> list[int]:
    wanted = sorted(set(zone_codes))
    found = queries.zone_ids_by_code(session, wanted)
    missing = [code for code in wanted if code not in found]
    if missing:
        raise NotFoundError(f"There is no zone '{missing[0][:40]}'.")
    return [found[code] for code in wanted]


def invite(session: Session, group_id: int, *, account: AccountRef) -> str:
    """A code that leaders type in this group within a week; it is never shown again.

    Raises NotFoundError, ConflictError where the group has ended.
    """
    if leader_queries.group(session, group_id).ended_at is not None:
        raise ConflictError(f"Leaders' group {group_id} has ended; make a new one.")
    code, code_id = codes.hand_over_leaders(session, account=account)
    session.add(LeaderCode(code_id=code_id, leader_group_id=group_id))
    session.flush()
    return code


def end_group(session: Session, group_id: int, *, account: AccountRef) -> None:
    """The group is told nothing any more, and what LINE calls it and its leaders is forgotten. Raises NotFoundError."""
    group = leader_queries.group(session, group_id)
    if group.ended_at is None:
        _end(session, group, why="officer")
        _record(session, account, "leader_group.ended", group_id)


def _end(session: Session, group: LeaderGroup, *, why: str) -> None:
    group.ended_at, group.ended_why = clock.now(), why
    group.group_hash = group.group_sealed = None
    session.execute(sa.delete(Leader).where(Leader.leader_group_id == group.id))
    session.flush()
    log.info("leaders.group_ended", group=group.id, why=why)


def _record(session: Session, account: AccountRef, action: str, group_id: int) -> None:
    subject = f"leader_group:{group_id}"
    staff_actions.record(session, account=account, action=action, subject=subject, detail={})


# ── What happens in the group on LINE ────────────────────────────────────────────────────────────────────────────────


def hear_code(
    session: Session, code: str, *, line_group_id: str, line_user_id: str, reply_token: str | None
) -> int | None:
    """The group on LINE is the leaders' group of the code, and who typed it is one of its leaders.

    The group's number is returned where it was opened just now. A code that opens nothing here is met with silence: the
    group may be anybody's. A code that was typed in one group opens no second one.
    """
    code_id = codes.leaders_code(session, code)
    group = leader_queries.group_of_code(session, code_id) if code_id is not None else None
    if group is None:
        return None
    hashed = sealing.fingerprint(line_group_id)
    is_new = group.group_hash is None
    if not is_new and bytes(group.group_hash or b"") != hashed:
        return None
    if is_new:
        _open(session, group, line_group_id, hashed)
    has_joined = session.execute(
        insert(Leader)
        .values(leader_group_id=group.id, user_hash=sealing.fingerprint(line_user_id), joined_at=clock.now())
        .on_conflict_do_nothing()
        .returning(Leader.leader_group_id)
    ).one_or_none()
    if is_new or has_joined is not None:
        key = "leader-registered" if is_new else "leader-joined"
        answer(session, group, reply_token, key, name=_named(group))
    return group.id if is_new else None


def _open(session: Session, group: LeaderGroup, line_group_id: str, hashed: bytes) -> None:
    earlier = leader_queries.group_on_line(session, line_group_id)
    if earlier is not None:
        _end(session, earlier, why="moved")
    group.group_hash, group.group_sealed, group.opened_at = hashed, sealing.seal(line_group_id), clock.now()
    session.flush()
    log.info("leaders.group_opened", group=group.id)


def _named(group: LeaderGroup) -> str:
    return templates.Named(th=group.name_th, en=group.name_en).in_language(group.language)


def answer(session: Session, group: LeaderGroup, reply_token: str | None, key: str, **slots: str) -> None:
    """The group reads this; only as a reply, which costs nothing."""
    if reply_token is None:
        return
    message = line_messages.text(words("alerts", key, language=group.language, **slots))
    outbox.enqueue(
        session, subject=_SUBJECT_OF_ANSWERS, kind="reply", to=[reply_token], messages=[message],
        priority=_ANSWER_PRIORITY,
    )


def put_out(session: Session, line_group_id: str) -> None:
    """The city's account is in that group no more: if it was one of leaders, it has ended."""
    group = leader_queries.group_on_line(session, line_group_id)
    if group is not None:
        _end(session, group, why="left")


def lose_leaders(session: Session, line_group_id: str, line_user_ids: Collection[str]) -> None:
    """Who has left the group is none of its leaders."""
    group = leader_queries.group_on_line(session, line_group_id)
    if group is not None:
        hashes = [sealing.fingerprint(one) for one in line_user_ids]
        session.execute(sa.delete(Leader).where(Leader.leader_group_id == group.id, Leader.user_hash.in_(hashes)))


def count_members(session: Session, group_id: int) -> None:
    """How many people read what is sent to the group is known as of now: LINE counts each.

    A group that LINE knows us not to be in has ended. Raises LineUnavailableError while LINE does not answer.
    """
    group = leader_queries.group(session, group_id)
    if group.group_sealed is None:
        return
    count = client.group_size(sealing.unseal(bytes(group.group_sealed)))
    if count is None:
        _end(session, group, why="left")
        return
    group.member_count, group.counted_at = count, clock.now()
    session.flush()


# ── Alerts go to the groups ──────────────────────────────────────────────────────────────────────────────────────────


def subject(alert_id: int) -> str:
    """What the groups' pushes of an alert are about, in the outbox: counted apart from the residents' messages."""
    return f"leaders:{alert_id}"


def messages_needed(session: Session, alert_id: int) -> int:
    """How many messages LINE counts when the alert goes to the groups of its zones; an uncounted group as one."""
    return sum(one.group.member_count or 1 for one in leader_queries.touched(session, alert_id))


def tell(session: Session, alert_id: int) -> int:
    """Each group whose zones the alert touches has its message in the outbox, once; how many are new.

    An all-clear goes to the groups that were told in its event. Nothing is sent for news, for an exercise, or before an
    alert that is held goes out. Asking twice is the same as once, also at the same time.
    """
    alert = queries.alert(session, alert_id)
    if not _goes_out(alert):
        return 0
    if alert.kind == "all_clear":
        touched = leader_queries.told_in_event(session, alert.event_id)
    else:
        touched = leader_queries.touched(session, alert.id)
    new = _note_told(session, alert, touched) if touched else set()
    if not new:
        return 0
    priority = queries.current_policy(session).rule(alert.level).priority + 1
    is_simulated = queries.city(session).is_simulated
    homes = leader_queries.homes_by_group(session, alert.id, touched)
    for one in touched:
        if one.group.id in new:
            counts = homes.get(one.group.id, (0, 0))
            _call(session, alert, one, counts=counts, priority=priority, is_simulated=is_simulated)
    session.flush()
    thread.note(session, event_id=alert.event_id, alert_id=alert.id, kind="leaders_told", groups=sorted(new))
    log.info("leaders.told", alert=alert.id, groups=len(new))
    return len(new)


def _goes_out(alert: Alert) -> bool:
    if alert.approved_at is None or alert.hold_until_at is not None or alert.is_exercise:
        return False
    # An all-clear has ended as soon as the residents' messages went.
    return alert.kind == "all_clear" or (alert.kind in {"alert", "update"} and alert.state in rules.TOLD)


def _note_told(session: Session, alert: Alert, touched: Sequence[Touched]) -> set[int]:
    """The groups among these that were not told yet; they are now, whoever else asks at the same time."""
    rows = [
        {
            "alert_id": alert.id, "leader_group_id": one.group.id, "told_at": clock.now(), "homes": 0,
            "vulnerable_homes": 0, "member_count": one.group.member_count or 1,
        }
        for one in touched
    ]
    told = insert(LeaderCall).values(rows).on_conflict_do_nothing().returning(LeaderCall.leader_group_id)
    return set(session.scalars(told))


def _call(
    session: Session, alert: Alert, one: Touched, *, counts: tuple[int, int], priority: int, is_simulated: bool
) -> None:
    homes, vulnerable = counts
    told = session.get_one(LeaderCall, (alert.id, one.group.id))
    told.homes, told.vulnerable_homes = homes, vulnerable
    outbox.enqueue(
        session,
        subject=subject(alert.id),
        kind="push",
        to=[sealing.unseal(bytes(one.group.group_sealed or b""))],
        messages=[_card(session, alert, one, homes=homes, vulnerable=vulnerable, is_simulated=is_simulated)],
        priority=priority,
        readers=one.group.member_count or 1,
        channel=exercise.line_channel(alert),
    )


def _card(
    session: Session, alert: Alert, one: Touched, *, homes: int, vulnerable: int, is_simulated: bool
) -> dict[str, Any]:
    language = one.group.language if one.group.language in alert.texts else "th"
    text = templates.text_of(alert.texts[language])
    vocabularies = queries.wording(session, alert.words_version).vocabularies
    vocabulary = vocabularies.get(language, vocabularies["en"])
    level = templates.ALL_CLEAR if alert.kind == "all_clear" else alert.level
    body, buttons = [paragraph for paragraph in (text.situation, text.action) if paragraph], []
    if alert.kind != "all_clear":
        label = words("alerts", "leader-label-acknowledge", language=language)
        zones = zones_in_words(one.zones, language)
        body.append(
            words(
                "alerts", "leader-counts", language=language, zones=zones, homes=f"{homes:,}",
                vulnerable=f"{vulnerable:,}",
            )
        )
        body.append(words("alerts", "leader-pass-on", language=language))
        buttons = [line_messages.postback(label, decide.button(alert.id), display_text=label)]
    card = line_messages.alert_card(
        level=level,
        level_label=vocabulary.label.get(alert.hazard, vocabulary.level)[level],
        title=text.title,
        heading=text.city or None,
        time=text.time or None,
        body=body,
        footnote=vocabulary.simulated if is_simulated else None,
        actions=buttons,
    )
    return card | {"altText": line_messages.cut(text.alt, limit_utf16=1500)}


def zones_in_words(zones: Sequence[ZoneOf], language: str) -> str:
    """The first of the zones by name, and how many more."""
    names = [zone.name.in_language(language) for zone in zones[:MOST_ZONES_NAMED]]
    more = len(zones) - len(names)
    return ", ".join(names) + (f" +{more}" if more else "")


def stop(session: Session, alert_id: int) -> int:
    """No message of the alert that still waits goes to a group; how many were stopped."""
    return outbox.cancel(session, subject=subject(alert_id))
