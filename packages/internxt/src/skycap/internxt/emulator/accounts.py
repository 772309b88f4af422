"""Accounts: their material is derived from the e-mail, so that a restart keeps the same account."""

from __future__ import annotations

import base64
import functools
import hashlib
import sqlite3
import uuid
from dataclasses import dataclass, field

from skycap.internxt.emulator import ciphers, key_pair
from skycap.internxt.emulator.checking import time_text
from skycap.internxt.emulator.store.database import Database

_BCRYPT = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
BLOCKED_AFTER = 10
"""Failed logins in a row."""
TIER_ID = "2f1d7a52-6c3b-4f0e-9a58-3c1f0f6f2c11"


@dataclass(frozen=True)
class Login:
    """One test account, as the command line names it."""

    email: str
    password: str = field(repr=False)
    totp: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Login:
        """`EMAIL:PASSWORD[:TOTPSECRET]`; a last part that is no secret belongs to the password."""
        email, colon, rest = text.partition(":")
        if not colon or not rest or "@" not in email:
            raise ValueError("an account is EMAIL:PASSWORD or EMAIL:PASSWORD:TOTPSECRET")
        password, colon, last = rest.rpartition(":")
        if colon and password and last.isupper() and len(last) >= 16 and ciphers.is_base32(last):
            return cls(email.lower(), password, last)
        return cls(email.lower(), rest)


def mnemonic_of(email: str) -> str:
    """The 24 words of an account: 32 bytes derived from its e-mail, with their checksum."""
    return _words().to_mnemonic(_derived("mnemonic", email, 32))  # type: ignore[no-any-return]


def ensure(database: Database, login: Login, now_s: float) -> None:
    """Make the account, or bring the one that is there to this password and one-time secret."""
    with database.transaction() as db:
        row = db.execute("SELECT * FROM accounts WHERE email = ?", (login.email,)).fetchone()
        salt = _derived("salt", login.email, 16)
        hashed = ciphers.password_hash(login.password, salt)
        if row is not None and row["password_hash"] == hashed:
            db.execute("UPDATE accounts SET totp = ? WHERE id = ?", (login.totp, row["id"]))
            return
        secrets: dict[str, object] = {
            "password_hash": hashed,
            "mnemonic": ciphers.wrap(mnemonic_of(login.email), login.password),
            "private_key": ciphers.seal(_armored_private_key(), login.password),
            "totp": login.totp,
            "password_changed": now_s,
        }
        if row is not None:
            names = ", ".join(f"{name} = :{name}" for name in secrets)
            db.execute(f"UPDATE accounts SET {names} WHERE id = :id", secrets | {"id": row["id"]})
            return
        _make(db, login, salt, secrets, now_s)


def by_email(db: sqlite3.Connection, email: str) -> sqlite3.Row | None:
    """The account with this address, in any case of letters."""
    return db.execute("SELECT * FROM accounts WHERE email = ?", (email.lower(),)).fetchone()  # type: ignore[no-any-return]


def by_uuid(db: sqlite3.Connection, uuid_: str) -> sqlite3.Row | None:
    """The account with this uuid."""
    return db.execute("SELECT * FROM accounts WHERE uuid = ?", (uuid_,)).fetchone()  # type: ignore[no-any-return]


def by_id(db: sqlite3.Connection, number: int) -> sqlite3.Row:
    """The account with this number, which must exist."""
    return db.execute("SELECT * FROM accounts WHERE id = ?", (number,)).fetchone()  # type: ignore[no-any-return]


def network_password(user_id: str) -> str:
    """What the Network API wants as the password of Basic authentication."""
    return hashlib.sha256(user_id.encode()).hexdigest()


def user_object(account: sqlite3.Row) -> dict[str, object]:
    """The `user` of a login's answer."""
    ecc = {"publicKey": account["public_key"], "privateKey": account["private_key"]}
    return {
        "email": account["email"],
        "userId": account["user_id"],
        "mnemonic": account["mnemonic"],
        "root_folder_id": account["root_id"],
        "rootFolderId": account["root_uuid"],
        "name": account["email"].partition("@")[0],
        "lastname": "Emulated",
        "uuid": account["uuid"],
        "credit": 0,
        "createdAt": account["created_at"],
        "privateKey": ecc["privateKey"],
        "publicKey": ecc["publicKey"],
        "revocateKey": None,
        "keys": {"ecc": ecc, "kyber": {"publicKey": None, "privateKey": None}},
        "bucket": account["bucket"],
        "registerCompleted": True,
        "teams": False,
        "username": account["email"],
        "bridgeUser": account["email"],
        "sharedWorkspace": False,
        "appSumoDetails": None,
        "hasReferralsProgram": False,
        "backupsBucket": None,
        "avatar": None,
        "emailVerified": True,
        "tierId": TIER_ID,
        "lastPasswordChangedAt": time_text(account["password_changed"]),
    }


def _make(
    db: sqlite3.Connection, login: Login, salt: bytes, secrets: dict[str, object], now_s: float
) -> None:
    email, now = login.email, time_text(now_s)
    bucket = _derived("bucket", email, 12).hex()
    root = str(_uuid("root", email))
    letters = "".join(_BCRYPT[byte % 64] for byte in hashlib.sha512(f"user:{email}".encode()).digest()[:53])
    given = secrets | {
        "email": email,
        "uuid": str(_uuid("account", email)),
        "user_id": f"$2a$08${letters}",
        "salt": salt.hex(),
        "public_key": key_pair.PUBLIC_KEY,
        "bucket": bucket,
        "root_uuid": root,
        "root_id": 0,
        "created_at": now,
    }
    columns, marks = ", ".join(given), ", ".join(f":{name}" for name in given)
    number = db.execute(f"INSERT INTO accounts ({columns}) VALUES ({marks})", given).lastrowid
    root_id = db.execute(
        "INSERT INTO folders (uuid, account, plain_name, sort_key, bucket, creation_time, modification_time,"
        " created_at, updated_at) VALUES (?, ?, ?, '', ?, ?, ?, ?, ?)",
        (root, number, root, bucket, now, now, now, now),
    ).lastrowid
    db.execute("UPDATE accounts SET root_id = ? WHERE id = ?", (root_id, number))
    db.execute("INSERT INTO buckets VALUES (?, ?, ?, ?)", (bucket, number, email, now))


def _derived(purpose: str, email: str, length: int) -> bytes:
    return hashlib.sha512(f"skycap emulator {purpose}: {email}".encode()).digest()[:length]


def _uuid(purpose: str, email: str) -> uuid.UUID:
    return uuid.UUID(bytes=_derived(purpose, email, 16), version=4)


@functools.cache
def _words():  # type: ignore[no-untyped-def]  # the library has no types
    from mnemonic import Mnemonic

    return Mnemonic("english")


@functools.cache
def _armored_private_key() -> str:
    return ciphers.unseal(key_pair.PRIVATE_KEY, key_pair.PASSWORD)


def clear_keys(account: sqlite3.Row, password: str) -> dict[str, str]:
    """What the browser hands a client: the mnemonic and the private key, in base64 of clear text."""
    clear = {
        "mnemonic": ciphers.unwrap(account["mnemonic"], password),
        "privateKey": ciphers.unseal(account["private_key"], password),
    }
    return {name: base64.b64encode(text.encode()).decode() for name, text in clear.items()}
