"""A vault over memory, opened by a key file: it costs no passphrase's derivation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.crypto.kdf import Argon2Parameters
from skycap.core.crypto.secret import Secret
from skycap.core.storage import Storage
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import KeyFile, Passphrase

KEY = bytes(range(0x80, 0xA0))


@pytest.fixture
def key() -> bytes:
    """What is in the key file."""
    return KEY


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    path = tmp_path / "vault.key"
    path.write_bytes(KEY)
    return KeyFile(str(path))


@pytest.fixture
def inner() -> Memory:
    return Memory()


@pytest.fixture
def vault(inner: Memory, key_file: KeyFile) -> Crypt:
    return Crypt(inner, key_file)


@pytest.fixture
def passphrase() -> Callable[[str], Passphrase]:
    """A passphrase whose derivation is as quick as is allowed."""
    quick = Argon2Parameters(memory_kib=7 * 1024, iterations=5, lanes=1)
    return lambda text: Passphrase(Secret(text), quick)


@pytest.fixture
def sealed_files() -> Callable[[Storage], dict[str, bytes]]:
    """All files of a storage by path, as the store has them."""

    def read(storage: Storage) -> dict[str, bytes]:
        found = {}
        for entry in storage.scan_all(""):
            if entry.is_file:
                with storage.read(entry.path) as reader:
                    found[entry.path] = reader.read()
        return found

    return read
