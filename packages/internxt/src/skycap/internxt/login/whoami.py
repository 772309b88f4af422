"""Who the server says we are, and what the plan holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skycap.core.errors import AuthExpired
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.session import Session
from skycap.internxt.login.tokens import claims

UNLIMITED = 99 << 40
"""What the server says of an account without a limit: 99 TiB."""


@dataclass(frozen=True)
class Who:
    """An account as the server knows it. Sizes are in bytes; a limit of None is none."""

    email: str
    uuid: str
    name: str
    used: int | None
    limit: int | None


def ask(session: Session, gate: Gate) -> Who:
    """Ask with the token of the session, and with a new one if that is refused."""
    usage = _asked(session, gate, "/users/usage")
    limit = _number(_asked(session, gate, "/users/limit").get("maxSpaceBytes"))
    used = _number(usage.get("total"))
    if used is None:
        parts = [_number(usage.get(name)) for name in ("drive", "backup", "backups")]
        used = sum(part for part in parts if part is not None)
    said = claims(session.token()).payload or {}
    name = " ".join(str(said[part]) for part in ("name", "lastname") if said.get(part))
    account = session.account
    return Who(account.email, account.uuid, name, used, None if limit == UNLIMITED else limit)


def _asked(session: Session, gate: Gate, path: str) -> dict[str, Any]:
    token = session.token()
    try:
        return gate.ask(path, token)
    except AuthExpired:
        return gate.ask(path, session.renewed(token))


def _number(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except ValueError:
        return None
