"""Who may use the Network API: Basic authentication, or a token that opens one object."""

from __future__ import annotations

import base64
import binascii
import hmac
import sqlite3
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from skycap.internxt.emulator import accounts
from skycap.internxt.emulator.checking import ID24
from skycap.internxt.emulator.errors import NetworkRefused
from skycap.internxt.emulator.services import Services, services_of


@dataclass(frozen=True)
class NetworkHere:
    """One request of an account to the network."""

    services: Services
    account: sqlite3.Row


async def network_user(request: Request) -> NetworkHere:
    """The account of Basic authentication; 401 else."""
    services = services_of(request)
    kind, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user, password = "", ""
    with services.database.reading() as db:
        account = accounts.by_email(db, user) if kind.lower() == "basic" else None
    if account is not None:
        wanted = accounts.network_password(account["user_id"])
        if hmac.compare_digest(wanted.encode(), password.encode("utf-8", "surrogatepass")):
            return NetworkHere(services, account)
    raise NetworkRefused(401, "Invalid email or password")


NetworkUser = Annotated[NetworkHere, Depends(network_user)]


async def reader_of_object(request: Request, bucket: str, file_id: str) -> NetworkHere:
    """Whoever may read one object: its owner, or who has a token for it."""
    token = request.headers.get("x-token")
    if token is None:
        return await network_user(request)
    services = services_of(request)
    with services.database.reading() as db:
        owner = db.execute("SELECT account FROM buckets WHERE id = ?", (bucket.lower(),)).fetchone()
        if owner is not None and services.tokens.opens(token, bucket.lower(), file_id.lower()):
            return NetworkHere(services, accounts.by_id(db, owner[0]))
    raise NetworkRefused(401, "Invalid email or password")


ObjectReader = Annotated[NetworkHere, Depends(reader_of_object)]


def check_ids(bucket: str, file_id: str | None = None) -> None:
    """400 for an id that is not 24 hexadecimal digits."""
    if not ID24.fullmatch(bucket):
        raise NetworkRefused(400, "Bucket id is malformed")
    if file_id is not None and not ID24.fullmatch(file_id):
        raise NetworkRefused(400, "File id is malformed")
