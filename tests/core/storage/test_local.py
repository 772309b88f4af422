"""A folder of this machine keeps every promise, however it treats links."""

from __future__ import annotations

from pathlib import Path

import pytest

from skycap.core.storage import Storage
from skycap.core.storage.local import Local
from skycap.core.testing import StorageConformance


class TestLocal(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return Local(tmp_path / "root")

    @pytest.fixture
    def other(self, tmp_path: Path) -> Storage:
        return Local(tmp_path / "other")

    def reopened(self, storage: Storage) -> Storage:
        assert isinstance(storage, Local)
        return Local(storage.root)


class TestLocalFollowingLinks(TestLocal):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return Local(tmp_path / "root", links="follow")


class TestLocalSkippingLinks(TestLocal):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return Local(tmp_path / "root", links="skip")
