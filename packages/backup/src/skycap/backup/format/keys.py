"""Every key of a repository, from its master key.

    key = BLAKE3 in its mode for deriving keys, with a fixed context for each purpose

Data and trees have ids under different keys, so that a file with the bytes of a tree never gets its id.
"""

from __future__ import annotations

import enum
import os
from typing import NoReturn

from skycap.backup.format.suites import KEY_SIZE, Suite
from skycap.core.crypto.hashing import Data
from skycap.core.crypto.secret import Secret, reveal
from skycap.core.errors import ConfigInvalid

CONTEXT = "skycap-backup v1 "
REPOSITORY_ID_SIZE = 16
ID_SIZE = 32


class Kind(enum.IntEnum):
    """What the blobs of a pack are."""

    DATA = 1
    TREE = 2


class ObjectType(enum.IntEnum):
    """What a sealed object is. The first two are the footers of packs, and have the number of the kind."""

    FOOTER_DATA = 1
    FOOTER_TREE = 2
    INDEX = 3
    SNAPSHOT = 4
    MARK = 5
    LEASE = 6
    CONFIG = 7
    RUN = 8

    @property
    def word(self) -> str:
        """The word in the context of its key."""
        return self.name.lower().replace("_", " ")


class Keys:
    """What seals and opens in one repository; shows nothing of itself. Any thread.

    `master` has 32 bytes, `repository_id` 16. `chunker_secret`, 32 bytes, stands in for the master key where
    files are cut.
    """

    __slots__ = (
        "_chunker",
        "_ids",
        "_mac",
        "_seals",
        "_split",
        "blob_keys",
        "hasher",
        "make_cipher",
        "repository_id",
        "suite",
    )

    def __init__(
        self,
        master: bytes | Secret[bytes],
        repository_id: bytes,
        suite: Suite,
        *,
        chunker_secret: bytes | None = None,
    ) -> None:
        from blake3 import blake3

        secret = reveal(master)
        if len(secret) != KEY_SIZE or len(repository_id) != REPOSITORY_ID_SIZE:
            raise ConfigInvalid("a master key has 32 bytes, and a repository id 16")
        self.repository_id = repository_id
        self.suite = suite
        self.hasher = blake3
        self.make_cipher = suite.cipher()
        self._ids = {kind: derive(f"id {kind.name.lower()}", secret) for kind in Kind}
        self.blob_keys = {kind: derive(f"blob {kind.name.lower()}", secret) for kind in Kind}
        self._seals = {kind: derive(f"seal {kind.word}", secret) for kind in ObjectType}
        self._chunker = derive("chunker", chunker_secret or secret)
        self._split = derive("split", secret)
        self._mac = derive("mac", secret)

    def blob_id(self, kind: Kind, raw: Data) -> bytes:
        """The id of a blob, 32 bytes."""
        return self.hasher(raw, key=self._ids[kind]).digest()

    def seal_key(self, kind: ObjectType, salt: bytes) -> bytes:
        """The key of one sealed object."""
        return self.hasher(salt, key=self._seals[kind]).digest()

    def split_hash(self, data: bytes) -> bytes:
        """32 bytes that decide where a directory is cut, or name a group of hard links."""
        return self.hasher(data, key=self._split).digest()

    @property
    def chunker_seed(self) -> int:
        """The seed of the chunker, 63 bits."""
        return int.from_bytes(self._chunker[:8], "little") & (2**63 - 1)

    @property
    def mac_key(self) -> Secret[bytes]:
        """The key for signatures by HMAC."""
        return Secret(self._mac)

    def __repr__(self) -> str:
        return f"Keys(repository {self.repository_id.hex()})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the keys of a repository are not pickled")


def new_master() -> Secret[bytes]:
    """A fresh master key."""
    return Secret(os.urandom(KEY_SIZE))


def derive(purpose: str, secret: bytes) -> bytes:
    """The 32-byte key for one purpose."""
    from blake3 import blake3

    return blake3(secret, derive_key_context=CONTEXT + purpose).digest()
