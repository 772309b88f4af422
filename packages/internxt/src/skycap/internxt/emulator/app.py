"""The application: all routes below one base, and refusals in the form of the server that refuses."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from skycap.core.state import make_private_folder
from skycap.internxt.emulator import accounts
from skycap.internxt.emulator.accounts import Login
from skycap.internxt.emulator.errors import NetworkRefused, Refused, no_route
from skycap.internxt.emulator.faults import Fault, Faults
from skycap.internxt.emulator.front import Front
from skycap.internxt.emulator.links import Links
from skycap.internxt.emulator.objects import Objects
from skycap.internxt.emulator.request_log import RequestLog
from skycap.internxt.emulator.routes import (
    admin,
    auth,
    buckets,
    changes,
    files,
    folders,
    listings,
    paths,
    public,
    search,
    sharings,
    trash,
    trees,
    uploads,
    users,
    versions,
    web,
    workspaces,
)
from skycap.internxt.emulator.routes.housekeeping import keep_house
from skycap.internxt.emulator.services import Beginning, Services
from skycap.internxt.emulator.settings import Settings
from skycap.internxt.emulator.starts import Starts
from skycap.internxt.emulator.store.database import Database
from skycap.internxt.emulator.tokens import Tokens

DRIVE = (
    *(auth, users, workspaces, paths, changes, listings, trees, folders, versions, files),
    *(trash, search, sharings, public),
)
"""In this order: a fixed word in a path comes before a uuid in its place."""
NETWORK = (uploads, buckets)
_HOUSEKEEPING_S = 0.5


def open_services(settings: Settings, logins: list[Login], faults: list[Fault]) -> Services:
    """The parts of an emulator over its data folder; `close` its database in the end."""
    make_private_folder(str(settings.data))
    database = Database(settings.data / "emulator.sqlite")
    for login in logins:
        accounts.ensure(database, login, settings.now())
    return Services(
        settings,
        database,
        Objects(settings.data / "objects", database),
        Tokens(database, settings),
        Links(database, settings),
        Faults(faults),
        RequestLog(),
        Starts(settings),
        Beginning(dataclasses.replace(settings), tuple(logins), tuple(faults)),
    )


def build(services: Services) -> Front:
    """The ASGI application."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keeping = asyncio.create_task(_keep_house(services))
        yield
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping

    app = FastAPI(openapi_url=None, redirect_slashes=False, lifespan=lifespan)
    app.state.services = services
    for prefix, modules in (("/drive", DRIVE), ("/network", NETWORK)):
        below = APIRouter(prefix=prefix)
        for module in modules:
            below.include_router(module.router)
        app.include_router(below)
    app.include_router(web.router)
    app.include_router(admin.router)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(NetworkRefused, _refused)
    app.add_exception_handler(404, _unknown)
    app.add_exception_handler(405, _unknown)
    return Front(services, app)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused | NetworkRefused)  # noqa: S101
    return JSONResponse(error.body, error.status, headers=error.headers)


async def _unknown(request: Request, _: Exception) -> Response:
    path = request.url.path
    if path.startswith("/drive"):
        query = f"?{request.url.query}" if request.url.query else ""
        refusal = no_route(request.method, path.removeprefix("/drive") + query)
        return JSONResponse(refusal.body, 404)
    return JSONResponse({"error": "Not Found"}, 404)


async def _keep_house(services: Services) -> None:
    while True:
        await asyncio.sleep(_HOUSEKEEPING_S)
        await asyncio.to_thread(keep_house, services)
