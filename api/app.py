"""The application: every router in its place, problems, headers, live news."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from starlette.middleware.gzip import GZipMiddleware

from api import metrics, problems, security, static
from api.deps import REQUESTS_AT_ONCE
from api.live import Broadcaster
from api.ogc import OpenData
from api.openapi import DescribedApi, operation_id
from api.routes import (
    after,
    alert_policy,
    alerts,
    answers,
    cameras,
    cap_feed,
    channels,
    chat,
    city,
    contacts,
    escalations,
    exporting,
    feeds,
    flood,
    gauges,
    group_calls,
    health,
    inbox,
    inbox_deeds,
    incidents,
    jobs,
    leaders,
    line_webhook,
    live,
    merging,
    notes,
    nowcast,
    open311,
    open_incidents,
    outside,
    outside_table,
    overview,
    partners,
    people,
    pictures,
    places,
    promises,
    public,
    rasters,
    redaction,
    refused,
    report,
    resident,
    rollcall,
    rules,
    sensorthings,
    session,
    templates,
    tiles,
    track,
    traffy,
)

PREFIX = "/api/v1"
ROUTERS = (
    session.router,
    overview.router,
    public.router,
    open_incidents.router,
    city.router,
    tiles.router,  # Before /incidents/{incident_id}.
    exporting.router,  # As well.
    places.router,
    gauges.router,
    nowcast.router,
    rules.router,
    feeds.router,
    refused.router,
    cameras.router,
    flood.router,
    rasters.router,
    alert_policy.router,
    alerts.router,
    templates.router,
    rollcall.router,
    after.router,
    outside.router,
    outside_table.router,
    channels.router,
    incidents.router,
    inbox.router,
    inbox_deeds.router,
    contacts.router,
    promises.router,
    merging.router,
    notes.router,
    partners.router,
    redaction.router,
    jobs.router,
    people.router,
    answers.router,
    chat.router,
    group_calls.router,
    leaders.router,
    escalations.router,
    resident.router,
    live.router,
)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = REQUESTS_AT_ONCE
    broadcaster: Broadcaster = app.state.live
    broadcaster.start()
    yield
    await broadcaster.stop()
    await app.state.open_data.close()


def _to_open_data(request: Request) -> RedirectResponse:
    """The landing page has a slash at its end, so that its links work."""
    return RedirectResponse(f"{request.url.path}/", status_code=308)


def create_app() -> FastAPI:
    """The API with its screens, ready to be served."""
    app = DescribedApi(
        title="Faonam API",
        summary="Floods, alerts, incidents and crews of one Thai municipality",
        description=(
            "Sign in at POST /api/v1/session; changes carry the X-CSRF-Token that it answers. "
            "Errors are RFC 9457 problem documents. Places are WGS 84 longitude and latitude, times are UTC. "
            "Open311 GeoReport v2 is served at /open311/v2/, its discovery at /open311/discovery.xml and .json."
        ),
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # The usual pages load scripts from a content network; nothing here needs the internet.
        redoc_url=None,
        generate_unique_id_function=operation_id,
        lifespan=_lifespan,
    )
    app.state.live = Broadcaster()
    app.state.public_water = public.SameAnswer()
    app.state.open_data = OpenData()
    app.state.open_incidents = open_incidents.RecentAnswers()
    problems.add_problems(app)
    sensorthings.add_problems(app)
    # The last one added is the outermost.
    app.add_middleware(security.CatchAll)
    app.add_middleware(security.BodyLimit)
    app.add_middleware(security.SecurityHeaders)
    # Maps and pictures of the flood shrink to a quarter on a crew's phone; starlette leaves event streams alone.
    app.add_middleware(GZipMiddleware, minimum_size=4096, compresslevel=4)
    app.add_middleware(metrics.Timed)
    app.include_router(health.router)
    app.include_router(line_webhook.router)
    app.include_router(open311.router)
    app.include_router(report.router)
    app.include_router(cap_feed.router)
    app.include_router(track.router)
    app.include_router(pictures.router)
    app.include_router(traffy.router)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(sensorthings.router)
    app.add_api_route("/ogc", _to_open_data, include_in_schema=False)
    app.mount("/ogc", app.state.open_data)
    app.include_router(static.router)
    return app
