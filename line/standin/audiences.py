"""Audiences: lists of people that a narrowcast may name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from line.standin import byhand
from line.standin.checks import USER_ID
from line.standin.operations import Call, Operation, Reply, faulty, refusal
from line.standin.rates import PER_MINUTE_60
from line.standin.schemas import Fault

if TYPE_CHECKING:
    from line.standin.world import World

AUDIENCES_LIMIT = 1000
JOBS_AT_ONCE, JOBS_SHOWN = 10, 50
BY_JSON_LIMIT, BY_FILE_LIMIT = 10_000, 1_500_000
FILE_LIMIT_BYTES = 60_000_000
WORKING_S = 2.0  # LINE publishes no times.
LIFE_S = 180 * 86_400.0
NOT_FOUND = "NOT_FOUND"
_INVALID = "Invalid user ID"


def ids_faults(body: dict[str, Any]) -> list[Fault]:
    """What LINE's rules hold against the users of an upload: well-formed ids, 10,000 at most."""
    audiences = body.get("audiences", [])
    if not isinstance(audiences, list):
        return [Fault("Must be a list", "audiences")]
    if len(audiences) > BY_JSON_LIMIT:
        return [Fault(f"Size must be between 0 and {BY_JSON_LIMIT}", "audiences")]
    if body.get("isIfaAudience"):
        return [
            Fault("May not be empty", f"audiences[{i}].id")
            for i, person in enumerate(audiences)
            if not isinstance(person, dict) or not isinstance(person.get("id"), str)
        ]
    return [
        Fault(_INVALID, f"audiences[{i}].id")
        for i, person in enumerate(audiences)
        if not isinstance(person, dict) or not USER_ID.fullmatch(str(person.get("id")))
    ]


def named_faults(body: dict[str, Any]) -> list[Fault]:
    """An audience needs a name."""
    return _name_faults(body) + ids_faults(body)


def _name_faults(body: dict[str, Any]) -> list[Fault]:
    name = body.get("description")
    if not isinstance(name, str) or not name.strip():
        return [Fault("May not be empty", "description")]
    return [Fault("Length must be between 1 and 120", "description")] if len(name) > 120 else []


def update_faults(body: dict[str, Any]) -> list[Fault]:
    """An upload to an audience names it."""
    missing = [] if isinstance(body.get("audienceGroupId"), int) else [Fault("May not be empty", "audienceGroupId")]
    return missing + ids_faults(body)


def by_request_faults(body: dict[str, Any]) -> list[Fault]:
    """An audience of readers or tappers names the request whose readers they are."""
    rules = byhand.every(_name_faults, byhand.needs(requestId=str), byhand.may_have(clickUrl=str))
    return list(rules(body))


def _new(world: World, kind: str, description: str, **more: Any) -> dict[str, Any] | Reply:
    things = world.store.things
    if things.count("audience") >= AUDIENCES_LIMIT:
        return refusal(400, "AUDIENCE_GROUP_COUNT_MAX_OVER")
    if any(a["description"].casefold() == description.casefold() for a in things.every("audience")):
        return refusal(400, "AUDIENCE_GROUP_NAME_ALREADY_EXISTS")
    audience_id = 4_000_000_000_000 + things.next_number()
    created_s = int(world.platform.aged_s())
    audience = {
        "audienceGroupId": audience_id, "type": kind, "description": description, "created": created_s,
        "createRoute": "MESSAGING_API", "permission": "READ_WRITE", "isIfaAudience": False, **more,
    }
    things.put("audience", str(audience_id), audience)
    return audience


def _created(audience: dict[str, Any]) -> Reply:
    until = {"expireTimestamp": audience["created"] + int(LIFE_S)} if audience["type"] != "IMP" else {}
    names = ["audienceGroupId", "type", "description", "created", "requestId", "clickUrl"]
    if audience["type"] != "IMP":
        names += ["createRoute", "permission", "isIfaAudience"]
    return Reply(202, {name: audience[name] for name in names if name in audience} | until)


def _upload(world: World, body: dict[str, Any], ids: Iterable[str]) -> Reply:
    audience = _new(world, "UPLOAD", body["description"], isIfaAudience=bool(body.get("isIfaAudience", False)))
    if isinstance(audience, Reply):
        return audience
    audience_id = str(audience["audienceGroupId"])
    world.store.things.join("audience", audience_id, ids)
    _add_job(world, audience_id, body.get("uploadDescription"), world.store.things.size("audience", audience_id))
    return _created(audience)


def create(world: World, call: Call) -> Reply:
    """An audience of these users."""
    return _upload(world, call.body, [person["id"] for person in call.body.get("audiences", ())])


def _add_job(world: World, audience_id: str, description: str | None, count: int) -> None:
    number = world.store.things.next_number()
    job = {
        "audienceGroupJobId": number, "audienceGroupId": int(audience_id), "description": description or "",
        "type": "DIFF_ADD", "audienceCount": count, "created": int(world.platform.aged_s()),
        "accepted_s": world.platform.aged_s(),
    }
    world.store.things.put("audience_job", str(number), job)


def _jobs(world: World, audience_id: str) -> list[dict[str, Any]]:
    return [j for j in world.store.things.every("audience_job") if str(j["audienceGroupId"]) == audience_id]


def _is_at_work(world: World, job: dict[str, Any]) -> bool:
    return bool(world.platform.aged_s() - job["accepted_s"] < WORKING_S)


def _add(world: World, audience_id: str, description: str | None, ids: list[str]) -> Reply:
    audience = world.store.things.get("audience", audience_id)
    if audience is None or audience["type"] != "UPLOAD":
        return refusal(400, "AUDIENCE_GROUP_NOT_FOUND" if audience is None else "WRONG_AUDIENCE_GROUP_TYPE")
    if _is_expired(world, audience):
        return refusal(400, "AUDIENCE_GROUP_EXPIRED")
    if sum(_is_at_work(world, job) for job in _jobs(world, audience_id)) >= JOBS_AT_ONCE:
        return refusal(400, "TOO_MANY_JOBS")
    world.store.things.join("audience", audience_id, ids)
    _add_job(world, audience_id, description, len(ids))
    return Reply(202, {})


def add(world: World, call: Call) -> Reply:
    """These users are in the audience too."""
    ids = [person["id"] for person in call.body.get("audiences", ())]
    return _add(world, str(call.body["audienceGroupId"]), call.body.get("uploadDescription"), ids)


def _ids_of_file(body: dict[str, Any]) -> list[str] | Reply:
    raw = body.get("file")
    if raw is None:
        return faulty(Fault("May not be empty", "file"))
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    ids = [line.strip() for line in text.splitlines() if line.strip()]
    if not ids:
        return faulty(Fault("May not be empty", "file"))
    if len(ids) > BY_FILE_LIMIT:
        return faulty(Fault(f"Size must be between 1 and {BY_FILE_LIMIT}", "file"))
    if str(body.get("isIfaAudience", "false")).lower() != "true" and not all(map(USER_ID.fullmatch, ids)):
        return faulty(Fault(_INVALID, "file"))
    return ids


def create_by_file(world: World, call: Call) -> Reply:
    """An audience of the users in the file, one id a line."""
    ids = _ids_of_file(call.body)
    if isinstance(ids, Reply):
        return ids
    wrong = _name_faults(call.body)
    if wrong:
        return faulty(*wrong)
    is_ifa = str(call.body.get("isIfaAudience", "false")).lower() == "true"
    return _upload(world, call.body | {"isIfaAudience": is_ifa}, ids)


def add_by_file(world: World, call: Call) -> Reply:
    """The users in the file are in the audience too."""
    ids = _ids_of_file(call.body)
    if isinstance(ids, Reply):
        return ids
    return _add(world, str(call.body.get("audienceGroupId")), call.body.get("uploadDescription"), ids)


def _by_request(world: World, call: Call, kind: str) -> Reply:
    request = world.store.figures.request(call.body["requestId"])
    if request is None or request["kind"] not in {"broadcast", "narrowcast"}:
        return refusal(400, "REQUEST_NOT_FOUND")
    url = call.body.get("clickUrl")
    more = {"requestId": call.body["requestId"]} | ({"clickUrl": url} if url else {})
    audience = _new(world, kind, call.body["description"], **more)
    if isinstance(audience, Reply):
        return audience
    figures = world.store.figures
    if kind == "IMP":
        people = figures.readers([request["no"]])
    else:
        parts = [url] if url else sorted({part for part, _, _ in figures.taps(request["request_id"])})
        people = [user_id for part in parts for user_id in figures.tappers(request["request_id"], part)]
    world.store.things.join("audience", str(audience["audienceGroupId"]), people)
    return _created(audience)


def create_by_click(world: World, call: Call) -> Reply:
    """An audience of those who tapped an address in the request's messages."""
    return _by_request(world, call, "CLICK")


def create_by_impression(world: World, call: Call) -> Reply:
    """An audience of those who saw the request's messages."""
    return _by_request(world, call, "IMP")


def rename(world: World, call: Call) -> Reply:
    """The audience has another name."""
    found = world.store.things.get("audience", call.path["audienceGroupId"])
    if found is None:
        return refusal(404, NOT_FOUND)
    world.store.things.put("audience", call.path["audienceGroupId"], found | {"description": call.body["description"]})
    return Reply(200, {})


def delete(world: World, call: Call) -> Reply:
    """The audience is gone."""
    for job in _jobs(world, call.path["audienceGroupId"]):
        world.store.things.remove("audience_job", str(job["audienceGroupJobId"]))
    is_gone = world.store.things.remove("audience", call.path["audienceGroupId"])
    return Reply(200, {}) if is_gone else refusal(404, NOT_FOUND)


def _is_expired(world: World, audience: dict[str, Any]) -> bool:
    return bool(world.platform.aged_s() - audience["created"] > LIFE_S)


def _shown(world: World, audience: dict[str, Any]) -> dict[str, Any]:
    audience_id = str(audience["audienceGroupId"])
    is_working = world.platform.aged_s() - audience["created"] < WORKING_S
    status = "EXPIRED" if _is_expired(world, audience) else "IN_PROGRESS" if is_working else "READY"
    return audience | {"status": status, "audienceCount": world.store.things.size("audience", audience_id)}


def _shown_job(world: World, job: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in job.items() if name != "accepted_s"}
    return shown | {"jobStatus": "WORKING" if _is_at_work(world, job) else "FINISHED"}


def show(world: World, call: Call) -> Reply:
    """The audience and its newest jobs."""
    found = world.store.things.get("audience", call.path["audienceGroupId"])
    if found is None:
        return refusal(404, NOT_FOUND)
    jobs = [_shown_job(world, job) for job in _jobs(world, call.path["audienceGroupId"])]
    return Reply(200, {"audienceGroup": _shown(world, found), "jobs": jobs[::-1][:JOBS_SHOWN]})


def show_shared(world: World, call: Call) -> Reply:
    """As before, with the account that owns it."""
    reply = show(world, call)
    owner = {"serviceType": "LINE_OFFICIAL_ACCOUNT", "id": "@faonam", "name": "เฝ้าน้ำ"}
    return reply if reply.status != 200 else Reply(200, reply.body | {"owner": owner})


def list_audiences(world: World, call: Call) -> Reply:
    """Audiences, the newest first, a page at a time."""
    return _page(world, call, [_shown(world, a) for a in world.store.things.every("audience")[::-1]])


def list_shared(world: World, call: Call) -> Reply:
    """Audiences that other accounts share: none here, but one's own where they are asked for."""
    own = call.asked("includesOwnedAudienceGroups").lower() == "true"
    return _page(world, call, [_shown(world, a) for a in world.store.things.every("audience")[::-1]] if own else [])


def _page(world: World, call: Call, audiences: list[dict[str, Any]]) -> Reply:
    page, size = call.number("page", 0, most=10**6), call.number("size", 20, most=40)
    words = call.asked("description").casefold()
    for name in ("status", "createRoute"):
        if call.asked(name):
            audiences = [a for a in audiences if a[name] == call.asked(name)]
    found = [a for a in audiences if words in a["description"].casefold()]
    return Reply(
        200,
        {
            "audienceGroups": found[(page - 1) * size : page * size],
            "hasNextPage": len(found) > page * size,
            "totalCount": len(found),
            "readWriteAudienceGroupTotalCount": len(found),
            "page": page,
            "size": size,
        },
    )


_PATH = "/v2/bot/audienceGroup"


def _operation(method: str, path: str, name: str, answer: Any, **more: Any) -> Operation:
    return Operation(method, _PATH + path, name, answer, PER_MINUTE_60, **more)


OPERATIONS = [
    _operation("POST", "/upload", "createAudienceGroup", create, takes="json", by_hand=named_faults),
    _operation("PUT", "/upload", "addAudienceToAudienceGroup", add, takes="json", by_hand=update_faults),
    _operation("POST", "/upload/byFile", "createAudienceForUploadingUserIds", create_by_file, takes="upload",
               limit_bytes=FILE_LIMIT_BYTES, is_on_data_host=True),
    _operation("PUT", "/upload/byFile", "addUserIdsToAudience", add_by_file, takes="upload",
               limit_bytes=FILE_LIMIT_BYTES, is_on_data_host=True),
    _operation("POST", "/click", "createClickBasedAudienceGroup", create_by_click, takes="json",
               by_hand=by_request_faults),
    _operation("POST", "/imp", "createImpBasedAudienceGroup", create_by_impression, takes="json",
               by_hand=by_request_faults),
    _operation("GET", "/list", "getAudienceGroups", list_audiences),
    _operation("GET", "/shared/list", "getSharedAudienceGroups", list_shared),
    _operation("GET", "/shared/{audienceGroupId}", "getSharedAudienceData", show_shared),
    _operation("PUT", "/{audienceGroupId}/updateDescription", "updateAudienceGroupDescription", rename, takes="json",
               by_hand=_name_faults),
    _operation("GET", "/{audienceGroupId}", "getAudienceData", show),
    _operation("DELETE", "/{audienceGroupId}", "deleteAudienceGroup", delete),
]
