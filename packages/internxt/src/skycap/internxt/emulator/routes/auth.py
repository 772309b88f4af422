"""`/drive/auth`: the salt, the logins, the second factor, logout."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import sqlite3
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from skycap.internxt.emulator import accounts, ciphers
from skycap.internxt.emulator.checking import Fields
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.services import (
    Body,
    Query,
    Services,
    SignedIn,
    answer,
    platform_of,
    services_of,
)

router = APIRouter(prefix="/auth")
BAD_LOGIN = "Wrong login credentials"
BLOCKED = "Your account has been blocked for security reasons. Please reach out to us"
_ONE_PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5E"
    "rkJggg=="
)


@router.post("/login")
def salt(request: Request, body: Body) -> Response:
    """The salt of an account, wrapped, and whether it has a second factor."""
    fields = Fields(body)
    email = fields.email("email")
    fields.done()
    with services_of(request).database.reading() as db:
        account = accounts.by_email(db, email)
    if account is None:
        raise Refused(401, BAD_LOGIN)
    return answer(
        {
            "hasKeys": True,
            "sKey": ciphers.wrap(account["salt"], ciphers.APP_SECRET),
            "tfa": account["totp"] is not None,
            "hasKyberKeys": False,
            "hasEccKeys": True,
        }
    )


@router.post("/cli/login/access")
def cli_access(request: Request, body: Body) -> Response:
    """The login of command lines: it also looks at what the tier allows."""
    services, platform = services_of(request), platform_of(request.headers)
    account = _access(services, body, kyber=False)
    allow_platform(services, platform)
    return _logged_in(services, account, platform)


@router.post("/login/access")
def web_access(request: Request, body: Body) -> Response:
    """The login of the web application."""
    services = services_of(request)
    return _logged_in(services, _access(services, body, kyber=True), None)


@router.get("/logout")
def logout(here: SignedIn) -> Response:
    """Refuse this token from now on."""
    with here.services.database.transaction() as db:
        db.execute(
            "INSERT INTO tokens VALUES (?, ?, 1) ON CONFLICT (jti) DO UPDATE SET refused = 1",
            (here.jti, here.account["id"]),
        )
    return answer({"logout": True})


@router.get("/are-credentials-correct")
def are_correct(here: SignedIn, query: Query) -> Response:
    """Whether a password's hash is the account's."""
    return answer(hmac.compare_digest(query.get("hashedPassword", "").encode(), _hash(here.account)))


@router.get("/tfa")
def new_secret(here: SignedIn) -> Response:
    """A fresh secret for one-time codes; nothing is switched on yet."""
    if here.account["totp"] is not None:
        raise Refused(409, "User has already 2fa")
    return answer({"code": base64.b32encode(secrets.token_bytes(10)).decode(), "qr": _ONE_PIXEL})


@router.put("/tfa")
def enable(here: SignedIn, body: Body) -> Response:
    """Switch it on."""
    fields = Fields(body)
    key, code = fields.needed("key"), fields.needed("code")
    if key and not ciphers.is_base32(key):
        fields.wrong("key must be a base32 string")
    fields.done()
    if here.account["totp"] is not None:
        raise Refused(409, "User has already 2fa")
    _check_code(here.services, key, code)
    _set_secret(here, key)
    return answer({"message": "ok"})


@router.delete("/tfa")
def disable(here: SignedIn, body: Body) -> Response:
    """Switch it off: with the password's hash, wrapped, and a code of now."""
    fields = Fields(body)
    password, code = fields.text("pass", optional=True), fields.text("code", optional=True)
    fields.done()
    if here.account["totp"] is None:
        raise Refused(404, "Your account does not have 2FA activated.")
    if password is not None and not _is_password(here.account, password):
        raise Refused(400, "Invalid password")
    if code is not None or password is None:
        _check_code(here.services, here.account["totp"], code or "")
    _set_secret(here, None)
    return answer({"message": "ok"})


def allow_platform(services: Services, platform: str) -> None:
    """402 if the tier shuts out command lines of this kind."""
    tier = services.settings.tier
    if not (tier.cli if platform == "cli" else tier.rclone):
        raise Refused(402, f"{platform} access not allowed for this user tier")


def try_login(services: Services, email: str, right: bool, code: str | None) -> sqlite3.Row:
    """The account, if the password was right and so is the code. Counts what fails."""
    refusal = None
    with services.database.transaction() as db:
        account = accounts.by_email(db, email)
        if account is None:
            raise Refused(401, BAD_LOGIN)
        if account["failures"] >= accounts.BLOCKED_AFTER:
            raise Refused(403, BLOCKED)
        codes = (
            []
            if account["totp"] is None
            else ciphers.one_time_codes(account["totp"], services.settings.now())
        )
        if not right:
            refusal = BAD_LOGIN
        elif codes and code not in codes:
            refusal = "Wrong 2-factor auth code"
        db.execute(
            "UPDATE accounts SET failures = ? WHERE id = ?",
            (account["failures"] + 1 if refusal else 0, account["id"]),
        )
    if refusal:
        raise Refused(401, refusal)
    return account


def _access(services: Services, body: dict[str, Any], *, kyber: bool) -> sqlite3.Row:
    fields = Fields(body)
    email = fields.email("email")
    password = fields.text("password") or ""
    if not re.fullmatch(r"[0-9a-fA-F]{192}", password):
        fields.wrong("password must be 192 hexadecimal characters")
    code = fields.text("tfa", optional=True) or None
    _check_keys(fields, body.get("keys"), kyber=kyber)
    fields.done()
    with services.database.reading() as db:
        account = accounts.by_email(db, email)
    if account is None:
        raise Refused(401, BAD_LOGIN)
    return try_login(services, email, _is_password(account, password), code)


def _logged_in(services: Services, account: sqlite3.Row, platform: str | None) -> Response:
    lifetime = services.settings.login_lifetime_s
    with services.database.transaction() as db:
        new = services.tokens.login(db, account, lifetime, platform)
    old = services.tokens.old_login(account, lifetime)
    return answer({"user": accounts.user_object(account), "token": old, "userTeam": None, "newToken": new})


def _hash(account: sqlite3.Row) -> bytes:
    return str(account["password_hash"]).encode()


def _is_password(account: sqlite3.Row, wrapped: str) -> bool:
    try:
        return hmac.compare_digest(ciphers.unwrap(wrapped, ciphers.APP_SECRET).encode(), _hash(account))
    except ciphers.Unreadable:
        return False


def _check_code(services: Services, secret: str, code: str) -> None:
    if code not in ciphers.one_time_codes(secret, services.settings.now()):
        raise Refused(401, "Wrong 2-factor auth code")


def _set_secret(here: SignedIn, secret: str | None) -> None:
    with here.services.database.transaction() as db:
        db.execute("UPDATE accounts SET totp = ? WHERE id = ?", (secret, here.account["id"]))


def _check_keys(fields: Fields, keys: Any, *, kyber: bool) -> None:
    """What new keys must look like. They are not kept: every emulated account has keys."""
    if keys is None:
        return
    if not isinstance(keys, dict) or not isinstance(ecc := keys.get("ecc"), dict):
        fields.wrong("keys.ecc should not be null or undefined")
        return
    public = _decoded(ecc.get("publicKey"))
    if public is None or not public.lstrip().startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"):
        fields.wrong("keys.ecc.publicKey must be a base64 encoded PGP public key")
    private = _decoded(ecc.get("privateKey"))
    if private is None or len(private) <= 96:
        fields.wrong("keys.ecc.privateKey must be an encrypted private key")
    if kyber and keys.get("kyber") is not None:
        pair = keys["kyber"] if isinstance(keys["kyber"], dict) else {}
        for name, length in (("publicKey", 800), ("privateKey", 96 + 2176)):
            raw = _decoded(pair.get(name))
            if raw is None or len(raw) != length:
                fields.wrong(f"keys.kyber.{name} is not valid")


def _decoded(text: Any) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        return None
