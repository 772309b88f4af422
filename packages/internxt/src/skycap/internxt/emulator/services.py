"""What every route has at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response

from skycap.internxt.emulator import accounts
from skycap.internxt.emulator.checking import time_text
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.links import Links
from skycap.internxt.emulator.objects import Objects
from skycap.internxt.emulator.settings import Settings
from skycap.internxt.emulator.store.database import Database
from skycap.internxt.emulator.tokens import Tokens

if TYPE_CHECKING:
    import sqlite3

    from skycap.internxt.emulator.accounts import Login
    from skycap.internxt.emulator.faults import Fault, Faults
    from skycap.internxt.emulator.request_log import RequestLog
    from skycap.internxt.emulator.starts import Starts


@dataclass(frozen=True)
class Beginning:
    """What it was started with."""

    settings: Settings
    logins: tuple[Login, ...]
    faults: tuple[Fault, ...]

    def password(self, email: str) -> str | None:
        """The clear password of an account of the command line, for the login page that asks for none."""
        return next((login.password for login in self.logins if login.email == email), None)


@dataclass
class Services:
    """The parts of one emulator."""

    settings: Settings
    database: Database
    objects: Objects
    tokens: Tokens
    links: Links
    faults: Faults
    log: RequestLog
    starts: Starts
    beginning: Beginning

    def now_text(self) -> str:
        """The time, as the server writes it."""
        return time_text(self.settings.now())


@dataclass(frozen=True)
class Here:
    """One request of somebody who is logged in."""

    services: Services
    account: sqlite3.Row
    jti: str


def services_of(request: Request) -> Services:
    """The emulator that a request came to."""
    found: Services = request.app.state.services
    return found


def base_url(request: Request) -> str:
    """What absolute links begin with."""
    configured = services_of(request).settings.public_url
    return (configured or f"{request.url.scheme}://{request.headers.get('host', 'localhost')}").rstrip("/")


async def signed_in(request: Request) -> Here:
    """Who sent this request, by its `newToken`; else 401."""
    services = services_of(request)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        with services.database.reading() as db:
            found = services.tokens.account(db, token.strip())
        if found is not None:
            return Here(services, *found)
    raise Refused(401, "Unauthorized")


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object in a body; empty if the body is not said to be JSON, as the real server takes it."""
    if "json" not in request.headers.get("content-type", ""):
        return {}
    raw = await request.body()
    if not raw:
        return {}
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise Refused(400, f"Unexpected token in JSON: {error}") from error
    return found if isinstance(found, dict) else {}


async def query_of(request: Request) -> dict[str, str]:
    """The query; of a name that comes twice, the last."""
    return dict(request.query_params)


async def all_services(request: Request) -> Services:
    """The same as `services_of`, for a route's signature."""
    return services_of(request)


async def base(request: Request) -> str:
    """The same as `base_url`."""
    return base_url(request)


SignedIn = Annotated[Here, Depends(signed_in)]
Body = Annotated[dict[str, Any], Depends(json_body)]
Query = Annotated[dict[str, str], Depends(query_of)]
AllServices = Annotated[Services, Depends(all_services)]
Base = Annotated[str, Depends(base)]


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return JSONResponse(value, status)


def empty(status: int = 200) -> Response:
    """An answer without a body."""
    return Response(status_code=status)


def platform_of(headers: Mapping[str, str]) -> str:
    """What a client counts as on the routes of the command line: `cli`, or for anybody else `rclone`."""
    return "cli" if headers.get("internxt-client") in {"internxt-cli", "@internxt/cli"} else "rclone"


def user_of(services: Services, account_id: int) -> dict[str, Any]:
    """The user object, freshly read."""
    with services.database.reading() as db:
        return accounts.user_object(accounts.by_id(db, account_id))
