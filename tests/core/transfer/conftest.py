"""What tests of transfers share: trees, places, and a way to run one over the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from skycap.core.location import Location
from skycap.core.retry import Caller
from skycap.core.storage.local import Local
from skycap.core.testing.clock import ManualClock
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.options import TransferOptions

Runner = Callable[..., Transfer]


class Told(list[Event]):
    """A listener that remembers what happened to paths."""

    def __call__(self, event: Event) -> None:
        if event.type not in {EventType.BEGUN, EventType.FINISHED}:
            self.append(event)

    def paths(self, *types: EventType) -> list[str]:
        return sorted(event.path for event in self if event.type in types)

    def strategies(self) -> set[str | None]:
        return {event.strategy for event in self if event.type is EventType.COPIED}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def caller(clock: ManualClock) -> Callable[..., Caller]:
    """Runs a retry policy without waiting."""

    def make(*args: Any, **kwargs: Any) -> Caller:
        def wait(seconds: float) -> bool:
            clock.sleep(seconds)
            return False

        return Caller(
            *args, **{**kwargs, "clock": clock.monotonic, "wait": wait, "draw": lambda bound: bound}
        )

    return make


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def state_folder(tmp_path: Path) -> str:
    return str(tmp_path / "state")


@pytest.fixture
def transfer(state_folder: str, told: Told, caller: Callable[..., Caller]) -> Runner:
    """A transfer between two locations, that remembers in the test's folder and tells `told`."""

    def make(source: Location, target: Location, options: Any = None, **more: Any) -> Transfer:
        if isinstance(options, dict):
            options = TransferOptions(**options)
        more = {"state_folder": state_folder, "listener": told, "caller": caller, **more}
        return Transfer(source, target, options, **more)

    return make


def local(path: Path, **more: Any) -> Location:
    return Location(Local(path, **more), "", str(path))


def make_tree(
    root: Path, tree: Mapping[str, Any], *, mtime_ns: int | None = 1_600_000_000_123_456_789
) -> Path:
    """Files from bytes, links from text, directories from None; with a time that is not now."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
            if mtime_ns is not None:
                os.utime(path, ns=(mtime_ns, mtime_ns))
    return root


def tree_of(root: Path) -> dict[str, Any]:
    """The same shape, read back: what `make_tree` would make it from, with mode and time of files."""
    found: dict[str, Any] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_dir():
            found[name] = None
        else:
            info = path.stat()
            found[name] = (path.read_bytes(), info.st_mode, info.st_mtime_ns)
    return found


def contents(location: Location) -> dict[str, bytes]:
    """The files of any storage that lists all at once."""
    cut = len(location.path) + 1 if location.path else 0
    found = {}
    for entry in location.storage.scan_all(location.path):
        if entry.is_file:
            with location.storage.read(entry.path) as reader:
                found[entry.path[cut:]] = reader.read()
    return found
