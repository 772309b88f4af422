"""`/web`: the login page that hands a command line its session, and the page of a share link."""

from __future__ import annotations

import base64
import binascii
import html
import uuid
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from skycap.internxt.emulator import accounts, ciphers
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.routes.auth import try_login
from skycap.internxt.emulator.services import AllServices, Query, Services, services_of
from skycap.internxt.emulator.store import files, folders, sharings

router = APIRouter(prefix="/web")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@router.get("/login")
def login_page(services: AllServices, query: Query) -> Response:
    """The form; with `account=EMAIL` of the command line no form, but at once what it leads to."""
    callback = _callback(query.get("redirectUri", ""))
    email = query.get("account", "").lower()
    if email:
        password = services.beginning.password(email)
        if password is None:
            return _page("Login", "There is no such account.", 401)
        with services.database.reading() as db:
            account = accounts.by_email(db, email)
        assert account is not None  # noqa: S101 - those of the command line are always there
        return _back(services, account["email"], password, callback)
    return _form(query.get("redirectUri", ""))


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Take the form."""
    services = services_of(request)
    given = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    callback = _callback(given.get("redirectUri", ""))
    email, password = given.get("email", "").lower(), given.get("password", "")
    with services.database.reading() as db:
        account = accounts.by_email(db, email)
    right = account is not None and account["password_hash"] == ciphers.password_hash(
        password, bytes.fromhex(account["salt"])
    )
    try:
        try_login(services, email, right, given.get("tfa") or None)
    except Refused as refusal:
        return _form(given.get("redirectUri", ""), str(refusal), refusal.status)
    return _back(services, email, password, callback)


@router.get("/auth-link-ok")
def well() -> Response:
    """Where the command line sends the browser after it has the session."""
    return _page("Login", "You are logged in. You can close this page.")


@router.get("/auth-link-error")
def badly() -> Response:
    """Where it sends it if it has none."""
    return _page("Login", "The login did not work. Try again from the command line.")


@router.get("/sh/{kind}/{short}/{code}")
def shared(services: AllServices, kind: str, short: str, code: str) -> Response:
    """What lies behind a share link: its name and size; the real page opens it in the browser."""
    try:
        number = str(uuid.UUID(bytes=base64.urlsafe_b64decode(short + "==")))
        with services.database.reading() as db:
            row = sharings.find(db, number)
            if row["kind"] != kind:
                raise Refused(404, "Sharing not found")
            sharings.bucket_key(row, code)
            if kind == "folder":
                folder = folders.again(db, row["item"])
                name, size = folder["plain_name"], folders.size_below(db, folder["uuid"])[1]
            else:
                file = files.again(db, row["item"])
                name = ".".join(part for part in (file["plain_name"], file["type"]) if part)
                size = file["size"]
    except (ValueError, binascii.Error, Refused):
        return _page("Shared", "This link leads nowhere.", 404)
    protected = " It asks for a password." if row["encrypted_password"] is not None else ""
    return _page("Shared", f"{html.escape(name)}, {size} bytes.{protected}")


def _callback(coded: str) -> str:
    """Where to go back to: only this machine."""
    try:
        url = base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode()
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname in _LOOPBACK
    except (ValueError, binascii.Error):
        good = False
    if not good:
        raise Refused(400, "redirectUri must be base64 of an address on this machine")
    return url


def _back(services: Services, email: str, password: str, callback: str) -> Response:
    with services.database.transaction() as db:
        account = accounts.by_email(db, email)
        assert account is not None  # noqa: S101 - it has just logged in
        token = services.tokens.login(db, account, services.settings.login_lifetime_s, None)
    clear = accounts.clear_keys(account, password)
    clear["newToken"] = base64.b64encode(token.encode()).decode()
    glue = "&" if urlsplit(callback).query else "?"
    return RedirectResponse(f"{callback}{glue}{urlencode(clear)}", 302)


def _form(redirect: str, wrong: str = "", status: int = 200) -> Response:
    return _page(
        "Login",
        f"<form method=post action=login>{html.escape(wrong)}"
        f'<input type=hidden name=redirectUri value="{html.escape(redirect)}">'
        "<p><label>E-mail <input name=email type=email></label>"
        "<p><label>Password <input name=password type=password></label>"
        "<p><label>Code, if any <input name=tfa></label><p><button>Log in</button></form>",
        status,
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    whole = f"<!doctype html><meta charset=utf-8><title>{title} (emulator)</title><h1>{title}</h1>{body}\n"
    return HTMLResponse(whole, status)
