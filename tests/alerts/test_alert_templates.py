"""A city's own words: drafted by one, reviewed by another, used from then on, and never changed."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alerts import queries
from api import problems
from api.routes import templates as routes
from core.db import transaction
from tests.serving import browser

BASE = "/api/v1/alert-templates"


@pytest.fixture
def app() -> FastAPI:
    """The routes of words alone."""
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(routes.router, prefix="/api/v1")
    return app


@pytest.fixture
def city(database: sa.Engine, frozen_clock: Any, town_of: Any) -> None:
    """A committed town with two people who may write words, and one who may not."""
    with transaction() as session:
        town = town_of(session)
        town.zone("A")
        for username, roles in (("ann", ["approver"]), ("bob", ["admin"]), ("olu", ["officer"])):
            town.account(username, roles)


def one_template(client: TestClient, **changed: Any) -> dict[str, Any]:
    rows = client.get(BASE).json()["words"]["templates"]
    (found,) = [row for row in rows if (row["hazard"], row["level"], row["language"]) == ("flood", 3, "th")]
    return {**{key: value for key, value in found.items() if key != "previews"}, **changed}


NEW = "ออกจากบ้านเดี๋ยวนี้ ไปที่ {shelter} แล้วโทร {phone}"


@pytest.mark.usefixtures("city")
def test_words_count_once_another_person_has_reviewed_them(app: FastAPI) -> None:
    """A draft changes nothing and its author cannot review it; once reviewed it is used; twice is once."""
    ann, bob = browser(app, "ann"), browser(app, "bob")
    shipped = ann.get(BASE).json()
    assert shipped["words"]["findings"] == []
    assert len(shipped["words"]["templates"]) == 80
    drafted = ann.post(BASE, json={"note": "shorter", "templates": [one_template(ann, action=NEW)]})
    assert drafted.status_code == 201, drafted.text
    number = drafted.json()["version"]["version"]
    assert ann.get(BASE).json()["used"] == shipped["used"]
    seen = {(t["hazard"], t["level"], t["language"]): t for t in bob.get(f"{BASE}/{number}").json()["templates"]}
    assert "โทร 199" in seen["flood", 3, "th"]["previews"]["observed"]["action"]
    assert "คาดว่า" in seen["flood", 3, "th"]["previews"]["expected"]["situation"]
    assert ann.post(f"{BASE}/{number}/review").status_code == 409
    assert bob.post(f"{BASE}/{number}/review").json()["reviewed_by"] == "Bob"
    assert bob.post(f"{BASE}/{number}/review").status_code == 200
    now = ann.get(BASE).json()
    assert (now["used"], now["words"]["is_used"]) == (number, True)
    assert one_template(ann)["action"] == NEW
    with transaction() as session:
        assert queries.current_wording(session).templates["flood", 3, "th"].action == NEW
        assert queries.wording(session, shipped["used"]).templates["flood", 3, "th"].action != NEW


@pytest.mark.usefixtures("city")
def test_draft_from_words_that_are_no_longer_used_is_refused_at_review(app: FastAPI) -> None:
    """Two drafts at once: the second would take back what the first changed, so it is drafted again."""
    ann, bob = browser(app, "ann"), browser(app, "bob")
    numbers = [
        client.post(BASE, json={"note": "n", "templates": [one_template(client, action=f"{NEW} {n}")]}).json()[
            "version"
        ]
        for n, client in enumerate((ann, bob))
    ]
    assert bob.post(f"{BASE}/{numbers[0]['version']}/review").status_code == 200
    refused = ann.post(f"{BASE}/{numbers[1]['version']}/review")
    assert refused.status_code == 409
    assert "draft the change again" in refused.json()["detail"]
    assert "ต้องร่างใหม่" in refused.json()["detail_th"]


@pytest.mark.usefixtures("city")
def test_unfit_words_are_not_kept(app: FastAPI) -> None:
    """An error of the linter, a draft that changes nothing, or an officer without the role: nothing is stored."""
    ann, olu = browser(app, "ann"), browser(app, "olu")
    unfit = ann.post(BASE, json={"note": "n", "templates": [one_template(ann, action="ดูที่ https://example.org/a")]})
    assert unfit.status_code == 422
    assert "flood/3 th" in unfit.json()["detail"]
    assert len(unfit.json()["facts"]["findings"]) >= 2
    assert unfit.json()["detail_th"] == unfit.json()["facts"]["findings_th"][0] != unfit.json()["detail"]
    assert ann.post(BASE, json={"note": "n", "templates": [one_template(ann)]}).status_code == 422
    assert (
        ann.post(BASE, json={"note": "n", "words": {"en": {"safe": "I am safe and sound with everybody"}}}).status_code
        == 422
    )
    assert olu.post(BASE, json={"note": "n", "templates": [one_template(ann, action=NEW)]}).status_code == 403
    assert ann.get(BASE).json()["versions"] == []
    assert ann.get(f"{BASE}/4711").status_code == 404


@pytest.mark.usefixtures("city")
def test_numbers_to_call_are_the_citys_own(app: FastAPI) -> None:
    """A city names its own numbers, in texts and on buttons alike; what only one has, or is no word, is refused."""
    ann, bob = browser(app, "ann"), browser(app, "bob")
    own = {"phone": "199 or 077 000 111", "phones": [["199", "Call 199"], ["077000111", "Call the city"]]}
    unsaid = ann.post(BASE, json={"note": "n", "words": {"en": own}})
    assert unsaid.status_code == 422
    assert "077000111" in unsaid.json()["detail"]
    own["phone"] = "199 (rescue) or 077000111 (city)"
    number = ann.post(BASE, json={"note": "n", "words": {"en": own}}).json()["version"]["version"]
    assert bob.post(f"{BASE}/{number}/review").status_code == 200
    with transaction() as session:
        words = queries.current_wording(session).vocabularies
    assert words["en"].phones == (("199", "Call 199"), ("077000111", "Call the city"))
    assert words["th"].phones[0][0] == "199"
    assert ann.post(BASE, json={"note": "n", "words": {"en": {"colour": "red"}}}).status_code == 422
    assert ann.post(BASE, json={"note": "n", "words": {"fr": {"safe": "oui"}}}).status_code == 422


@pytest.mark.usefixtures("city")
def test_changed_words_are_tried_before_they_are_kept(app: FastAPI) -> None:
    """A trial tells every finding and how what is fit would be read, and leaves nothing behind."""
    ann, olu = browser(app, "ann"), browser(app, "olu")
    fit = one_template(ann, action=NEW)
    tried = ann.post(f"{BASE}/trial", json={"templates": [fit]}).json()
    assert tried["is_fit"]
    (shown,) = tried["templates"]
    assert shown["previews"]["observed"]["action"].startswith("ออกจากบ้านเดี๋ยวนี้")
    assert "{" not in shown["previews"]["observed"]["action"]
    unfit = ann.post(f"{BASE}/trial", json={"templates": [one_template(ann, action="{nobody")]}).json()
    assert (unfit["is_fit"], unfit["templates"]) == (False, [])
    assert any(one["is_error"] and one["where"] == "flood/3" for one in unfit["findings"])
    assert ann.post(f"{BASE}/trial", json={"templates": [one_template(ann)]}).status_code == 422
    assert olu.post(f"{BASE}/trial", json={"templates": [fit]}).status_code == 403
    assert ann.get(BASE).json()["versions"] == []


@pytest.mark.usefixtures("city")
def test_database_keeps_the_author_from_reviewing(app: FastAPI) -> None:
    """Even where the code above is told otherwise, one person's words do not count."""
    ann = browser(app, "ann")
    ann.post(BASE, json={"note": "n", "templates": [one_template(ann, action=NEW)]})
    with pytest.raises(sa.exc.IntegrityError, match="two_people"), transaction() as session:
        session.execute(sa.text("UPDATE template_version SET reviewed_by = drafted_by, reviewed_at = now()"))


@pytest.mark.usefixtures("city")
def test_officers_own_words_are_checked(app: FastAPI) -> None:
    """Without Thai they are unfit; what else is missed is said in both languages of the screens."""
    olu = browser(app, "olu")
    found = olu.post(f"{BASE}/check", json={"texts": {"en": {"title": "Water off", "body": "Keep water."}}}).json()
    assert not found["is_fit"]
    assert {"no-language"} <= {one["rule"] for one in found["findings"] if one["is_error"]}
    assert all(one["sentence"]["th"] and one["sentence"]["en"] for one in found["findings"])
