"""The storage in memory keeps every promise, whole or with capabilities taken away."""

from __future__ import annotations

import pytest

from skycap.core.storage import FULL, Storage
from skycap.core.storage.memory import Memory
from skycap.core.testing import StorageConformance


class TestMemory(StorageConformance):
    @pytest.fixture
    def storage(self) -> Storage:
        return Memory()


class TestPlainMemory(StorageConformance):
    """With the four groups of verbs and nothing else."""

    @pytest.fixture
    def storage(self) -> Storage:
        return Memory(capabilities=FULL)
