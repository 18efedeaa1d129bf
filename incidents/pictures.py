"""Several photos sent at once, or one after another, are one thing said: they are answered together. Pure.

LINE sends each as an event of its own. A set says how many belong to it (`imageSet`: id, and, but for old phones,
total), so it is answered with its last. Without that the first is answered at once, and those that follow in a row
together, as soon as no further one comes: an answer's buttons are gone with the next message.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gis.crs import distance_m
from gis.points import LonLat
from incidents import conversation
from incidents.conversation import Draft, Input, Known, Place, Say, Turn
from incidents.handful import Handful, LeavePhoto, Picture

# What a crew looks at and an officer can take in; LINE's own chooser lets people send 50 (assumed).
MOST_KEPT = 10
# When a row counts as over, and a set of which some never came; the reply token outlives both.
ANSWER_AFTER = timedelta(seconds=4)


def turn(draft: Draft | None, coming: Input, known: Known) -> Turn:
    """What follows from what a resident sends: as `conversation.turn`, but photos that belong together are one turn.

    With the answer they hear, once, that a picture of theirs could not be used; a cry for help is answered alone.
    """
    return _with_refusal(draft, _turn(draft, coming, known))


def refused(draft: Draft, photo_id: int) -> Draft:
    """The picture cannot be used: it belongs to the report no more, and the next answer says so."""
    kept = tuple(one for one in draft.photo_ids if one != photo_id)
    return replace(draft, photo_ids=kept, has_refused=True)


def _with_refusal(draft: Draft | None, found: Turn) -> Turn:
    is_answered = bool(found.says) or isinstance(found.effect, conversation.SubmitReport)
    if draft is None or not draft.has_refused or not is_answered or any(said.is_emergency for said in found.says):
        return found
    told = replace(found.draft, has_refused=False) if found.draft else None
    return replace(found, draft=told, says=(Say("photo-unusable"), *found.says))


def _turn(draft: Draft | None, coming: Input, known: Known) -> Turn:
    if not isinstance(coming, Picture):
        return conversation.turn(replace(draft, handful=None) if draft else None, coming, known)
    before = draft.handful if draft and draft.handful and draft.handful.takes(coming) else None
    handful = (before or Handful()).with_one_more(coming)
    plain = conversation.turn(draft, coming, known)
    is_left = max(handful.seen - 1, len(draft.photo_ids) if draft else 0) >= MOST_KEPT
    is_answered = handful.seen >= handful.total if handful.total else before is None
    kept = handful.kept + (not is_left)
    handful = replace(handful, waits=not is_answered, has_left=handful.has_left or is_left, kept=kept)
    has_news = is_answered and handful.has_left and not handful.is_told_left
    handful = replace(handful, is_told_left=handful.is_told_left or has_news)
    says = _with_news(plain.says, has_news) if is_answered else ()
    if plain.draft is None:
        return replace(plain, says=says)
    if not is_left:
        return replace(plain, draft=replace(plain.draft, handful=handful), says=says)
    before_it = replace(plain.draft, handful=handful, photo_ids=draft.photo_ids if draft else ())
    return Turn(before_it, says, LeavePhoto(coming.photo_id))


def late_turn(draft: Draft, known: Known, *, ranked: tuple[str, ...] = ()) -> Turn:
    """No further photo came: the question that stands is asked, with its buttons.

    Of photos in a row the first was answered with that question: how many more are kept is enough, over its buttons.
    """
    handful = draft.handful or Handful()
    has_news = handful.has_left and not handful.is_told_left
    answered = replace(draft, handful=replace(handful, waits=False, is_told_left=handful.has_left))
    if draft.step == "emergency_pin":
        key = "emergency-more" if draft.incident_id is not None else "emergency-where"
        asked = Turn(answered, (Say(key, conversation.PIN),))
    else:
        asked = conversation.asked_again(answered, known, ranked=ranked)
        if not handful.total:
            asked = replace(asked, says=tuple(replace(said, key="photos-more") for said in asked.says))
    return _with_refusal(draft, replace(asked, says=_with_news(asked.says, has_news)))


def place_turn(draft: Draft, place: Place, known: Known) -> Turn:
    """A photo says where it was taken: that is offered beside a pin from now on, the first that says so alone.

    It is asked about at once where the resident was asked where it is, or where the words name a place too far away
    for both to be right. A pin, and a place that the resident chose, stand.
    """
    if draft.seen_from is not None:
        return Turn(draft)
    told = replace(draft, seen_from=place)
    if not _is_asked_of_place(draft, place) or (draft.handful is not None and draft.handful.waits):
        return Turn(told)
    if draft.step == "emergency_pin":
        return Turn(told, (Say("ask-photo-place", conversation.where(told)),))
    asked = conversation.asked_again(told, known, ranked=())
    return replace(asked, says=tuple(replace(said, key="ask-photo-place") for said in asked.says))


def _is_asked_of_place(draft: Draft, place: Place) -> bool:
    if draft.step == "emergency_pin":
        return draft.incident_id is None
    if draft.place is None or draft.step != "confirm":
        return draft.step == "pin"
    if draft.place.source != "words":
        return False
    apart_m = distance_m(_point(draft.place), _point(place))
    return apart_m > (draft.place.radius_m or 0.0) + (place.radius_m or 0.0)


def _point(place: Place) -> LonLat:
    return LonLat(lon=place.lon, lat=place.lat)


def _with_news(says: tuple[Say, ...], has_news: bool) -> tuple[Say, ...]:
    return (Say("photos-most"), *says) if has_news else says
