"""A vault keeps the promises of a storage, over each storage below it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core.storage import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import Credential
from skycap.core.testing import StorageConformance


class TestOverMemory(StorageConformance):
    @pytest.fixture
    def storage(self, key_file: Credential) -> Iterator[Storage]:
        with Crypt(Memory(), key_file) as storage:
            storage.make_dir("")
            yield storage


class TestInAFolderOfMemory(StorageConformance):
    @pytest.fixture
    def storage(self, key_file: Credential) -> Iterator[Storage]:
        inner = Memory()
        inner.write("outside/file", b"not sealed")
        with Crypt(inner, key_file, base="in/a folder") as storage:
            storage.make_dir("")
            yield storage


class TestOverAFolder(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path, key_file: Credential) -> Iterator[Storage]:
        with Crypt(Local(tmp_path / "root"), key_file) as storage:
            storage.make_dir("")
            yield storage


class TestWithPlainNames(StorageConformance):
    @pytest.fixture
    def storage(self, key_file: Credential) -> Iterator[Storage]:
        with Crypt(Memory(), key_file, names="plain") as storage:
            storage.make_dir("")
            yield storage
