"""Every overlay keeps the promises of the storage below it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core.retry import Policies, Policy
from skycap.core.storage import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays import Bandwidth, Hashed, Limited, Retrying
from skycap.core.testing import StorageConformance

# Fast enough that no test waits, slow enough that every byte is counted.
_FAST = 1e12
AT_ONCE = Policies(*[Policy(attempts=3, base_s=0)] * 4)


class TestRetrying(StorageConformance):
    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        with Retrying(Memory(), AT_ONCE) as storage:
            yield storage


class TestLimited(StorageConformance):
    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        with Limited(Memory(), connections=1, up=Bandwidth(_FAST), down=Bandwidth(_FAST)) as storage:
            yield storage


class TestHashed(StorageConformance):
    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        with Hashed(Memory()) as storage:
            yield storage


class TestTheWholeStackOverAFolder(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        limited = Limited(Local(tmp_path / "root"), connections=1, up=Bandwidth(_FAST))
        with Hashed(Retrying(limited, AT_ONCE)) as storage:
            yield storage
