"""Trees of real files, and what a scan told of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from skycap.backup.scan.events import Batch, Directory, Enter, Event, Item, Leave, Problem


@dataclass
class Scanned:
    """What a scan told, by path below `top`."""

    items: dict[bytes, Item] = field(default_factory=dict)
    dirs: dict[bytes, Directory] = field(default_factory=dict)
    problems: dict[bytes, Problem] = field(default_factory=dict)
    order: list[bytes] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    @property
    def codes(self) -> dict[bytes, str]:
        return {path: problem.code for path, problem in self.problems.items()}

    @property
    def paths(self) -> set[bytes]:
        return set(self.items) | set(self.dirs)


class Follower:
    """Takes events one by one, and insists on what every scan promises: nesting, and one order of names."""

    def __init__(self, top: bytes = b"") -> None:
        self.found = Scanned()
        self._top = top
        self._open: list[tuple[Directory, list[bytes]]] = []
        self._number = -1

    def take(self, event: Event) -> None:
        if isinstance(event, Problem):
            path = self._short(event.path)
            assert path not in self.found.problems
            assert event.error.message
            self.found.problems[path] = event
        elif isinstance(event, Enter):
            directory = event.directory
            self._name(directory.name)
            if self._open:
                assert directory.path == self._open[-1][0].path_of(directory.name)
            self._open.append((directory, []))
            if not directory.on_the_way:
                self.found.dirs[self._short(directory.path)] = directory
                self.found.order.append(self._short(directory.path))
        elif isinstance(event, Leave):
            assert self._open.pop()[0] is event.directory
        else:
            self._batch(event)

    def _batch(self, batch: Batch) -> None:
        assert batch.directory is self._open[-1][0]
        assert batch.number > self._number
        assert 0 < len(batch.items) <= 256
        self._number = batch.number
        self.found.batches.append(batch)
        for item in batch.items:
            self._name(item.name)
            path = self._short(batch.directory.path_of(item.name))
            self.found.items[path] = item
            self.found.order.append(path)

    def _name(self, name: bytes) -> None:
        if self._open:
            names = self._open[-1][1]
            assert not names or names[-1] < name
            names.append(name)

    def _short(self, path: bytes) -> bytes:
        return path.removeprefix(self._top + b"/") if self._top else path

    def done(self) -> Scanned:
        assert not self._open
        return self.found


def follow(events: Iterable[Event], top: bytes = b"") -> Scanned:
    follower = Follower(top)
    for event in events:
        follower.take(event)
    return follower.done()


def make(top: bytes, *paths: bytes, content: bytes = b"x") -> None:
    """Files, and directories where a path ends with a slash."""
    for path in paths:
        whole = top + b"/" + path
        folder = whole if path.endswith(b"/") else os.path.dirname(whole)
        os.makedirs(folder, exist_ok=True)
        if not path.endswith(b"/"):
            with open(whole, "wb") as file:
                file.write(content)


def walked(top: bytes) -> Iterator[bytes]:
    """The paths below `top` as another walk finds them."""
    for folder, dirs, files in os.walk(top):
        for name in (*dirs, *files):
            yield os.path.join(folder, name)[len(top) + 1 :]
