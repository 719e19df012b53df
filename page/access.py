"""Who is let in: browsers that ask for this page by its own name, and know the password if there is one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lake.outlook import Outlook

OURS = ("127.0.0.1", "localhost", "[::1]")
COOKIE = "weblake_page"
SESSION_SECONDS = 7 * 86_400
LOGIN = "/login"
OPEN = (LOGIN, "/static/style.css", "/static/frame.css", "/static/login.js", "/static/icon.svg")
"""What is shown to those who have not said the password yet."""
WRONG_SECONDS = 1.0
LONGEST_FORM = 4_096


def hosts(outlook: Outlook) -> frozenset[str]:
    """Return the names by which browsers may ask for the page, in small letters and without ports."""
    named = (name.strip().lower() for name in outlook.page_allowed_hosts.split(","))
    return frozenset({*OURS, *(name for name in named if name)})


def host_name(header: str) -> str:
    """Return the name in a ``Host`` header, without the port."""
    name = header.strip().lower()
    return name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]


def is_encrypted(headers: Headers) -> bool:
    """Say whether a proxy has taken the request over TLS, by its own word."""
    return headers.get("x-forwarded-proto", "") == "https"


class Sessions:
    """The sessions of those who know the password. They need no memory here, so they outlive a restart."""

    def __init__(self, password: str) -> None:
        """Let everybody in if ``password`` is empty."""
        self._password = password
        self._secret = hashlib.scrypt(password.encode(), salt=b"weblake page", n=2**14, r=8, p=1)
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether there is no password."""
        return not self._password

    def knows(self, cookies: str) -> bool:
        """Say whether the ``Cookie`` header has a session that holds."""
        if self.is_open:
            return True
        try:
            morsel = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return False
        until, _, _ = (morsel.value if morsel else "").partition(".")
        is_ours = hmac.compare_digest((morsel.value if morsel else "").encode(), self._token(until).encode())
        return is_ours and until.isdigit() and int(until) > time.time()

    async def begin(self, password: str) -> str | None:
        """Return a new session; None for a wrong password, which takes a second, one after the other."""
        async with self._turn:
            if not hmac.compare_digest(password.encode(), self._password.encode()):
                await asyncio.sleep(WRONG_SECONDS)
                return None
        return self._token(str(int(time.time()) + SESSION_SECONDS))

    def _token(self, until: str) -> str:
        return f"{until}.{hmac.new(self._secret, until.encode(), 'sha256').hexdigest()}"


async def log_in(request: Request) -> Response:
    """Answer the form with the password: with a session and the page, or with the form again."""
    sessions: Sessions = request.app.state.sessions
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM:
            return PlainTextResponse("that is no password\n", 413)
    (password,) = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[:1]
    session = await sessions.begin(password)
    if session is None:
        return RedirectResponse(f"{LOGIN}?wrong=1", 303)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE,
        session,
        max_age=SESSION_SECONDS,
        secure=is_encrypted(request.headers),
        httponly=True,
        samesite="strict",
    )
    return answer


class Door:
    """Refuses other hosts, asks for the password, and tells browsers to load nothing from elsewhere."""

    def __init__(self, app: ASGIApp, names: frozenset[str], sessions: Sessions) -> None:
        """Stand before ``app``."""
        self._app = app
        self._names = names
        self._sessions = sessions
        framers = " ".join(sorted(name for name in names if name not in OURS))
        self._headers = {
            "content-security-policy": (
                "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; "
                f"frame-ancestors 'self' {framers}".strip()
            ),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-resource-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_closed)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        name = host_name(headers.get("host", ""))
        if name not in self._names:
            return PlainTextResponse(
                "This page is not asked for by that name. If it should be, add the name to PAGE_ALLOWED_HOSTS, and run "
                "`make up`.\n",
                421,
            )
        if scope["path"] in OPEN or self._sessions.knows(headers.get("cookie", "")):
            return None
        if "text/html" in headers.get("accept", ""):
            return RedirectResponse(LOGIN, 303)
        return PlainTextResponse("say the password first, at /login\n", 401)
