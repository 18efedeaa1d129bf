"""LINE's own SDK for Python, unmodified, drives every operation of LINE's contract on the stand-in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from core.settings import settings
from line.standin import schemas
from line.standin.tokens import ASSERTION_TYPE, AUDIENCE

from .conftest import Served, user

audience = pytest.importorskip("linebot.v3.audience")
insight = pytest.importorskip("linebot.v3.insight")
liff = pytest.importorskip("linebot.v3.liff")
messaging = pytest.importorskip("linebot.v3.messaging")
oauth = pytest.importorskip("linebot.v3.oauth")

JPEG = b"\xff\xd8\xff\xe0picture"
DAY_S = 86_400.0


def token() -> str:
    found = settings().line.channel_access_token
    assert found is not None
    return found.get_secret_value()


def secret() -> str:
    found = settings().line.channel_secret
    assert found is not None
    return found.get_secret_value()


def texts(words: str = "น้ำจะท่วม") -> list[object]:
    return [messaging.TextMessage(text=words)]


@pytest.mark.skipif(not schemas.CONTRACT.exists(), reason="LINE's contract files are not at hand")
def test_the_sdk_drives_every_operation(any_standin: Served, tmp_path: Path) -> None:
    """Every operation of LINE's contract answers LINE's own SDK with what the contract declares."""
    standin = any_standin
    people = standin.load(120)
    with messaging.ApiClient(messaging.Configuration(host=standin.url, access_token=token())) as client:
        api, blob = messaging.MessagingApi(client), messaging.MessagingApiBlob(client)
        drive_messages(standin, api, people)
        drive_people(standin, api, blob, people)
        drive_menus(api, blob, people)
        drive_extras(standin, api, people)
    with audience.ApiClient(audience.Configuration(host=standin.url, access_token=token())) as client:
        drive_audiences(standin, audience.ManageAudience(client), audience.ManageAudienceBlob(client), people, tmp_path)
    with insight.ApiClient(insight.Configuration(host=standin.url, access_token=token())) as client:
        drive_insight(standin, insight.Insight(client))
    with liff.ApiClient(liff.Configuration(host=standin.url, access_token=token())) as client:
        drive_apps(liff.Liff(client))
    with oauth.ApiClient(oauth.Configuration(host=standin.url)) as client:
        drive_tokens(standin, oauth.ChannelAccessToken(client))
    assert {clause.name for clause in schemas.clauses().values()} == standin.judge.succeeded


def drive_messages(standin: Served, api: Any, people: list[str]) -> None:
    """Sending of all kinds, validation, quota, counts and units."""
    api.push_message(messaging.PushMessageRequest(to=people[0], messages=texts()), x_line_retry_key=str(uuid.uuid4()))
    api.multicast(
        messaging.MulticastRequest(to=people, messages=texts(), customAggregationUnits=["zone_1"]),
        x_line_retry_key=str(uuid.uuid4()),
    )
    taken = api.narrowcast_with_http_info(
        messaging.NarrowcastRequest(messages=texts("ข่าว"), limit=messaging.Limit(max=100))
    )
    assert taken.status_code == 202
    standin.move_clock(5)
    progress = api.get_narrowcast_progress(taken.headers["x-line-request-id"])
    assert (progress.phase, progress.success_count) == ("succeeded", 100)
    api.broadcast(messaging.BroadcastRequest(messages=texts("ประกาศ")))
    sent = standin.admin.post(f"/users/{people[0]}/send", json={"type": "text", "text": "?"}).json()
    api.reply_message(messaging.ReplyMessageRequest(replyToken=sent["reply_token"], messages=texts("ตอบ")))
    asked = messaging.ValidateMessageRequest(messages=texts())
    for kind in ("reply", "push", "multicast", "narrowcast", "broadcast"):
        getattr(api, f"validate_{kind}")(asked)
    assert api.get_message_quota().type == "none"
    assert api.get_message_quota_consumption().total_usage == 1 + 120 + 100 + 120
    assert api.get_aggregation_unit_usage().num_of_custom_aggregation_units == 1
    assert api.get_aggregation_unit_name_list().custom_aggregation_units == ["zone_1"]
    today = _day(standin)
    standin.move_clock(DAY_S)
    assert api.get_number_of_sent_push_messages(today).success == 1
    assert api.get_number_of_sent_multicast_messages(today).success == 120
    assert api.get_number_of_sent_broadcast_messages(today).success == 120
    assert api.get_number_of_sent_reply_messages(today).success == 1
    standin.admin.post("/users", json=[{"user_id": user(900), "phone": "+66812345678"}])
    hashed = hashlib.sha256(b"+66812345678").hexdigest()
    api.push_messages_by_phone(messaging.PnpMessagesRequest(to=hashed, messages=texts()))
    assert api.get_pnp_message_statistics(_day(standin)).status == "unready"


def _day(standin: Served) -> str:
    now = datetime.fromisoformat(standin.admin.get("/clock").json()["now"])
    return (now + timedelta(hours=9)).strftime("%Y%m%d")


def drive_people(standin: Served, api: Any, blob: Any, people: list[str]) -> None:
    """Profiles, followers, groups, rooms, content, link tokens, reading, and the webhook's address."""
    assert api.get_profile(people[0]).language == "th"
    first = api.get_followers(limit=100)
    assert len(first.user_ids) == 100
    assert set(api.get_followers(start=first.next).user_ids).isdisjoint(first.user_ids)
    assert api.get_bot_info().chat_mode == "bot"
    for is_room in (False, True):
        kind = "room" if is_room else "group"
        asked = {"name": "ชุมชน", "is_room": is_room, "user_ids": people}
        chat_id = standin.admin.post("/chats", json=asked).json()["chat_id"]
        assert getattr(api, f"get_{kind}_member_count")(chat_id).count == 120
        page = getattr(api, f"get_{kind}_members_ids")(chat_id)
        rest = getattr(api, f"get_{kind}_members_ids")(chat_id, start=page.next)
        assert sorted(page.member_ids + rest.member_ids) == people
        assert getattr(api, f"get_{kind}_member_profile")(chat_id, people[3]).user_id == people[3]
        if not is_room:
            assert api.get_group_summary(chat_id).group_name == "ชุมชน"
        getattr(api, f"leave_{kind}")(chat_id)
    picture = {"type": "image", "content_base64": base64.b64encode(JPEG).decode()}
    message_id = standin.admin.post(f"/users/{people[0]}/send", json=picture).json()["message_id"]
    assert bytes(blob.get_message_content(message_id)) == JPEG
    assert bytes(blob.get_message_content_preview(message_id)) == JPEG
    film = {"type": "video", "content_type": "video/mp4", "content_base64": base64.b64encode(b"film").decode()}
    message_id = standin.admin.post(f"/users/{people[0]}/send", json=film).json()["message_id"]
    assert blob.get_message_content_transcoding_by_message_id(message_id).status == "succeeded"
    assert api.issue_link_token(people[0]).link_token
    api.show_loading_animation(messaging.ShowLoadingAnimationRequest(chatId=people[0], loadingSeconds=5))
    api.mark_messages_as_read(messaging.MarkMessagesAsReadRequest(chat=messaging.ChatReference(userId=people[0])))
    read_token = _read_token(message_id)
    api.mark_messages_as_read_by_token(messaging.MarkMessagesAsReadByTokenRequest(markAsReadToken=read_token))
    api.set_webhook_endpoint(messaging.SetWebhookEndpointRequest(endpoint="https://city.example/hook"))
    assert api.get_webhook_endpoint().endpoint == "https://city.example/hook"
    assert api.test_webhook_endpoint(messaging.TestWebhookEndpointRequest()).success is False


def _read_token(message_id: str) -> str:
    seal = hmac.new(secret().encode(), message_id.encode(), hashlib.sha256).hexdigest()
    return f"{message_id}.{seal[:32]}"


def _menu(name: str) -> object:
    return messaging.RichMenuRequest(
        size=messaging.RichMenuSize(width=2500, height=843),
        selected=True,
        name=name,
        chatBarText="เมนูเมือง",
        areas=[
            messaging.RichMenuArea(
                bounds=messaging.RichMenuBounds(x=0, y=0, width=1250, height=843),
                action=messaging.MessageAction(label="แจ้งเหตุ", text="แจ้งเหตุ"),
            ),
            messaging.RichMenuArea(
                bounds=messaging.RichMenuBounds(x=1250, y=0, width=1250, height=843),
                action=messaging.RichMenuSwitchAction(richMenuAliasId="second", data="switch"),
            ),
        ],
    )


def drive_menus(api: Any, blob: Any, people: list[str]) -> None:
    """A rich menu's whole life: made, drawn, default, of one, of many, by batch, by alias, gone."""
    api.validate_rich_menu_object(_menu("one"))
    one, two = (api.create_rich_menu(_menu(name)).rich_menu_id for name in ("one", "two"))
    for menu in (one, two):
        blob.set_rich_menu_image(menu, body=JPEG, _headers={"Content-Type": "image/jpeg"})
    assert bytes(blob.get_rich_menu_image(one)) == JPEG
    assert api.get_rich_menu(one).name == "one"
    assert [menu.name for menu in api.get_rich_menu_list().richmenus] == ["one", "two"]
    api.set_default_rich_menu(one)
    assert api.get_default_rich_menu_id().rich_menu_id == one
    api.cancel_default_rich_menu()
    api.link_rich_menu_id_to_user(people[0], one)
    assert api.get_rich_menu_id_of_user(people[0]).rich_menu_id == one
    api.unlink_rich_menu_id_from_user(people[0])
    api.link_rich_menu_id_to_users(messaging.RichMenuBulkLinkRequest(richMenuId=one, userIds=people))
    batch = messaging.RichMenuBatchRequest(
        operations=[messaging.RichMenuBatchLinkOperation(**{"from": one, "to": two})]
    )
    api.validate_rich_menu_batch_request(batch)
    headers = api.rich_menu_batch_with_http_info(batch).headers
    assert api.get_rich_menu_batch_progress(headers["x-line-request-id"]).phase in {"ongoing", "succeeded"}
    assert api.get_rich_menu_id_of_user(people[5]).rich_menu_id == two
    api.unlink_rich_menu_id_from_users(messaging.RichMenuBulkUnlinkRequest(userIds=people))
    api.create_rich_menu_alias(messaging.CreateRichMenuAliasRequest(richMenuAliasId="second", richMenuId=one))
    api.update_rich_menu_alias("second", messaging.UpdateRichMenuAliasRequest(richMenuId=two))
    assert api.get_rich_menu_alias("second").rich_menu_id == two
    assert len(api.get_rich_menu_alias_list().aliases) == 1
    api.delete_rich_menu_alias("second")
    api.delete_rich_menu(one)


def drive_extras(standin: Served, api: Any, people: list[str]) -> None:
    """Coupons and memberships."""
    asked = messaging.CouponCreateRequest(
        acquisitionCondition=messaging.NormalAcquisitionConditionRequest(),
        title="ส่วนลดค่าขยะ",
        startTimestamp=1_800_000_000,
        endTimestamp=1_900_000_000,
        maxUseCountPerTicket=1,
        visibility="UNLISTED",
        timezone="ASIA_BANGKOK",
        reward=messaging.CouponDiscountRewardRequest(priceInfo=messaging.DiscountFixedPriceInfoRequest(fixedAmount=10)),
    )
    coupon_id = api.create_coupon(asked).coupon_id
    assert [coupon.coupon_id for coupon in api.list_coupon(status=["RUNNING"]).items] == [coupon_id]
    assert api.get_coupon_detail(coupon_id).title == "ส่วนลดค่าขยะ"
    api.close_coupon(coupon_id)
    plan = {"title": "อาสา", "benefits": ["เสื้อ"], "user_ids": people[:3]}
    number = standin.admin.post("/memberships", json=plan).json()["membership_id"]
    assert api.get_membership_list().memberships[0].member_count == 3
    assert api.get_joined_membership_users(number).user_ids == people[:3]
    assert api.get_membership_subscription(people[1]).subscriptions[0].membership.title == "อาสา"


def drive_audiences(standin: Served, api: Any, blob: Any, people: list[str], folder: Path) -> None:
    """Audiences by JSON, by file, by reading and by tapping; listed, renamed, gone."""
    first = api.create_audience_group(
        audience.CreateAudienceGroupRequest(
            description="zone", audiences=[audience.Audience(id=user_id) for user_id in people[:60]]
        )
    )
    api.add_audience_to_audience_group(
        audience.AddAudienceToAudienceGroupRequest(
            audienceGroupId=first.audience_group_id, audiences=[audience.Audience(id=people[60])]
        )
    )
    for name, ids in (("people.txt", people), ("more.txt", [user(700)])):
        (folder / name).write_text("\n".join(ids))
    second = blob.create_audience_for_uploading_user_ids(str(folder / "people.txt"), description="file")
    blob.add_user_ids_to_audience(str(folder / "more.txt"), audience_group_id=second.audience_group_id)
    request_id = standin.line.post("/v2/bot/message/broadcast", json={"messages": [{"type": "text", "text": "x"}]})
    request_id = request_id.headers["x-line-request-id"]
    url = "https://city.example/"
    tap = {"type": "tap", "subject": request_id, "part": url}
    standin.admin.post(f"/users/{people[0]}/send", json=tap).raise_for_status()
    standin.admin.get(f"/users/{people[0]}/messages").raise_for_status()
    clicked = api.create_click_based_audience_group(
        audience.CreateClickBasedAudienceGroupRequest(description="click", requestId=request_id, clickUrl=url)
    )
    seen = api.create_imp_based_audience_group(
        audience.CreateImpBasedAudienceGroupRequest(description="imp", requestId=request_id)
    )
    api.update_audience_group_description(
        seen.audience_group_id, audience.UpdateAudienceGroupDescriptionRequest(description="readers")
    )
    standin.move_clock(5)
    for group, count in ((first, 61), (second, 121), (clicked, 1), (seen, 1)):
        found = api.get_audience_data(group.audience_group_id).audience_group
        assert (found.audience_count, found.status) == (count, "READY")
    assert api.get_audience_groups(page=1, size=3).has_next_page is True
    assert api.get_shared_audience_groups(page=1).total_count == 0
    assert api.get_shared_audience_data(first.audience_group_id).owner.id
    api.delete_audience_group(first.audience_group_id)


def drive_insight(standin: Served, api: Any) -> None:
    """Figures by day, by request, by unit and by menu."""
    day = _day(standin)
    standin.move_clock(DAY_S)
    assert api.get_number_of_followers(day).followers == 121
    assert api.get_number_of_message_deliveries(day).status == "ready"
    assert api.get_friends_demographics().available is True
    request_id = next(d["request_id"] for d in standin.deliveries() if d["kind"] == "broadcast")
    assert api.get_message_event(request_id).overview.delivered == 120
    assert api.get_statistics_per_unit("zone_1", var_from="20260101", to="20260131").messages == []
    menu = standin.line.get("/v2/bot/richmenu/list").json()["richmenus"][0]["richMenuId"]
    assert api.get_rich_menu_insight_summary(menu, var_from=day, to=day).rich_menu_id == menu
    assert api.get_rich_menu_insight_daily(menu, var_from=day, to=day).rich_menu_id == menu


def drive_apps(api: Any) -> None:
    """A LIFF app's life."""
    view = liff.LiffView(type="full", url="https://city.example/liff")
    liff_id = api.add_liff_app(liff.AddLiffAppRequest(view=view, scope=["openid", "profile"])).liff_id
    api.update_liff_app(liff_id, liff.UpdateLiffAppRequest(description="บ้านของฉัน"))
    assert api.get_all_liff_apps().apps[0].description == "บ้านของฉัน"
    api.delete_liff_app(liff_id)


def drive_tokens(standin: Served, api: Any) -> None:
    """Channel access tokens of all three versions: issued, used, verified, revoked."""
    channel_id = standin.admin.get("/channel").json()["channel_id"]
    short = api.issue_channel_token("client_credentials", channel_id, secret()).access_token
    assert api.verify_channel_token(short).client_id == channel_id
    api.revoke_channel_token(short)
    made = assertion(standin, channel_id)
    long = api.issue_channel_token_by_jwt("client_credentials", ASSERTION_TYPE, made)
    assert api.verify_channel_token_by_jwt(long.access_token).client_id == channel_id
    assert api.gets_all_valid_channel_access_token_key_ids(ASSERTION_TYPE, made).kids == [long.key_id]
    api.revoke_channel_token_by_jwt(channel_id, secret(), long.access_token)
    assert api.gets_all_valid_channel_access_token_key_ids(ASSERTION_TYPE, made).kids == []
    for issued in (
        api.issue_stateless_channel_token_by_client_secret(channel_id, secret()),
        api.issue_stateless_channel_token_by_jwt_assertion(made),
    ):
        bearer = {"Authorization": f"Bearer {issued.access_token}"}
        assert standin.line.get("/v2/bot/info", headers=bearer).status_code == 200


def assertion(standin: Served, channel_id: str) -> str:
    """A JWT signed by a key that the channel has registered."""

    def encoded(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def number(n: int) -> str:
        return encoded(n.to_bytes((n.bit_length() + 7) // 8, "big"))

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_numbers()
    standin.admin.post("/assertion-keys", json={"kid": "k1", "n": number(public.n), "e": number(public.e)})
    now_s = int(datetime.fromisoformat(standin.admin.get("/clock").json()["now"]).timestamp())
    head = {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    claims = {"iss": channel_id, "sub": channel_id, "aud": AUDIENCE, "exp": now_s + 600, "token_exp": 86_400}
    whole = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
    return f"{whole}.{encoded(key.sign(whole.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def test_the_sdk_meets_errors_as_at_line(standin: Served) -> None:
    """A repeated key arrives as 409 with the accepted id, a bad message as 400, a stranger as 404, a token as 401."""
    people = standin.load(2)
    key = str(uuid.uuid4())
    with messaging.ApiClient(messaging.Configuration(host=standin.url, access_token=token())) as client:
        api = messaging.MessagingApi(client)
        push = messaging.PushMessageRequest(to=people[0], messages=texts())
        first = api.push_message_with_http_info(push, x_line_retry_key=key)
        with pytest.raises(messaging.exceptions.ApiException) as repeated:
            api.push_message(push, x_line_retry_key=key)
        with pytest.raises(messaging.exceptions.ApiException) as refused:
            api.push_message(messaging.PushMessageRequest(to=people[0], messages=texts("ก" * 5001)))
        with pytest.raises(messaging.exceptions.NotFoundException):
            api.get_profile(user(77))
    assert repeated.value.status == 409
    assert repeated.value.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    ids = [message["id"] for message in json.loads(repeated.value.body)["sentMessages"]]
    assert ids == [message.id for message in first.data.sent_messages]
    assert json.loads(refused.value.body)["details"][0]["property"] == "messages[0].text"
    wrong = messaging.Configuration(host=standin.url, access_token="wrong")
    with messaging.ApiClient(wrong) as client, pytest.raises(messaging.exceptions.UnauthorizedException):
        messaging.MessagingApi(client).get_bot_info()


def test_the_sdk_names_each_host(standin: Served) -> None:
    """With the prefix of the data host the SDK's content client works, with that of the other it finds nothing."""
    standin.load(1)
    picture = {"type": "image", "content_base64": base64.b64encode(JPEG).decode()}
    message_id = standin.admin.post(f"/users/{user(0)}/send", json=picture).json()["message_id"]
    for prefix, is_found in (("/_data", True), ("/_api", False)):
        host = standin.url + prefix
        with messaging.ApiClient(messaging.Configuration(host=host, access_token=token())) as client:
            blob = messaging.MessagingApiBlob(client)
            if is_found:
                assert bytes(blob.get_message_content(message_id)) == JPEG
            else:
                with pytest.raises(messaging.exceptions.NotFoundException):
                    blob.get_message_content(message_id)
