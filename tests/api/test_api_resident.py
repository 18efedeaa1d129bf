"""A resident's page inside LINE: opened by LINE's word alone, once, for a short time; what it takes is checked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core.db import transaction
from core.settings import settings
from gis.points import LonLat
from incidents import actions as incident_actions
from incidents.rules import NewReport
from line import client
from residents import actions, codes, household, queries
from residents.models_rights import ConsentEntry, ResidentSignIn
from tests.accounts import add_account
from tests.incidents.conftest import fill_town
from tests.residents.line_login import LineLogin, id_token, served

ME, OTHER = "U" + "7a" * 16, "U" + "7b" * 16
HOME = {"lon": 99.96, "lat": 8.43}
PATH = "/api/v1/resident"


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Iterator[LineLogin]:
    """LINE's door for ID tokens, where the city asks."""
    with served() as door:
        monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "token")
        monkeypatch.setenv("LINE_API_BASE_URL", door.url)
        monkeypatch.setenv("LINE_LOGIN_CHANNEL_ID", "1234567890")
        settings.cache_clear()
        yield door
    client._reader(trust_env=False).close()
    client._reader.cache_clear()
    settings.cache_clear()


@pytest.fixture
def city(app: FastAPI) -> None:
    """The town, its needs and its extent."""
    with transaction() as session:
        fill_town(session)
        household.load_needs(session)
        session.execute(
            sa.text(
                "INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum,"
                " imported_at, is_simulated) VALUES (1, 'demo', 'เทศบาลตัวอย่าง', 'Example', :shape,"
                " ST_Envelope(CAST(:shape AS geometry)), 'SRID=4326;POINT(99.96 8.43)', 32647,"
                " 'm above mean sea level', now(), true)"
            ),
            {"shape": "SRID=4326;MULTIPOLYGON(((99.9 8.4,100 8.4,100 8.5,99.9 8.5,99.9 8.4)))"},
        )


@pytest.fixture
def page(city: None, login: LineLogin, browser: TestClient) -> TestClient:
    """The page of ME, open."""
    open_page(browser, ME)
    return browser


def open_page(browser: TestClient, user: str) -> None:
    answer = browser.post(f"{PATH}/session", json={"id_token": id_token(user)})
    assert answer.status_code == 200, answer.text
    browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]


def agree(page: TestClient, purpose: str = "warnings", *, is_given: bool = True) -> dict[str, Any]:
    version = page.get(f"{PATH}/me").json()["consents"][0]["version"]
    given = {"purpose": purpose, "version": version, "is_given": is_given}
    answer = page.post(f"{PATH}/consents", json=given)
    assert answer.status_code == 200, answer.text
    me: dict[str, Any] = answer.json()
    return me


def reason(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("facts", {}).get("reason", "")


def test_only_lines_word_opens_the_page(city: None, login: LineLogin, browser: TestClient) -> None:
    """Expired, foreign, forged, malformed: each is refused with a sentence and its reason, and nobody is made known."""
    now = int(time.time())
    refused = {
        id_token(ME, exp=now - 1): "expired",
        id_token(ME, aud="999"): "foreign",
        id_token(ME, iss="https://evil.example"): "foreign",
        id_token(ME, key=b"forged"): "forged",
        id_token(ME, sub="someone"): "malformed",
        id_token(ME, exp="soon"): "malformed",
        "a.b": "malformed",
        "a.b.c": "malformed",
        "<script>": "malformed",
    }
    for token, why in refused.items():
        answer = browser.post(f"{PATH}/session", json={"id_token": token})
        assert reason(answer) == (401, why), (token, answer.text)
        assert answer.json()["type"] == "urn:faonam:problem:id-token"
    assert login.asked == 1, "what cannot be right costs LINE no question"
    assert browser.post(f"{PATH}/session", json={"id_token": "x" * 100_000}).status_code == 422
    with transaction() as session:
        assert queries.by_line_user(session, ME) is None


def test_a_token_opens_one_page(city: None, login: LineLogin, browser: TestClient) -> None:
    """The same token again, or another of the same sign-in, opens nothing."""
    token, same_nonce = id_token(ME, nonce="n1"), id_token(ME, nonce="n1", iat=1)
    assert browser.post(f"{PATH}/session", json={"id_token": token}).status_code == 200
    for again in (token, same_nonce):
        assert reason(browser.post(f"{PATH}/session", json={"id_token": again})) == (401, "used")
    plain = id_token(ME)
    assert browser.post(f"{PATH}/session", json={"id_token": plain}).status_code == 200
    assert reason(browser.post(f"{PATH}/session", json={"id_token": plain})) == (401, "used")


def test_what_the_page_says_of_itself_is_not_believed(city: None, login: LineLogin, browser: TestClient) -> None:
    """A profile beside the token is nobody's; LINE's answer counts, also where it differs from the token's body."""
    given = {"id_token": id_token(ME), "userId": OTHER, "sub": OTHER, "displayName": "x"}
    assert browser.post(f"{PATH}/session", json=given).status_code == 200
    with transaction() as session:
        assert queries.by_line_user(session, OTHER) is None
    login.answer = (200, {"iss": "https://access.line.me", "aud": "other", "sub": OTHER, "exp": int(time.time()) + 60})
    assert reason(browser.post(f"{PATH}/session", json={"id_token": id_token(OTHER)})) == (401, "foreign")
    login.answer = (400, {"error": "invalid_request", "error_description": "IdToken expired."})
    assert reason(browser.post(f"{PATH}/session", json={"id_token": id_token(OTHER)})) == (401, "expired")
    login.answer = (500, {})
    assert browser.post(f"{PATH}/session", json={"id_token": id_token(OTHER)}).status_code == 503


def test_the_page_is_open_for_a_short_time(page: TestClient) -> None:
    """Twenty minutes; without the cookie, after its end, or without the CSRF token nothing is shown or changed."""
    assert page.get(f"{PATH}/me").json()["language"] == "th"
    token = page.headers.pop("X-CSRF-Token")
    assert page.put(f"{PATH}/language", json={"language": "en"}).status_code == 403
    page.headers["X-CSRF-Token"] = token
    assert page.put(f"{PATH}/language", json={"language": "my"}).json()["language"] == "my"
    assert page.put(f"{PATH}/language", json={"language": "xx"}).status_code == 422
    with transaction() as session:
        session.execute(sa.update(ResidentSignIn).values(expires_wall_at=sa.text("now() - interval '1 second'")))
    assert page.get(f"{PATH}/me").status_code == 401
    page.cookies.clear()
    doors = (("get", "me"), ("post", "export"), ("put", "home"), ("post", "homes"), ("delete", "homes/1"),
             ("put", "homes/1/needs"), ("post", "codes"), ("post", "consents"), ("delete", "session"))  # fmt: skip
    assert {page.request(method, f"{PATH}/{door}").status_code for method, door in doors} == {401}


def test_homes_and_needs(page: TestClient) -> None:
    """Homes only with consent, needs only with theirs; a household with needs is vulnerable, without them it is not."""
    assert page.put(f"{PATH}/home", json={"place": HOME}).status_code == 409
    agree(page)
    me = page.put(f"{PATH}/home", json={"place": HOME}).json()
    assert me["homes"][0]["community"] == {"th": "ชุมชนท่าวัง", "en": "Tha Wang"}
    me = page.post(f"{PATH}/homes", json={"place": {"lon": 99.95, "lat": 8.42}, "name": "บ้านแม่"}).json()
    main, other = me["homes"]
    needs = {"needs": ["dialysis", "oxygen"]}
    assert page.put(f"{PATH}/homes/{other['id']}/needs", json=needs).status_code == 409
    agree(page, "needs")
    me = page.put(f"{PATH}/homes/{other['id']}/needs", json=needs).json()
    assert [home["needs"] for home in me["homes"]] == [[], ["dialysis", "oxygen"]]
    assert _vulnerable() == {main["id"]: False, other["id"]: True}
    assert page.put(f"{PATH}/homes/{other['id']}/needs", json={"needs": ["x"]}).status_code == 422
    me = agree(page, "needs", is_given=False)
    assert [home["needs"] for home in me["homes"]] == [[], []]
    assert set(_vulnerable().values()) == {False}
    assert agree(page, is_given=False)["homes"] == []


def _vulnerable() -> dict[int, bool]:
    with transaction() as session:
        return dict(session.execute(sa.text("SELECT id, is_vulnerable FROM home")).all())


def test_needs_follow_the_household_to_its_new_pin(page: TestClient) -> None:
    """Who moves the pin of the main home tells nothing anew and stays vulnerable; none of it is readable at rest."""
    agree(page)
    agree(page, "needs")
    (home,) = page.put(f"{PATH}/home", json={"place": HOME}).json()["homes"]
    page.put(f"{PATH}/homes/{home['id']}/needs", json={"needs": ["bedridden"]})
    (moved,) = page.put(f"{PATH}/home", json={"place": {"lon": 99.97, "lat": 8.44}}).json()["homes"]
    assert (moved["needs"], moved["place"]["lon"]) == (["bedridden"], 99.97)
    assert _vulnerable() == {moved["id"]: True}
    with transaction() as session:
        (sealed,) = session.scalars(sa.text("SELECT needs_sealed FROM household_need"))
        assert b"bedridden" not in bytes(sealed)


def test_a_community_without_a_pin(page: TestClient) -> None:
    """The community's middle stands for the home, marked as rough; reports never take it for where somebody is."""
    agree(page)
    (home,) = page.put(f"{PATH}/home", json={"community": "C1"}).json()["homes"]
    assert (home["is_approximate"], home["community"]["en"]) == (True, "Tha Wang")
    with transaction() as session:
        resident = queries.by_line_user(session, ME)
        assert resident is not None
        assert queries.home_of(session, resident.id) is None
    assert page.put(f"{PATH}/home", json={"community": "C9"}).status_code == 404
    assert page.put(f"{PATH}/home", json={"community": "C1", "place": HOME}).status_code == 422
    assert page.put(f"{PATH}/home", json={}).status_code == 422


@pytest.mark.parametrize(
    "place", [{"lon": 101.2, "lat": 9.1}, {"lon": 8.43, "lat": 99.96}, {"lon": 1e9, "lat": 0}, {"lon": 99.96}]
)
def test_pins_in_the_sea_and_elsewhere(page: TestClient, place: dict[str, float]) -> None:
    """A pin in the Gulf, swapped, in metres or half: refused with a sentence, and no home is kept."""
    agree(page)
    answers = [page.put(f"{PATH}/home", json={"place": place}),
               page.post(f"{PATH}/homes", json={"place": place, "name": "x"})]  # fmt: skip
    assert {answer.status_code for answer in answers} == {422}
    assert page.get(f"{PATH}/me").json()["homes"] == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  บ้าน\u200b\u202e แม่\u2066\n", "บ้าน แม่"), ("<b>x</b>", "<b>x</b>"), ("=1+1", "=1+1"), ("\u200b\u202e", None),
        ("x" * 61, None), ("\u0000", None), ("ก" + "\u0e49" * 100, None),
    ],
)  # fmt: skip
def test_names_of_homes(page: TestClient, name: str, kept: str | None) -> None:
    """Invisible letters and marks that turn the line round are gone; what cannot be seen or is too long is refused."""
    agree(page)
    answer = page.post(f"{PATH}/homes", json={"place": HOME, "name": name})
    assert answer.status_code == (200 if kept else 422), answer.text
    assert not kept or answer.json()["homes"][0]["name"] == kept
    long = page.post(f"{PATH}/homes", json={"place": HOME, "name": "x" * 100_000})
    assert long.status_code == 422


def test_five_homes_at_most_and_only_ones_own(page: TestClient, app: FastAPI) -> None:
    """The sixth home is refused; another resident's home is no home of mine."""
    agree(page)
    answers = [page.post(f"{PATH}/homes", json={"place": HOME, "name": f"n{n}"}).status_code for n in range(6)]
    assert answers == [200] * 5 + [409]
    mine = page.get(f"{PATH}/me").json()["homes"][0]["id"]
    with TestClient(app) as other:
        open_page(other, OTHER)
        agree(other, "needs")
        assert other.delete(f"{PATH}/homes/{mine}").status_code == 404
        assert other.put(f"{PATH}/homes/{mine}/needs", json={"needs": ["deaf"]}).status_code == 404


def test_consent_keeps_the_text_that_was_shown(page: TestClient) -> None:
    """Version, purpose, language, way and the very words are kept; a yes to another version is none."""
    page.put(f"{PATH}/language", json={"language": "en"})
    agree(page)
    agree(page, is_given=False)
    with transaction() as session:
        log = session.scalars(sa.select(ConsentEntry).order_by(ConsentEntry.id)).all()
    assert [(one.purpose, one.is_given, one.way) for one in log] == [
        ("warnings", True, "liff"), ("warnings", False, "liff"), ("needs", False, "liff"),
    ]  # fmt: skip
    assert (log[0].language, log[0].text.startswith("The municipality asks to keep the place")) == ("en", True)
    old = {"purpose": "warnings", "version": "2020-1", "is_given": True}
    assert page.post(f"{PATH}/consents", json=old).status_code == 409


def test_codes_are_guessed_five_times(page: TestClient) -> None:
    """Five wrong codes in an hour; then even the right one has to wait, and after it a used one opens nothing."""
    with transaction() as session:
        officer = add_account(session, "pim", roles=["officer"])
        code = codes.hand_over_identity(session, account=officer, name="สมหญิง ใจดี", phone=None)
        second = codes.hand_over_identity(session, account=officer, name="สมชาย", phone=None)
    spelt_oddly = code.lower().replace("-", " ")
    assert page.post(f"{PATH}/codes", json={"code": spelt_oddly}).json() == {"group": None}
    assert page.get(f"{PATH}/me").json()["is_identity_checked"] is True
    guesses = [code, "AAAA-AAAA", "'; DROP TABLE resident;--", "\u202e", "x"]
    assert [page.post(f"{PATH}/codes", json={"code": one}).status_code for one in guesses] == [422] * 5
    answer = page.post(f"{PATH}/codes", json={"code": second})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
    with transaction() as session:
        session.execute(sa.text("UPDATE code_try SET tried_wall_at = tried_wall_at - interval '61 minutes'"))
        session.execute(sa.text("UPDATE handed_code SET expires_wall_at = now() WHERE used_wall_at IS NULL"))
    assert page.post(f"{PATH}/codes", json={"code": second}).status_code == 422


def test_the_copy_is_everything_and_harmless(page: TestClient) -> None:
    """JSON and page hold what the city knows; markup and formulas in it are text; the link dies soon."""
    agree(page)
    page.post(f"{PATH}/homes", json={"place": HOME, "name": "<img src=x onerror=alert(1)>"})
    with transaction() as session:
        resident = queries.by_line_user(session, ME)
        assert resident is not None
        new = NewReport(
            text="=HYPERLINK(1) </script><script>alert(2)</script>\u202e", category_code="flooded_road",
            place=LonLat(lon=99.96, lat=8.43), place_source="pin", resident_id=resident.id,
        )  # fmt: skip
        incident_actions.receive_report(session, new)
        actions.choose_language(session, resident, "en")
    url = page.post(f"{PATH}/export").json()["url"]
    path = url[url.index(PATH):]
    with TestClient(page.app) as stranger:  # Whoever holds the link holds the key: no cookie is asked for.
        as_page, as_json = stranger.get(path), stranger.get(f"{path}.json")
        assert stranger.get(f"{path}/photos/1").status_code == 404
        assert stranger.get(f"{path[:-2]}xx").status_code == 404
    assert as_page.headers["cache-control"] == as_json.headers["cache-control"] == "no-store"
    assert "<img" not in as_page.text
    assert "<script" not in as_page.text
    assert "&lt;img src=x onerror=alert(1)&gt;" in as_page.text
    assert "<bdi>=HYPERLINK(1)" in as_page.text
    assert "<" not in as_json.text
    held = json.loads(as_json.text)
    assert held["member"]["line_user_id"] == ME
    assert held["homes"][0]["name"] == "<img src=x onerror=alert(1)>"
    assert held["reports"][0]["text"].startswith("=HYPERLINK(1)")
    assert held["consents"][0]["text"]
    assert [page.post(f"{PATH}/export").status_code for _ in range(5)] == [200] * 4 + [429]
    with transaction() as session:
        session.execute(sa.text("UPDATE export_link SET expires_wall_at = now()"))
    assert page.get(path).status_code == page.get(f"{path}.json").status_code == 404


def test_officers_and_residents_are_strangers(page: TestClient, signed_in: Callable[[str], TestClient]) -> None:
    """A resident's page opens no officer's door, nor an officer's sign-in a resident's page."""
    assert page.get("/api/v1/residents").status_code == 401
    page.cookies.clear()
    assert signed_in("admin").get(f"{PATH}/me").status_code == 401
