"""Snapshots: the object that makes a backup visible, and its incomplete forms, which protect what they need.

body = canonical JSON {"body": {...}, "sigs": [...]}
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skycap.backup.format import canonical, fields, limits, sealed
from skycap.backup.format.contents import Content
from skycap.backup.format.keys import CONTEXT, ID_SIZE, Keys, ObjectType
from skycap.core.errors import Damaged, FormatUnsupported

_VERSION = 1
_WHAT = "a snapshot"
_NAME = fields.hex_of(32)
_RUN = fields.hex_of(16)


class State(enum.StrEnum):
    """Only complete ones are backups. An intent has the whole root, a checkpoint what was done so far."""

    COMPLETE = "complete"
    CHECKPOINT = "checkpoint"
    INTENT = "intent"


@dataclass(frozen=True)
class Snapshot:
    """One snapshot. Times are `2026-11-25T10:00:00.000000000Z`, names hexadecimal, paths bytes.

    What operations need later (signatures, chains, locks, run manifests) has its members already; `more` are
    members that this program does not know, and keeps.
    """

    start: str
    time: str
    root: Content
    run: str
    state: State = State.COMPLETE
    host: str = ""
    user: str = ""
    paths: tuple[bytes, ...] = ()
    names: str = "bytes"
    name: str = ""
    comment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    original: str | None = None
    supersedes: tuple[str, ...] = ()
    chain: Mapping[str, Any] | None = None
    pinned: bool = False
    locked_until: str | None = None
    errors_total: int = 0
    objects: Mapping[str, Any] | None = None
    stats: Mapping[str, int] = field(default_factory=dict)
    tool: Mapping[str, str] = field(default_factory=lambda: {"name": "skycap", "version": ""})
    profile: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The members in JSON."""
        members = {name: getattr(self, name) for name in _CHECKS if name not in ("v", "root", "paths")}
        members["supersedes"] = list(self.supersedes)
        for name in ("tags", "stats", "tool", "chain", "objects"):
            members[name] = None if members[name] is None else dict(members[name])
        ids = self.root.ids
        digits = [ids[at : at + ID_SIZE].hex() for at in range(0, len(ids), ID_SIZE)]
        return {
            **self.more,
            **members,
            "v": _VERSION,
            "state": str(self.state),
            "root": {"depth": self.root.depth, "ids": digits},
            "paths": [canonical.pack_path(path) for path in self.paths],
        }


_CHECKS: dict[str, fields.Check] = {
    "v": fields.one_of(_VERSION),
    "state": fields.one_of(*map(str, State)),
    "start": fields.time,
    "time": fields.time,
    "host": fields.text,
    "user": fields.text,
    "paths": fields.list_of(fields.text),
    "names": fields.one_of("bytes", "wtf-8"),
    "root": fields.object_with(
        {"depth": fields.one_of(*range(limits.DEPTH + 1)), "ids": fields.list_of(_NAME)}
    ),
    "name": fields.text,
    "comment": fields.text,
    "tags": fields.object_of(fields.text),
    "parent": fields.or_null(_NAME),
    "original": fields.or_null(_NAME),
    "supersedes": fields.list_of(_NAME),
    "run": _RUN,
    "chain": fields.or_null(
        fields.object_with({"series": _RUN, "seq": fields.count, "prev": fields.or_null(_NAME)})
    ),
    "pinned": fields.flag,
    "locked_until": fields.or_null(fields.time),
    "errors_total": fields.count,
    "objects": fields.or_null(
        fields.object_with({"count": fields.count, "bytes": fields.count, "digest": _NAME})
    ),
    "stats": fields.object_of(lambda value: type(value) is int),
    "tool": fields.object_with({"name": fields.text, "version": fields.text}),
    "profile": fields.or_null(fields.text),
}
_SIGNATURE = fields.object_with({"alg": fields.text, "key_id": fields.text, "sig": fields.text})


@dataclass(frozen=True)
class SignedSnapshot:
    """A snapshot with its signatures, and the bytes they are over. Nothing here says that they are right."""

    snapshot: Snapshot
    signatures: tuple[Mapping[str, str], ...]
    signed: bytes


def signed_bytes(keys: Keys, snapshot: Snapshot) -> bytes:
    """What a signature is over."""
    return _signed(keys, snapshot.body())


def _signed(keys: Keys, body: dict[str, Any]) -> bytes:
    return f"{CONTEXT}snapshot\0".encode() + keys.repository_id + canonical.dumps(body)


def seal_snapshot(
    keys: Keys,
    snapshot: Snapshot,
    *,
    signatures: tuple[Mapping[str, str], ...] = (),
    salt: bytes | None = None,
) -> bytes:
    """The stored bytes of a snapshot."""
    whole = canonical.dumps({"body": snapshot.body(), "sigs": [dict(one) for one in signatures]})
    return sealed.seal(keys, ObjectType.SNAPSHOT, whole, salt=salt)


def open_snapshot(keys: Keys, stored: bytes | memoryview) -> SignedSnapshot:
    """A snapshot. Raises what `open_sealed` does, and Damaged for a body that is none."""
    whole = canonical.loads(sealed.open_sealed(keys, ObjectType.SNAPSHOT, stored), _WHAT)
    fields.require(whole, {"body": fields.object_with({"v": fields.count})}, _WHAT)
    fields.require(whole, {"sigs": fields.list_of(_SIGNATURE)}, _WHAT)
    body: dict[str, Any] = whole["body"]
    if body["v"] > _VERSION:
        raise FormatUnsupported(f"the snapshot is of version {body['v']}", hint="Use a newer skycap.")
    fields.require(body, _CHECKS, _WHAT)
    known = {name: body[name] for name in _CHECKS if name != "v"}
    known["state"] = State(body["state"])
    known["root"] = Content(body["root"]["depth"], bytes.fromhex("".join(body["root"]["ids"])))
    known["paths"] = tuple(map(canonical.unpack_path, body["paths"]))
    known["supersedes"] = tuple(body["supersedes"])
    more = {name: value for name, value in body.items() if name not in _CHECKS}
    if len(whole) != 2:
        raise Damaged(f"{_WHAT} has members beside its body and signatures")
    return SignedSnapshot(Snapshot(**known, more=more), tuple(whole["sigs"]), _signed(keys, body))
