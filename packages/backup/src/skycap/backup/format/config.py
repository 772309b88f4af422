"""The file `config`: what a repository is, in plain and authenticated, and its settings, sealed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from skycap.backup.format import canonical, fields, limits, sealed
from skycap.backup.format.keys import REPOSITORY_ID_SIZE, Keys, ObjectType
from skycap.backup.format.suites import Suite
from skycap.core.crypto.secret import Secret
from skycap.core.errors import Damaged, FormatUnsupported

FORMAT = 1
MAGIC = "skycap-backup"
FEATURES: frozenset[str] = frozenset()
"""The features that this program knows."""
_WHAT = "the file `config`"
Operation = Literal["read", "write", "prune"]
_NEEDED: dict[Operation, tuple[str, ...]] = {
    "read": ("read",),
    "write": ("read", "write"),
    "prune": ("read", "write", "prune"),
}
_PLAIN: dict[str, fields.Check] = {
    "magic": fields.one_of(MAGIC),
    "format": fields.count,
    "min_reader": fields.count,
    "min_writer": fields.count,
}
_HEADER: dict[str, fields.Check] = {
    "features": fields.object_with(
        {need: fields.list_of(fields.text) for need in ("read", "write", "prune")}
    ),
    "id": fields.hex_of(REPOSITORY_ID_SIZE),
    "suite": fields.one_of(*map(int, Suite)),
    "created": fields.time,
    "sealed": fields.text,
}


def _fixed(value: Any) -> bool:
    return (
        value.get("kind") == "fixed"
        and fields.count(value.get("size"))
        and 0 < value["size"] <= limits.BLOB_RAW
    )


def _fastcdc(value: Any) -> bool:
    sizes = ("min", "avg", "max", "normalization")
    return value.get("kind") == "fastcdc" and all(fields.count(value.get(name)) for name in sizes)


_SETTINGS: dict[str, fields.Check] = {
    "chunker": lambda value: isinstance(value, dict) and (_fixed(value) or _fastcdc(value)),
    "compression": fields.object_with({"codec": fields.one_of("zstd", "off")}),
    "pack_size": lambda value: (
        fields.count(value) and limits.PACK_TARGETS[0] <= value <= limits.PACK_TARGETS[1]
    ),
}
_CHUNKER = {
    "kind": "fastcdc",
    "min": 512 * 1024,
    "avg": 1024 * 1024,
    "max": 8 * 1024 * 1024,
    "normalization": 2,
}


@dataclass(frozen=True)
class Settings:
    """What is the same for all who write: where files are cut, how they are packed. Sizes in bytes."""

    chunker: Mapping[str, Any] = field(default_factory=lambda: dict(_CHUNKER))
    compression: Mapping[str, Any] = field(default_factory=lambda: {"codec": "zstd", "level": 3})
    pack_size: int = 16 * limits.MIB
    chunker_secret: Secret[bytes] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The members in JSON, the secret among them."""
        members = {
            **self.more,
            "chunker": dict(self.chunker),
            "compression": dict(self.compression),
            "pack_size": self.pack_size,
        }
        if self.chunker_secret is not None:
            members["chunker_secret"] = self.chunker_secret.reveal().hex()
        return members


@dataclass(frozen=True)
class Header:
    """The clear members of a config. Nothing in it is to be trusted before `open_config`."""

    repository_id: bytes
    suite: Suite
    created: str
    features: Mapping[str, Iterable[str]] = field(
        default_factory=lambda: {"prune": [], "read": [], "write": []}
    )
    min_reader: int = FORMAT
    min_writer: int = FORMAT
    format: int = FORMAT
    more: Mapping[str, Any] = field(default_factory=dict)
    sealed: bytes = b""

    def to_json(self) -> dict[str, Any]:
        """The clear members in JSON."""
        return {
            **self.more,
            "magic": MAGIC,
            "format": self.format,
            "min_reader": self.min_reader,
            "min_writer": self.min_writer,
            "features": {need: sorted(names) for need, names in self.features.items()},
            "id": self.repository_id.hex(),
            "suite": int(self.suite),
            "created": self.created,
        }

    def require(self, operation: Operation, known: frozenset[str] = FEATURES) -> None:
        """Raise FormatUnsupported unless this program may do that to the repository."""
        least = self.min_reader if operation == "read" else max(self.min_reader, self.min_writer)
        if least > FORMAT:
            raise FormatUnsupported(
                f"to {operation} this repository takes version {least} of the format, and this program knows "
                f"{FORMAT}",
                hint="Use a newer skycap.",
            )
        names = {name for need in _NEEDED[operation] for name in self.features.get(need, ())}
        if names - known:
            raise FormatUnsupported(
                f"to {operation} this repository takes features that this program lacks: "
                f"{', '.join(sorted(names - known))}",
                hint="Use a newer skycap.",
            )


def seal_config(keys: Keys, header: Header, settings: Settings, *, salt: bytes | None = None) -> bytes:
    """The bytes of `config`."""
    clear = header.to_json()
    body = canonical.dumps(settings.to_json())
    inner = sealed.seal(
        keys, ObjectType.CONFIG, body, context=canonical.dumps(clear), compress=False, salt=salt
    )
    return canonical.dumps({**clear, "sealed": base64.b64encode(inner).decode()})


def read_header(stored: bytes) -> Header:
    """The clear members, which need no key, and which the key then confirms.

    Raises Damaged for what is no config, FormatUnsupported for a version that this program cannot read.
    """
    if len(stored) > limits.CONFIG:
        raise Damaged(f"{_WHAT} has {len(stored)} bytes; no such file is that large")
    members = canonical.loads(stored, _WHAT)
    fields.require(members, _PLAIN, _WHAT)
    if members["min_reader"] > FORMAT:
        raise FormatUnsupported(
            f"this repository takes a reader of version {members['min_reader']}; this program knows {FORMAT}",
            hint="Use a newer skycap.",
        )
    fields.require(members, _HEADER, _WHAT)
    try:
        inner = base64.b64decode(members["sealed"], validate=True)
    except binascii.Error:
        inner = b""
    if base64.b64encode(inner).decode() != members["sealed"]:
        raise Damaged(f"{_WHAT} is not well-formed: the member 'sealed' is wrong")
    return Header(
        repository_id=bytes.fromhex(members["id"]),
        suite=Suite(members["suite"]),
        created=members["created"],
        features=members["features"],
        min_reader=members["min_reader"],
        min_writer=members["min_writer"],
        format=members["format"],
        more={name: value for name, value in members.items() if name not in {**_PLAIN, **_HEADER}},
        sealed=inner,
    )


def open_config(master: bytes | Secret[bytes], header: Header) -> tuple[Keys, Settings]:
    """All keys, and the settings. Raises TamperDetected where other clear members were sealed."""
    keys = Keys(master, header.repository_id, header.suite)
    context = canonical.dumps(header.to_json())
    body = sealed.open_sealed(keys, ObjectType.CONFIG, header.sealed, context=context)
    members = canonical.loads(body, "the settings")
    fields.require(members, _SETTINGS, "the settings")
    secret = members.get("chunker_secret")
    if secret is not None:
        fields.require(members, {"chunker_secret": fields.hex_of(32)}, "the settings")
        raw = bytes.fromhex(secret)
        keys = Keys(master, header.repository_id, header.suite, chunker_secret=raw)
    settings = Settings(
        chunker=members["chunker"],
        compression=members["compression"],
        pack_size=members["pack_size"],
        chunker_secret=None if secret is None else Secret(raw),
        more={name: value for name, value in members.items() if name not in {*_SETTINGS, "chunker_secret"}},
    )
    return keys, settings
