"""Addresses about people, groups and rooms, and about what they sent."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from line.standin import byhand
from line.standin.checks import USER_ID
from line.standin.operations import Call, Operation, Reply, bad_query, faulty, refusal
from line.standin.rates import PER_SECOND_100
from line.standin.schemas import Fault

if TYPE_CHECKING:
    from line.standin.world import World

FOLLOWERS_DEFAULT, FOLLOWERS_LIMIT = 300, 1000
MEMBERS_A_PAGE = 100
LINK_TOKEN_LIFE_S = 600.0
NOT_FOUND = "Not found"


def show_profile(world: World, call: Call) -> Reply:
    """The profile of a friend; 404 for whoever blocked the account or never was one."""
    user = world.store.user(call.path["userId"])
    if user is None or user["state"] != "friend":
        return refusal(404, NOT_FOUND)
    profile = {"userId": user["user_id"], "displayName": user["display_name"]}
    return Reply(200, profile | ({"language": user["language"]} if user["language"] else {}))


def list_followers(world: World, call: Call) -> Reply:
    """The friends' ids, a page at a time."""
    limit = call.number("limit", FOLLOWERS_DEFAULT, most=FOLLOWERS_LIMIT)
    start = call.asked("start", "0")
    if not start.isdecimal():
        return bad_query("start")
    rows = world.store.page_of_friends(after_no=int(start), limit=limit + 1)
    more = {"next": str(rows[limit - 1][0])} if len(rows) > limit else {}
    return Reply(200, {"userIds": [user_id for _, user_id in rows[:limit]]} | more)


def show_bot(world: World, _: Call) -> Reply:
    """The city's own account."""
    return Reply(
        200,
        {
            "userId": world.channel.bot_user_id,
            "basicId": "@faonam",
            "displayName": "เฝ้าน้ำ",
            "chatMode": "bot",
            "markAsReadMode": "auto",
        },
    )


def _chat_id(call: Call) -> str:
    return call.path.get("groupId") or call.path["roomId"]


def _is_there(world: World, call: Call) -> bool:
    chat_id = _chat_id(call)
    is_of_kind = chat_id.startswith("C" if "groupId" in call.path else "R")
    return is_of_kind and world.store.things.get("chat", chat_id) is not None


def show_group(world: World, call: Call) -> Reply:
    """The group's name."""
    found = world.store.things.get("chat", call.path["groupId"])
    if found is None or not _is_there(world, call):
        return refusal(404, NOT_FOUND)
    return Reply(200, {"groupId": call.path["groupId"], "groupName": found["name"]})


def count_members(world: World, call: Call) -> Reply:
    """How many people are in the group or room, the bot not counted."""
    if not _is_there(world, call):
        return refusal(404, NOT_FOUND)
    return Reply(200, {"count": world.store.things.size("chat", _chat_id(call))})


def list_members(world: World, call: Call) -> Reply:
    """Their ids, a page at a time."""
    if not _is_there(world, call):
        return refusal(404, NOT_FOUND)
    start = call.asked("start")
    ids = [user_id for user_id in world.store.things.members("chat", _chat_id(call)) if user_id > start]
    page = ids[:MEMBERS_A_PAGE]
    return Reply(200, {"memberIds": page} | ({"next": page[-1]} if len(ids) > len(page) else {}))


def show_member(world: World, call: Call) -> Reply:
    """The profile of a member, friend or not."""
    user = world.store.user(call.path["userId"])
    if user is None or not world.store.things.is_member("chat", _chat_id(call), call.path["userId"]):
        return refusal(404, NOT_FOUND)
    return Reply(200, {"userId": user["user_id"], "displayName": user["display_name"]})


def leave(world: World, call: Call) -> Reply:
    """The bot is not in the group or room any more."""
    if not _is_there(world, call):
        return refusal(404, NOT_FOUND)
    world.store.things.remove("chat", _chat_id(call))
    return Reply(200, {})


def issue_link_token(world: World, call: Call) -> Reply:
    """A token for ten minutes by which this user can be joined to an account of the city's."""
    user_id = call.path["userId"]
    if world.store.user(user_id) is None:
        return refusal(404, NOT_FOUND)
    token = secrets.token_urlsafe(24)
    world.store.things.put(
        "link_token", token, {"user_id": user_id, "until_s": world.platform.aged_s() + LINK_TOKEN_LIFE_S}
    )
    return Reply(200, {"linkToken": token})


def show_loading(world: World, call: Call) -> Reply:
    """The dots in the user's chat move for so many seconds."""
    seconds = call.body.get("loadingSeconds", 20)
    if seconds % 5 or not 5 <= seconds <= 60:
        return faulty(Fault("Must be a multiple of 5 from 5 to 60", "loadingSeconds"))
    if not call.body["chatId"].startswith("U"):
        return faulty(Fault("Must be a user's chat", "chatId"))
    world.show(call.body["chatId"], {"loading_s": seconds})
    return Reply(202, {})


def mark_read(_: World, call: Call) -> Reply:
    """The user sees that the city has read what they wrote."""
    if not USER_ID.fullmatch(call.body["chat"]["userId"]):
        return faulty(Fault("Invalid user ID", "chat.userId"))
    return Reply(200, {})


def mark_read_by_token(world: World, call: Call) -> Reply:
    """The message whose event bore this token is marked as read."""
    if not world.is_read_token(call.body["markAsReadToken"]):
        return refusal(400, "Invalid mark as read token")
    return Reply(200, {})


def show_content(world: World, call: Call) -> Reply:
    """The bytes of what a resident sent."""
    found = world.store.content(call.path["messageId"])
    return refusal(404, NOT_FOUND) if found is None else Reply(200, {}, content=found)


def show_preview(world: World, call: Call) -> Reply:
    """A preview of a picture or film; nothing else has one. The stand-in shows the picture itself."""
    found = world.store.content(call.path["messageId"])
    if found is None or not found[0].startswith(("image/", "video/")):
        return refusal(404, NOT_FOUND)
    return Reply(200, {}, content=found)


def show_transcoding(world: World, call: Call) -> Reply:
    """Whether a film or sound can be fetched."""
    found = world.store.content(call.path["messageId"])
    if found is None or not found[0].startswith(("video/", "audio/")):
        return refusal(404, NOT_FOUND)
    return Reply(200, {"status": "succeeded"})


_MESSAGE = "/v2/bot/message/{messageId}/content"
OPERATIONS = [
    Operation("GET", "/v2/bot/profile/{userId}", "getProfile", show_profile),
    Operation("GET", "/v2/bot/followers/ids", "getFollowers", list_followers),
    Operation("GET", "/v2/bot/info", "getBotInfo", show_bot),
    Operation("GET", "/v2/bot/group/{groupId}/summary", "getGroupSummary", show_group),
    *(
        operation
        for kind in ("group", "room")
        for operation in (
            Operation("GET", f"/v2/bot/{kind}/{{{kind}Id}}/members/count", f"get{kind.title()}MemberCount",
                      count_members),
            Operation("GET", f"/v2/bot/{kind}/{{{kind}Id}}/members/ids", f"get{kind.title()}MembersIds", list_members),
            Operation("GET", f"/v2/bot/{kind}/{{{kind}Id}}/member/{{userId}}", f"get{kind.title()}MemberProfile",
                      show_member),
            Operation("POST", f"/v2/bot/{kind}/{{{kind}Id}}/leave", f"leave{kind.title()}", leave),
        )
    ),
    Operation("POST", "/v2/bot/user/{userId}/linkToken", "issueLinkToken", issue_link_token),
    Operation(
        "POST", "/v2/bot/chat/loading/start", "showLoadingAnimation", show_loading, PER_SECOND_100, takes="json",
        by_hand=byhand.every(byhand.needs(chatId=str), byhand.may_have(loadingSeconds=int)),
    ),
    Operation(
        "POST", "/v2/bot/message/markAsRead", "markMessagesAsRead", mark_read, takes="json",
        by_hand=byhand.every(byhand.needs(chat=dict), byhand.within("chat", byhand.needs(userId=str))),
    ),
    Operation(
        "POST", "/v2/bot/chat/markAsRead", "markMessagesAsReadByToken", mark_read_by_token, takes="json",
        by_hand=byhand.needs(markAsReadToken=str),
    ),
    Operation("GET", _MESSAGE, "getMessageContent", show_content, is_on_data_host=True),
    Operation("GET", f"{_MESSAGE}/preview", "getMessageContentPreview", show_preview, is_on_data_host=True),
    Operation(
        "GET", f"{_MESSAGE}/transcoding", "getMessageContentTranscodingByMessageId", show_transcoding,
        is_on_data_host=True,
    ),
]
