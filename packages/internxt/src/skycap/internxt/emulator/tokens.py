"""JSON Web Tokens: of logins, shared items, shared folders. HS256, under a secret that the data keep."""

from __future__ import annotations

import secrets
import sqlite3
import uuid
from typing import Any

import jwt

from skycap.internxt.emulator.accounts import TIER_ID
from skycap.internxt.emulator.settings import DAY_S, Settings
from skycap.internxt.emulator.store.database import Database


class Tokens:
    """Makes them and reads them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._settings = settings
        self._secret = database.kept("token secret", lambda: secrets.token_hex(32))

    def login(
        self, db: sqlite3.Connection, account: sqlite3.Row, lifetime_s: int, platform: str | None
    ) -> str:
        """The `newToken` of a login or refresh."""
        payload: dict[str, Any] = {
            "uuid": account["uuid"],
            "email": account["email"],
            "name": account["email"].partition("@")[0],
            "lastname": "Emulated",
            "username": account["email"],
            "sharedWorkspace": False,
            "networkCredentials": {"user": account["email"]},
            "tierId": TIER_ID,
            "workspaces": {"owners": []},
        }
        if platform is not None:
            payload["platform"] = platform
        jti = str(uuid.uuid4())
        db.execute("INSERT INTO tokens (jti, account) VALUES (?, ?)", (jti, account["id"]))
        return self._signed({"jti": jti, "sub": account["uuid"], "payload": payload}, lifetime_s)

    def old_login(self, account: sqlite3.Row, lifetime_s: int) -> str:
        """The `token` of old: without `payload.uuid`, so that this server refuses it."""
        return self._signed({"email": account["email"], "payload": {"email": account["email"]}}, lifetime_s)

    def account(self, db: sqlite3.Connection, token: str) -> tuple[sqlite3.Row, str] | None:
        """Who a `newToken` belongs to, and its `jti`; None if it is refused."""
        claims = self._read(token)
        payload = claims.get("payload")
        if not isinstance(payload, dict) or not isinstance(payload.get("uuid"), str):
            return None
        account: sqlite3.Row | None = db.execute(
            "SELECT * FROM accounts WHERE uuid = ?", (payload["uuid"],)
        ).fetchone()
        if account is None or int(claims.get("iat", 0)) < int(account["password_changed"]):
            return None
        jti = str(claims.get("jti"))
        row = db.execute("SELECT refused FROM tokens WHERE jti = ?", (jti,)).fetchone()
        return None if row is not None and row[0] else (account, jti)

    def for_item(self, bucket: str, file_id: str) -> str:
        """What opens one object's information on the network without a login."""
        return self._signed({"operation": "PULL", "bucket": bucket, "file": file_id}, DAY_S)

    def opens(self, token: str, bucket: str, file_id: str) -> bool:
        """Whether a token is one for this object."""
        claims = self._read(token)
        return claims.get("bucket") == bucket and claims.get("file") == file_id

    def for_folder(self, sharing: str) -> str:
        """What a visitor of a shared folder shows to see the folders in it."""
        return self._signed({"sharing": sharing}, DAY_S)

    def sharing_of(self, token: str) -> str | None:
        """The sharing that such a token is for."""
        found = self._read(token).get("sharing")
        return found if isinstance(found, str) else None

    def _signed(self, claims: dict[str, Any], lifetime_s: int) -> str:
        now = int(self._settings.now())
        return jwt.encode(claims | {"iat": now, "exp": now + lifetime_s}, self._secret, algorithm="HS256")

    def _read(self, token: str) -> dict[str, Any]:
        """The claims; none if it is not ours or too old."""
        try:  # the library would look at the clock of the machine
            options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_sub": False}
            claims = jwt.decode(token, self._secret, algorithms=["HS256"], options=options)  # type: ignore[arg-type]
        except jwt.PyJWTError:
            return {}
        return claims if claims.get("exp", 0) > self._settings.now() else {}
