"""Leases: who is writing, and who is pruning. They save double work; nothing that is safe hangs on them.

body = [1, kind, seq, start_ns, time_ns, run (16), host, extra]
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass

from skycap.backup.format import packed, sealed
from skycap.backup.format.keys import Keys, ObjectType
from skycap.backup.format.marks import is_run
from skycap.core.errors import Damaged

_VERSION = 1
_WHAT = "a lease"
NAME_SIZE = 16


class LeaseKind(enum.IntEnum):
    """What its holder does."""

    WRITER = 1
    MAINTENANCE = 2


@dataclass(frozen=True)
class Lease:
    """One state of a lease; the greatest `seq` of a run counts. Times in nanoseconds since 1970."""

    kind: LeaseKind
    start_ns: int
    time_ns: int
    run: bytes
    seq: int = 0
    host: bytes = b""


def new_lease_name() -> bytes:
    """A fresh name, 16 bytes."""
    return os.urandom(NAME_SIZE)


def seal_lease(keys: Keys, lease: Lease, name: bytes, *, salt: bytes | None = None) -> bytes:
    """The stored bytes of a lease, for this name only."""
    body = packed.dumps(
        (_VERSION, int(lease.kind), lease.seq, lease.start_ns, lease.time_ns, lease.run, lease.host, {})
    )
    return sealed.seal(keys, ObjectType.LEASE, body, context=name, compress=False, salt=salt)


def open_lease(keys: Keys, stored: bytes | memoryview, name: bytes) -> Lease:
    """A lease. Raises what `open_sealed` does, and Damaged for a body that is none."""
    body = packed.loads(sealed.open_sealed(keys, ObjectType.LEASE, stored, context=name), _WHAT, length=8)
    version, kind, seq, start_ns, time_ns, run, host, extra = body
    numbers = {type(kind), type(seq), type(start_ns), type(time_ns)} == {int}
    if (
        version != _VERSION
        or not numbers
        or kind not in tuple(LeaseKind)
        or not is_run(run)
        or type(host) is not bytes
        or type(extra) is not dict
    ):
        raise Damaged(f"{_WHAT} is not well-formed")
    return Lease(LeaseKind(kind), start_ns, time_ns, run, seq, host)
