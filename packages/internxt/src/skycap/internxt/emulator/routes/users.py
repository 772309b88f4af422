"""`/drive/users`: fresh tokens, what is used and what may be."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from skycap.internxt.emulator import accounts
from skycap.internxt.emulator.routes.auth import allow_platform
from skycap.internxt.emulator.services import Here, SignedIn, answer, platform_of

router = APIRouter(prefix="/users")


@router.get("/cli/refresh")
def cli_refresh(request: Request, here: SignedIn) -> Response:
    """Fresh tokens for a command line, if the tier still lets it in."""
    platform = platform_of(request.headers)
    allow_platform(here.services, platform)
    return _refreshed(here, platform)


@router.get("/refresh")
def refresh(here: SignedIn) -> Response:
    """Fresh tokens for the web application."""
    return _refreshed(here, None)


@router.get("/usage")
def usage(here: SignedIn) -> Response:
    """Bytes of files, the trash and versions included."""
    with here.services.database.reading() as db:
        files = db.execute(
            "SELECT coalesce(sum(size), 0) FROM files WHERE account = ? AND status <> 'DELETED'",
            (here.account["id"],),
        ).fetchone()[0]
        versions = db.execute(
            "SELECT coalesce(sum(versions.size), 0) FROM versions JOIN files ON files.uuid = versions.file"
            " WHERE account = ?",
            (here.account["id"],),
        ).fetchone()[0]
    total = files + versions
    return answer({"drive": total, "backup": 0, "mail": 0, "total": total})


@router.get("/limit")
def limit(here: SignedIn) -> Response:
    """The bytes that the account may hold."""
    return answer({"maxSpaceBytes": here.services.settings.quota})


@router.get("/me/upload-status")
def upload_status(here: SignedIn) -> Response:
    """Whether this account ever had a file."""
    with here.services.database.reading() as db:
        row = db.execute("SELECT 1 FROM files WHERE account = ? LIMIT 1", (here.account["id"],)).fetchone()
    return answer({"hasUploadedFiles": row is not None})


def _refreshed(here: Here, platform: str | None) -> Response:
    services, lifetime = here.services, here.services.settings.refresh_lifetime_s
    with services.database.transaction() as db:
        new = services.tokens.login(db, here.account, lifetime, platform)
    old = services.tokens.old_login(here.account, lifetime)
    return answer(
        {"user": accounts.user_object(here.account), "oldToken": old, "token": old, "newToken": new}
    )
