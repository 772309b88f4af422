"""`/admin`: for tests. What is there, what was asked, what shall go wrong, and the settings."""

from __future__ import annotations

import ipaddress
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from skycap.internxt.emulator import accounts, ciphers
from skycap.internxt.emulator.errors import Refused
from skycap.internxt.emulator.faults import Fault
from skycap.internxt.emulator.resetting import reset
from skycap.internxt.emulator.routes.housekeeping import keep_house
from skycap.internxt.emulator.services import AllServices, Body, Query, answer, empty, services_of
from skycap.internxt.emulator.store import removal


async def allowed(request: Request) -> None:
    """Loopback without a token, or whoever has the token."""
    wanted = services_of(request).settings.admin_token
    if wanted is not None:
        if request.headers.get("authorization") == f"Bearer {wanted}":
            return
    elif request.client is not None and ipaddress.ip_address(request.client.host).is_loopback:
        return
    raise Refused(403, "Admin routes answer to loopback, or to the token of --admin-token")


router = APIRouter(prefix="/admin", dependencies=[Depends(allowed)])


@router.get("/state")
def state(services: AllServices) -> Response:
    """Counts, and the ids of objects that no file stands on."""
    keep_house(services)
    with services.database.reading() as db:

        def count(query: str) -> int:
            return int(db.execute(query).fetchone()[0])

        orphans = [
            row[0]
            for row in db.execute(
                f"SELECT id FROM entries WHERE id NOT IN {removal.IN_USE}"
                " AND id NOT IN (SELECT entry FROM purges) ORDER BY created"
            )
        ]
        told: dict[str, Any] = {
            "orphans": orphans,
            "entries": count("SELECT count(*) FROM entries"),
            "waiting_for_purge": count("SELECT count(*) FROM purges"),
            "objects": count("SELECT count(*) FROM objects"),
            "bytes": count("SELECT coalesce(sum(size), 0) FROM segments"),
            "uploads": count("SELECT count(*) FROM uploads"),
            "folders": count(
                "SELECT count(*) FROM folders WHERE parent_uuid IS NOT NULL AND deleted + removed = 0"
            ),
            "files": count("SELECT count(*) FROM files WHERE status = 'EXISTS'"),
            "trashed": count(
                "SELECT (SELECT count(*) FROM files WHERE status = 'TRASHED')"
                " + (SELECT count(*) FROM folders WHERE deleted = 1 AND removed = 0)"
            ),
        }
    return answer(told | services.log.counts())


@router.post("/reset")
def start_again(services: AllServices) -> Response:
    """Empty all accounts; settings and faults are as at the start."""
    reset(services)
    return empty(204)


@router.get("/requests")
def requests(services: AllServices, query: Query) -> Response:
    """What was asked, of the last 20 000; `after` a number."""
    after = query.get("after", "0")
    return answer(services.log.after(int(after) if after.isdecimal() else 0))


@router.get("/faults")
def faults(services: AllServices) -> Response:
    """All that are armed."""
    return answer(services.faults.shown())


@router.post("/faults")
def arm(services: AllServices, body: Body) -> Response:
    """Arm one."""
    try:
        number = services.faults.add(Fault.of(body))
    except (ValueError, TypeError, AttributeError) as error:
        raise Refused(400, str(error)) from error
    return answer({"number": number}, 201)


@router.delete("/faults")
def disarm_all(services: AllServices) -> Response:
    """Disarm all."""
    return answer({"removed": services.faults.remove()})


@router.delete("/faults/{number}")
def disarm(services: AllServices, number: int) -> Response:
    """Disarm one."""
    return answer({"removed": services.faults.remove(number)})


@router.get("/settings")
def settings(services: AllServices) -> Response:
    """The settings that may be changed."""
    return answer(services.settings.shown())


@router.patch("/settings")
def change(services: AllServices, body: Body) -> Response:
    """Change some."""
    try:
        services.settings.change(body)
    except (ValueError, TypeError, AttributeError) as error:
        raise Refused(400, str(error)) from error
    return answer(services.settings.shown())


@router.post("/tokens/refuse")
def refuse_tokens(services: AllServices) -> Response:
    """Make every login token that was given out until now worthless."""
    with services.database.transaction() as db:
        done = db.execute("UPDATE tokens SET refused = 1 WHERE refused = 0").rowcount
    return answer({"refused": done})


@router.get("/accounts/{email}")
def account(services: AllServices, email: str) -> Response:
    """What a test may want to know of an account: its ids, and the current one-time code."""
    with services.database.reading() as db:
        row = accounts.by_email(db, email)
    if row is None:
        raise Refused(404, "There is no such account")
    now = services.settings.now()
    return answer(
        {
            "email": row["email"],
            "uuid": row["uuid"],
            "bucket": row["bucket"],
            "root": row["root_uuid"],
            "user_id": row["user_id"],
            "mnemonic": accounts.mnemonic_of(row["email"]),
            "failures": row["failures"],
            "code": ciphers.one_time_codes(row["totp"], now, 0)[0] if row["totp"] else None,
        }
    )


@router.post("/accounts/{email}/unblock")
def unblock(services: AllServices, email: str) -> Response:
    """Forget its failed logins."""
    with services.database.transaction() as db:
        db.execute("UPDATE accounts SET failures = 0 WHERE email = ?", (email.lower(),))
    return empty(204)
