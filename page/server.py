"""The live page's server: ``weblake run page``. It answers with what the marts show, and writes nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lake.contracts import FORMER_REASONS, REJECT_REASONS
from lake.errors import WeblakeError
from lake.reject_advice import advice_for
from lake.settings import Settings
from page.access import LOGIN, Door, Sessions, hosts, log_in
from page.answers import Answers, Question, to_json
from page.lookout import Lookout
from page.marts import AwayError, Marts, SlowError
from page.panels import PANELS
from page.suspect import Suspects
from page.view import ViewError, read_view

STATIC = Path(__file__).parent / "static"
BEAT_SECONDS = 15.0
TIDY_SECONDS = 30.0
LIVE = "no-cache"
"""To be asked again each time: the tag says whether it still holds."""
SHUTDOWN_SECONDS = 2

log = logging.getLogger(__name__)


def build_app(settings: Settings) -> Starlette:
    """Return the page as an ASGI application."""
    marts = Marts(settings)
    sessions = Sessions(settings.outlook.page_asks_for)

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        lookout = Lookout(marts)
        app.state.lookout = lookout
        app.state.answers = Answers(marts, lookout, settings.outlook.site_timezone)
        app.state.suspects = Suspects(settings, marts)
        tidying = asyncio.create_task(_tidy(marts))
        yield
        tidying.cancel()
        marts.close_idle(0.0)

    routes = [
        Route("/", _page),
        Route(LOGIN, _login_form),
        Route(LOGIN, log_in, methods=["POST"]),
        Route("/events", _events),
        Route("/api/about", _about),
        Route("/api/suspect", _suspect),
        Route("/api/lines", _lines),
        Route("/api/{panel}", _panel),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    door = Middleware(Door, names=hosts(settings.outlook), sessions=sessions)
    handlers = {ViewError: _refuse, AwayError: _refuse, SlowError: _refuse, WeblakeError: _refuse}
    app = Starlette(routes=routes, middleware=[door], lifespan=life, exception_handlers=handlers)
    app.state.settings = settings
    app.state.sessions = sessions
    return app


def serve(settings: Settings) -> None:
    """Answer browsers at ``PAGE_HOST`` and ``PAGE_PORT`` until the process is told to stop."""
    log.info("the page is at %s", settings.outlook.page_address)
    build_server(settings).run()


def build_server(settings: Settings) -> uvicorn.Server:
    """Return the page's server, which does not listen yet."""
    config = uvicorn.Config(
        build_app(settings),
        host=settings.outlook.page_host,
        port=settings.outlook.page_port,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)


async def _tidy(marts: Marts) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        marts.close_idle()


async def _page(_: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"cache-control": LIVE})


async def _login_form(_: Request) -> Response:
    return FileResponse(STATIC / "login.html", headers={"cache-control": "no-store"})


async def _about(request: Request) -> Response:
    settings: Settings = request.app.state.settings
    content = {
        "zone": settings.outlook.site_timezone,
        "panels": {panel.name: panel.title for panel in PANELS.values()},
        "advice": {reason: advice_for(reason) for reason in (*REJECT_REASONS, *FORMER_REASONS)},
        "is_guarded": not request.app.state.sessions.is_open,
    }
    return _json(to_json(content))


async def _panel(request: Request) -> Response:
    name, dot, form = request.path_params["panel"].partition(".")
    panel = PANELS.get(name)
    if panel is None or (dot and form != "csv"):
        return _json(to_json({"error": "there is no such panel"}), 404)
    question = Question(panel, read_view(request.query_params), is_csv=bool(dot))
    answers: Answers = request.app.state.answers
    known = request.headers.get("if-none-match", "")
    if known and known.removeprefix("W/") == await answers.tag(question):
        return Response(status_code=304, headers={"etag": known, "cache-control": LIVE})
    answer = await answers.answer(question)
    headers = {"etag": answer.tag, "cache-control": LIVE}
    if not question.is_csv:
        return _json(answer.body, headers=headers)
    headers["content-disposition"] = f'attachment; filename="{panel.name}.csv"'
    return Response(answer.body, headers=headers, media_type="text/csv; charset=utf-8")


async def _suspect(request: Request) -> Response:
    suspects: Suspects = request.app.state.suspects
    return _json(to_json(await suspects.describe(request.query_params.get("client", ""))))


async def _lines(request: Request) -> Response:
    suspects: Suspects = request.app.state.suspects
    return _json(to_json(await suspects.lines(request.query_params.get("client", ""))))


async def _events(request: Request) -> Response:
    lookout: Lookout = request.app.state.lookout

    async def events() -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        seen = None
        async with lookout.watching():
            await lookout.look()
            while True:
                news = await lookout.newer_than(seen, BEAT_SECONDS)
                if news is None:
                    yield b"event: beat\ndata: {}\n\n"
                else:
                    yield b"event: stand\ndata: " + to_json(news.as_json()) + b"\n\n"
                    seen = news

    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(events(), media_type="text/event-stream", headers=headers)


async def _refuse(_: Request, error: Exception) -> Response:
    return _json(to_json({"error": str(error)}), 400 if isinstance(error, ViewError) else 503)


def _json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, "application/json")
