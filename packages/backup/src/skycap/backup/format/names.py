"""What objects are called: short lower-case hexadecimal, legal in every store.

    config  keys/<32>  data/<2>/<64>  tree/<2>/<64>  index/<64>  snapshots/<64>  marks/<64>  leases/<32>

A name of 64 digits is the SHA-256 of the stored bytes.
"""

from __future__ import annotations

import enum
import hashlib
import re

from skycap.core.crypto.hashing import Data
from skycap.core.errors import Damaged

CONFIG = "config"
HASH_SIZE = 32
_NAME = re.compile(
    "config|keys/[0-9a-f]{32}|leases/[0-9a-f]{32}|(?:index|snapshots|marks)/[0-9a-f]{64}"
    r"|(?:data|tree)/(?P<fan>[0-9a-f]{2})/(?P=fan)[0-9a-f]{62}|runs/[0-9]{4}/[0-9a-f]{64}"
)


class Folder(enum.StrEnum):
    """The folders of a repository."""

    KEYS = "keys"
    DATA = "data"
    TREE = "tree"
    INDEX = "index"
    SNAPSHOTS = "snapshots"
    MARKS = "marks"
    LEASES = "leases"
    RUNS = "runs"


_FANNED = (Folder.DATA, Folder.TREE)


def object_path(folder: Folder, name: bytes) -> str:
    """Where an object of this name lies: 16 bytes in `keys` and `leases`, else 32."""
    digits = name.hex()
    return f"{folder}/{digits[:2]}/{digits}" if folder in _FANNED else f"{folder}/{digits}"


def parse_path(path: str) -> tuple[Folder, bytes] | None:
    """Folder and name of an object; None for `config` and for whatever is foreign."""
    if not _NAME.fullmatch(path) or path == CONFIG:
        return None
    parts = path.split("/")
    return Folder(parts[0]), bytes.fromhex(parts[-1])


def name_of(stored: Data) -> bytes:
    """The SHA-256 of an object: its name."""
    return hashlib.sha256(stored).digest()


def verify_name(path: str, stored: Data) -> None:
    """Raise Damaged where the bytes are not those that the name was made of."""
    parsed = parse_path(path)
    if parsed is None or len(parsed[1]) != HASH_SIZE or name_of(stored) != parsed[1]:
        raise Damaged(
            "these bytes are not the ones that were stored under this name",
            where=path,
            hint="The store damaged or swapped the object: run a check of the repository.",
        )
