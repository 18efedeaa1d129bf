"""Rich menus as LINE takes them, and letters as LINE counts them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from line.standin import schemas

from .conftest import Served

SAY = {"type": "message", "text": "x"}
MENU: dict[str, Any] = {
    "size": {"width": 2500, "height": 843},
    "selected": False,
    "name": "เมนู",
    "chatBarText": "เมนู",
    "areas": [],
}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "ก" * 301}, {"chatBarText": "ก" * 15}, {"chatBarText": ""}, {"size": {"width": 700, "height": 400}},
        {"size": {"width": 1000, "height": 900}}, {"areas": [{"bounds": {"x": 0, "y": 0, "width": 9, "height": 9}}]},
        {"areas": [{"action": {"type": "message", "text": "x"}}]}, {"selected": "yes"}, {"colour": "blue"},
        {"areas": [{"bounds": {"x": 2400, "y": 0, "width": 200, "height": 9}, "action": SAY}]},
        {"areas": [{"bounds": {"x": 0, "y": 0, "width": 9, "height": 9}, "action": {"type": "uri"}}]},
    ],
)
def test_menus_that_line_refuses(standin: Served, change: dict[str, Any]) -> None:
    """A menu out of LINE's measures is refused when made and when asked to be judged."""
    if "colour" in change and not schemas.CONTRACT.exists():
        pytest.skip("LINE's contract files are not at hand")
    for path in ("/v2/bot/richmenu", "/v2/bot/richmenu/validate"):
        answer = standin.line.post(path, json=MENU | change)
        assert answer.status_code == 400
        assert answer.json()["details"]
    assert standin.line.post("/v2/bot/richmenu", json={}).status_code == 400


def test_letters_are_counted_as_read(standin: Served) -> None:
    """Thai marks are free in labels and menu names, and count in texts."""
    fourteen = "ปั๊มน้ำเสียที่นี่ช่วยด้วย"
    assert len(fourteen) > 14
    assert standin.line.post("/v2/bot/richmenu", json=MENU | {"chatBarText": fourteen}).status_code == 200
    label = "ที่" * 20
    action = {"type": "action", "action": {"type": "message", "label": label, "text": label}}
    text = {"type": "text", "text": "x", "quickReply": {"items": [action]}}
    assert standin.line.post("/v2/bot/message/validate/push", json={"messages": [text]}).status_code == 200
    long = {"type": "text", "text": "ที่" * 1667}
    assert standin.line.post("/v2/bot/message/validate/push", json={"messages": [long]}).status_code == 400


def test_a_batch_moves_each_user_once(standin: Served) -> None:
    """Of a chain a→b, b→c nobody is carried through; a menu that is not there stops the whole batch."""
    people = standin.load(4)
    menus = []
    for name in "abc":
        menu_id = standin.line.post("/v2/bot/richmenu", json=MENU | {"name": name}).json()["richMenuId"]
        image = {"content": b"\xff\xd8\xff", "headers": {"Content-Type": "image/jpeg"}}
        standin.line.post(f"/v2/bot/richmenu/{menu_id}/content", **image).raise_for_status()
        menus.append(menu_id)
    for menu_id, users in ((menus[0], people[:2]), (menus[1], people[2:])):
        body = {"richMenuId": menu_id, "userIds": users}
        assert standin.line.post("/v2/bot/richmenu/bulk/link", json=body).status_code == 202
    chain = [{"type": "link", "from": a, "to": b} for a, b in pairwise(menus)]
    unknown = {"operations": [*chain, {"type": "link", "from": menus[0], "to": "richmenu-0"}]}
    assert standin.line.post("/v2/bot/richmenu/batch", json=unknown).status_code == 400
    assert standin.line.post("/v2/bot/richmenu/batch", json={"operations": chain}).status_code == 202
    linked = [standin.line.get(f"/v2/bot/user/{u}/richmenu").json()["richMenuId"] for u in people]
    assert linked == [menus[1], menus[1], menus[2], menus[2]]
