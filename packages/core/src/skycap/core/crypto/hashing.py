"""Hashes by name, all with the one interface of hashlib, and keyed BLAKE3.

The names are those a storage lists among the hashes it knows without reading. MD5, SHA-1 and the CRCs are
here to compare with what a store says, never to defend against anybody.
"""

from __future__ import annotations

import hashlib
import importlib
import zlib
from collections.abc import Callable
from typing import Protocol

from skycap.core.crypto.secret import Secret, reveal
from skycap.core.errors import ConfigInvalid, DependencyMissing, Unsupported

Data = bytes | bytearray | memoryview

_DROPBOX_BLOCK = 4 * 1024 * 1024
_BLAKE3_KEY = 32


class Hasher(Protocol):
    """What every hash here can do: take bytes, and tell the digest so far."""

    def update(self, data: Data, /) -> object:
        """Take more bytes."""
        ...

    def digest(self) -> bytes:
        """The digest of what was taken so far."""
        ...

    def hexdigest(self) -> str:
        """The same in hexadecimal."""
        ...


def new_hasher(kind: str) -> Hasher:
    """A fresh hash. Unsupported for an unknown kind, DependencyMissing for one that needs a package."""
    try:
        make = _MAKERS[kind]
    except KeyError:
        raise Unsupported(f"unknown hash {kind!r}", hint=f"Known are {', '.join(sorted(_MAKERS))}.") from None
    return make()


def kinds() -> frozenset[str]:
    """The names of all hashes, those that need another package included."""
    return frozenset(_MAKERS)


def keyed_blake3(key: bytes | Secret[bytes], *, max_threads: int = 1) -> Hasher:
    """BLAKE3 in its keyed mode, a MAC, under a 32-byte key. Threads pay from some MiB an update on."""
    from blake3 import blake3

    raw = reveal(key)
    if len(raw) != _BLAKE3_KEY:
        raise ConfigInvalid(f"keyed BLAKE3 needs a key of {_BLAKE3_KEY} bytes, not {len(raw)}")
    return blake3(key=raw, max_threads=max_threads)


class DropboxHash:
    """Dropbox's content hash: SHA-256 over the SHA-256 of every block of 4 MiB.

    Described at https://www.dropbox.com/developers/reference/content-hash
    """

    def __init__(self) -> None:
        self._over = hashlib.sha256()
        self._block = hashlib.sha256()
        self._room = _DROPBOX_BLOCK

    def update(self, data: Data, /) -> None:
        """Take more bytes."""
        view = memoryview(data).cast("B")
        while view:
            piece = view[: self._room]
            self._block.update(piece)
            self._room -= len(piece)
            view = view[len(piece) :]
            if not self._room:
                self._over.update(self._block.digest())
                self._block = hashlib.sha256()
                self._room = _DROPBOX_BLOCK

    def digest(self) -> bytes:
        """The 32 bytes for what was taken so far."""
        over = self._over.copy()
        if self._room < _DROPBOX_BLOCK:
            over.update(self._block.digest())
        return over.digest()

    def hexdigest(self) -> str:
        """The same in hexadecimal."""
        return self.digest().hex()


class Crc:
    """A cyclic redundancy check as a hash; the digest is the number, big-endian, as S3 writes it."""

    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, data: Data, /) -> None:
        """Take more bytes."""
        self._value = self._step(data, self._value)  # type: ignore[arg-type] # any buffer will do

    def digest(self) -> bytes:
        """The 4 or 8 bytes for what was taken so far."""
        return self._value.to_bytes(self._size, "big")

    def hexdigest(self) -> str:
        """The same in hexadecimal."""
        return self.digest().hex()


def _blake3() -> Hasher:
    from blake3 import blake3

    return blake3()


def _from_awscrt(name: str, size: int) -> Hasher:
    try:
        checksums = importlib.import_module("awscrt.checksums")
    except ImportError as error:
        raise DependencyMissing(
            f"the hash {name} needs the package awscrt", hint="Run: pip install awscrt"
        ) from error
    return Crc(getattr(checksums, name), size)


_MAKERS: dict[str, Callable[[], Hasher]] = {
    "blake3": _blake3,
    "crc32": lambda: Crc(zlib.crc32, 4),
    "crc32c": lambda: _from_awscrt("crc32c", 4),
    "crc64nvme": lambda: _from_awscrt("crc64nvme", 8),
    "dropbox": DropboxHash,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
}
