"""An emulator that is as at its first start for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.internxt.emulator.harness import PASSWORD, USER, InThread, Visitor

if TYPE_CHECKING:
    import httpx


@pytest.fixture
def flags() -> tuple[str, ...]:
    """More flags of the emulator; parametrize to give some."""
    return ()


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InThread]:
    started = InThread(tmp_path_factory.mktemp("emulator") / "data").start()
    yield started
    started.stop()


@pytest.fixture
def emulator(tmp_path: Path, flags: tuple[str, ...], request: pytest.FixtureRequest) -> Iterator[InThread]:
    if flags:
        started = InThread(tmp_path / "data", *flags).start()
        yield started
        started.stop()
    else:  # to start one takes much longer than to empty one
        shared: InThread = request.getfixturevalue("_shared")
        shared.reset()
        yield shared


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    import httpx

    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def visitor(emulator: InThread, http: httpx.Client) -> Callable[..., Visitor]:
    def come(email: str = USER, password: str = PASSWORD) -> Visitor:
        return Visitor(emulator, http, email, password)

    return come


@pytest.fixture
def user(visitor: Callable[..., Visitor]) -> Visitor:
    return visitor().log_in()


@pytest.fixture
def other(visitor: Callable[..., Visitor]) -> Visitor:
    return visitor("other@example.com", "pässwörd-ключ-🔑").log_in()
