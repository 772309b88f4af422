"""One emulator for all the tests of a process, and an empty account for each of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.accounts import Accounts


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("INXT_", "INTERNXT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with Accounts(tmp_path_factory.mktemp("internxt")) as accounts:
        yield accounts


@pytest.fixture
def opened(accounts: Accounts) -> Iterator[Callable[..., Internxt]]:
    """Opens storages of the account, which is empty at first."""
    accounts.emptied().close()
    with ExitStack() as stack:

        def make(**options: Any) -> Internxt:
            return stack.enter_context(accounts.storage(**options))

        yield make


@pytest.fixture
def storage(opened: Callable[..., Internxt]) -> Internxt:
    return opened()
