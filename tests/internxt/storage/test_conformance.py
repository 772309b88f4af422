"""The promises of the waist, kept over the emulator; what the service cannot is said with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from skycap.core.storage import Storage
from skycap.core.testing import StorageConformance
from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.accounts import OTHER, Accounts


class TestInternxt(StorageConformance):
    @pytest.fixture
    def storage(self, opened: Callable[..., Internxt]) -> Internxt:
        self._opened = opened
        return opened(chunk_size="64KiB")

    @pytest.fixture
    def other(self, accounts: Accounts) -> Iterator[Internxt]:
        with accounts.emptied(OTHER) as storage:
            yield storage

    def reopened(self, storage: Storage) -> Storage:
        return self._opened(chunk_size="64KiB")
