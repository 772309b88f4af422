"""Whoever runs the tests may be logged in to Internxt: nothing of that is used."""

from __future__ import annotations

import os

import pytest

from skycap.internxt.endpoints import VARIABLES as ADDRESSES
from skycap.internxt.login.given import VARIABLES


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {one for many in VARIABLES.values() for one in many} | set(ADDRESSES.values())
    for name in list(os.environ):
        if name in names or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
