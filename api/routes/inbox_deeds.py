"""What officers do from the inbox: with many incidents at once, and an incident's category put right."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, model_validator

from api import problems
from api.bodies import OnceRoute
from api.deps import CurrentAccount, SessionDep, needs
from api.routes.incidents import READERS, CategoryOut, Changer, IncidentDetailOut, State, Words, show_incident
from core.words import words
from incidents import bulk, queries, recategorising
from incidents.bulk import Chosen, Deed, Outcome
from incidents.inbox import MOST_CHOSEN
from incidents.models import Category
from staff import actions as staff_actions
from staff.rules import AccountRef

router = APIRouter(route_class=OnceRoute, tags=["incidents"])

Reader = Annotated[AccountRef, Depends(needs(*READERS))]
Code = Annotated[str, Field(min_length=1, max_length=80)]
# A reporter reads why nothing is done, and who leads from now on learns why it comes.
NEED_REASON = ("reject", "send_on", "agency")
NEED_TO = ("send_on", "agency", "category")


class ChosenIn(BaseModel):
    """An incident; with `seen` nothing changes where somebody else was faster."""

    id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    seen: State | None = None


class DeedIn(BaseModel):
    """What is to be done with all of them, with one reason; `to` is the agency or the category."""

    action: Literal["accept", "send_on", "reject", "done", "category", "agency"]
    incidents: Annotated[list[ChosenIn], Field(min_length=1, max_length=MOST_CHOSEN)]
    reason: Annotated[str, Field(max_length=500)] = ""
    to: Code | None = None

    @model_validator(mode="after")
    def _says_all(self) -> DeedIn:
        if self.action in NEED_REASON and not self.reason.strip():
            raise ValueError("this needs a reason")
        if (self.action in NEED_TO) != (self.to is not None):
            raise ValueError("say to whom, or as what, where that is asked and nowhere else")
        return self


class RefusedOut(BaseModel):
    """One with which nothing was done, why, and in which state it is."""

    id: int
    number: str
    why: Words
    state: State | None


class DoneOut(BaseModel):
    """With which it was done, and with which not."""

    done: list[int]
    refused: list[RefusedOut]


class CategoriesOut(BaseModel):
    """Every category, in the city's order."""

    categories: list[CategoryOut]


class GuessOut(BaseModel):
    """A category that the words may be of; without a model it has no confidence (0..1)."""

    category: CategoryOut
    confidence: float | None


class GuessesOut(BaseModel):
    """What the reports' words are of, the likeliest first."""

    guesses: list[GuessOut]


class RecategoriseIn(BaseModel):
    """The right category, and why."""

    category: Code
    reason: Annotated[str, Field(max_length=500)] = ""


@router.post("/inbox/deeds", summary="Do the same with many incidents")
def change_many(session: SessionDep, account: Changer, given: DeedIn) -> DoneOut:
    """Each is changed wholly or not at all, and says why not; reporters hear as ever, bundled."""
    outcomes = bulk.change_each(
        session, [Chosen(one.id, one.seen) for one in given.incidents],
        Deed(given.action, given.reason.strip(), given.to or ""), by=account.username,
    )
    done = [one.incident_id for one in outcomes if one.refusal is None]
    for incident_id in done:
        staff_actions.record(
            session, account=account, action=f"incident.{given.action}", subject=f"incident:{incident_id}",
            detail={"to": given.to, "together": len(done)},
        )
    return DoneOut(done=done, refused=[_refused(one) for one in outcomes if one.refusal is not None])


def _refused(one: Outcome) -> RefusedOut:
    refusal = one.refusal
    assert refusal is not None  # noqa: S101 - only those that refused come here.
    title_th = words("api", problems.slug_of(refusal), language="th")
    said_th = refusal.facts.get("detail_th")
    why = Words(th=said_th if isinstance(said_th, str) else title_th, en=refusal.detail)
    return RefusedOut(id=one.incident_id, number=one.number, why=why, state=one.state)


@router.get("/categories", summary="Every category of the city")
def list_categories(session: SessionDep, account: CurrentAccount) -> CategoriesOut:
    """Of what an incident can be."""
    return CategoriesOut(categories=[_category(one) for one in queries.categories(session)])


def _category(one: Category) -> CategoryOut:
    return CategoryOut(code=one.code, name=Words(th=one.name_th, en=one.name_en), icon=one.icon)


@router.get("/incidents/{incident_id}/guesses", summary="What an incident's words may be of")
def show_guesses(session: SessionDep, account: Reader, incident_id: int) -> GuessesOut:
    """By the city's model of today, three at most."""
    known = {one.code: one for one in queries.categories(session)}
    found = recategorising.guesses(session, incident_id)
    return GuessesOut(
        guesses=[
            GuessOut(category=_category(known[offer.category_code]), confidence=offer.confidence)
            for offer in found.offers
        ]
    )


@router.post("/incidents/{incident_id}/category", summary="Put an incident's category right")
def recategorise(
    session: SessionDep, account: Changer, incident_id: int, given: RecategoriseIn
) -> IncidentDetailOut:
    """Agency and promise follow, the next model learns from it; 409 where it is of this category already."""
    recategorising.recategorise(
        session, incident_id, given.category, by=account.username, reason=given.reason.strip()
    )
    staff_actions.record(
        session, account=account, action="incident.category", subject=f"incident:{incident_id}",
        detail={"to": given.category},
    )
    return show_incident(session, account, incident_id)
