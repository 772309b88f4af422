"""What a `Memory` shows: a tree of nodes with its history, and the lock all of it is changed under.

A file's node is never changed, only replaced: whoever holds one may read on while others write.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from skycap.core.errors import AccessDenied, Conflict, NotFound, OutOfSpace
from skycap.core.paths import join, order_key, printable
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.extras import Share

_LOG_LENGTH = 100_000


@dataclass(frozen=True, slots=True)
class Node:
    """A file, a link or a directory. `children` is of directories, and changes in place."""

    kind: Kind
    stored_at_ns: int
    metadata: Metadata = field(default_factory=Metadata)
    content: bytes = b""
    version: str | None = None
    target: str | None = None
    locked_until_ns: int = 0
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return self.kind is Kind.DIRECTORY

    def entry(self, path: str) -> Entry:
        """What a listing tells."""
        mtime_ns = self.stored_at_ns if self.metadata.mtime_ns is None else self.metadata.mtime_ns
        size = len(self.content) if self.kind is Kind.FILE else None
        return Entry(path, self.kind, size, mtime_ns, self.stored_at_ns, self.version, self.target)


@dataclass(frozen=True, slots=True)
class State:
    """One state a path has had; `node` is None for the moment it was removed."""

    version: str
    node: Node | None
    at_ns: int


@dataclass(slots=True)
class PendingUpload:
    """An upload that was begun and not completed."""

    id: str
    path: str
    part_size: int
    size: int | None
    metadata: Metadata | None
    begun_at_ns: int
    parts: dict[int, bytes] = field(default_factory=dict)
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Discarded:
    """Something in the trash."""

    path: str
    node: Node
    at_ns: int


class Space:
    """One tree. Its methods are called with `lock` held."""

    def __init__(self, name: str, clock: Callable[[], int]) -> None:
        self.name = name
        self.clock = clock
        self.lock = threading.RLock()
        self.root = Node(Kind.DIRECTORY, clock())
        self.quota_bytes: int | None = None
        self.history: dict[str, list[State]] = {}
        self.log: deque[tuple[int, str]] = deque(maxlen=_LOG_LENGTH)
        self.uploads: dict[str, PendingUpload] = {}
        self.trash: dict[str, Discarded] = {}
        self.shares: dict[str, Share] = {}
        self.keeps_dirs = True
        self.folds_case = False
        self._ids = itertools.count(1)
        self._steps = 0

    def new_id(self) -> str:
        """A text nobody has."""
        return f"{next(self._ids):x}"

    def find(self, path: str) -> Node | None:
        """What is at a path."""
        node = self.root
        if path:
            for name in path.split("/"):
                found = node.children.get(self._name(node, name))
                if found is None:
                    return None
                node = found
        return node

    def _name(self, folder: Node, name: str) -> str:
        """How a name is spelled in a directory, where capital and small letters are one."""
        if not self.folds_case or name in folder.children:
            return name
        return next((child for child in folder.children if child.casefold() == name.casefold()), name)

    def _spelled(self, path: str) -> str:
        """A path as it is spelled here, as far as it is there."""
        if not self.folds_case:
            return path
        node: Node | None = self.root
        names = []
        for name in path.split("/"):
            names.append(name if node is None else self._name(node, name))
            node = node and node.children.get(names[-1])
        return "/".join(names)

    def get(self, path: str) -> Node:
        """What is at a path; `NotFound` if nothing is."""
        node = self.find(path)
        if node is None:
            raise NotFound("no such file or directory", where=printable(path))
        return node

    def check(self, condition: Condition | None, path: str) -> None:
        """`Conflict` if what is at a path is not what the condition says."""
        if condition is None:
            return
        node = self.find(path)
        if condition.version is None:
            if node is not None:
                raise Conflict("it exists already", where=printable(path))
        elif node is None or node.version != condition.version:
            raise Conflict("it is not that version any more", where=printable(path))

    def check_free(self, path: str) -> None:
        """`AccessDenied` where a file is under retention, at a path or below it."""
        node = self.find(path)
        if node is not None:
            now = self.clock()
            for below, found in self.walk(path, node):
                if found.locked_until_ns > now:
                    raise AccessDenied("it is under retention", where=printable(below))

    def check_room(self, size: int) -> None:
        """`OutOfSpace` if that many bytes do not fit."""
        if self.quota_bytes is not None and self.used() + size > self.quota_bytes:
            raise OutOfSpace(
                f"the quota of {self.quota_bytes} bytes is used up",
                where=f"memory:{self.name}",
                hint="Remove something and run the command again.",
            )

    def used(self) -> int:
        """Bytes in files, those in the trash included."""
        nodes = [self.root, *(discarded.node for discarded in self.trash.values())]
        return sum(len(found.content) for node in nodes for _, found in self.walk("", node))

    def walk(self, path: str, node: Node) -> Iterator[tuple[str, Node]]:
        """A node and all below it, in the order in which listings are merged; a directory comes first."""
        yield path, node
        for name, child in ordered(node):
            yield from self.walk(join(path, name), child)

    def folder(self, path: str) -> Node:
        """The directory at a path, made with its parents if need be."""
        node, below = self.root, ""
        for given in path.split("/") if path else ():
            name = self._name(node, given)
            below = join(below, name)
            child = node.children.get(name)
            if child is None:
                child = node.children[name] = Node(Kind.DIRECTORY, self.clock())
                self._note(below)
            if not child.is_dir:
                raise Conflict("a file stands where a directory is needed", where=printable(below))
            node = child
        return node

    def put(self, path: str, node: Node, condition: Condition | None = None) -> Node:
        """Put a node at a path in place of what is there."""
        path = self._spelled(path)
        self.check(condition, path)
        old = self.find(path)
        if old is not None and old.is_dir and (not node.is_dir or old.children):
            raise Conflict("a directory stands there", where=printable(path))
        if old is not None and node.is_dir and not old.is_dir:
            raise Conflict("a file stands there", where=printable(path))
        self.check_free(path)
        parent, _, name = path.rpartition("/")
        self.folder(parent).children[name] = node
        for below, found in self.walk(path, node):
            self._remember(below, found)
        return node

    def take(self, path: str) -> Node:
        """Take out what is at a path, with all below it."""
        path = self._spelled(path)
        node = self.get(path)
        self.check_free(path)
        parent, _, name = path.rpartition("/")
        del self.get(parent).children[name]
        for below, found in self.walk(path, node):
            self._remember(below, None, was_file=not found.is_dir)
        if not self.keeps_dirs and parent and not self.get(parent).children:
            self.take(parent)
        return node

    def swap(self, path: str, node: Node) -> Node:
        """Put a node in place of one of the same content."""
        if not path:
            self.root = node
            return node
        path = self._spelled(path)
        parent, _, name = path.rpartition("/")
        self.get(parent).children[name] = node
        for i, state in enumerate(states := self.history.get(path, [])):
            if state.version == node.version:
                states[i] = replace(state, node=node)
        self._note(path)
        return node

    def changed_since(self, step: int) -> list[str] | None:
        """The paths that changed after a step, each once; None if the log does not reach back so far."""
        if step > self._steps or (self.log and step < self.log[0][0] - 1):
            return None
        return list(dict.fromkeys(path for number, path in self.log if number > step))

    @property
    def step(self) -> int:
        """How many changes there have been."""
        return self._steps

    def _remember(self, path: str, node: Node | None, *, was_file: bool = True) -> None:
        self._note(path)
        if node is None and was_file:
            self.history.setdefault(path, []).append(State(self.new_id(), None, self.clock()))
        elif node is not None and node.kind is Kind.FILE:
            assert node.version is not None  # noqa: S101 - files have one
            states = self.history.setdefault(path, [])
            if not states or states[-1].version != node.version:
                states.append(State(node.version, node, self.clock()))

    def _note(self, path: str) -> None:
        self._steps += 1
        self.log.append((self._steps, path))


def ordered(node: Node) -> list[tuple[str, Node]]:
    """The children of a directory in the order in which listings are merged."""
    return sorted(node.children.items(), key=lambda item: order_key(item[0], is_dir=item[1].is_dir))
