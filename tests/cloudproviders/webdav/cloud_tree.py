"""What an emulated cloud keeps: files with ids and versions, folders, a trash. All in memory."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Node:
    """A file, or a folder where `content` is None."""

    id: int
    content: bytes | None
    mtime: int
    etag: str
    checksum: str = ""
    versions: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Dropped:
    """What is in the trash: the nodes of a file or of a folder with all below it, by path from it."""

    name: str
    origin: str
    at: int
    nodes: dict[str, Node]


class Refused(Exception):
    """The status and the words of an answer that says no."""

    def __init__(self, status: int, message: str = "", exception: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message or str(status)
        self.exception = exception


class Tree:
    """The files of one user, by path. Whoever uses it holds `lock`.

    Its clock goes on by a second with each change: versions are named by seconds, and a real cloud keeps one
    a second at most.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._ids = itertools.count(100)
        self._etags = itertools.count(1)
        self._now = int(time.time()) - 10_000
        self.nodes: dict[str, Node] = {"": self._new(None)}
        self.trash: dict[str, Dropped] = {}

    def now(self) -> int:
        self._now += 1
        return self._now

    def _new(self, content: bytes | None) -> Node:
        return Node(next(self._ids), content, self.now(), self.etag())

    def etag(self) -> str:
        return f"{next(self._etags):013x}"

    def get(self, path: str) -> Node:
        if path not in self.nodes:
            raise Refused(
                404, f"File with name {path} could not be located", "Sabre\\DAV\\Exception\\NotFound"
            )
        return self.nodes[path]

    def parent_of(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent not in self.nodes or self.nodes[parent].content is not None:
            raise Refused(409, "Parent node does not exist", "Sabre\\DAV\\Exception\\Conflict")

    def below(self, path: str) -> list[str]:
        """All paths below a folder."""
        start = f"{path}/" if path else ""
        return [one for one in self.nodes if one and one != path and one.startswith(start)]

    def members(self, path: str) -> list[str]:
        start = f"{path}/" if path else ""
        return [one for one in self.below(path) if "/" not in one[len(start) :]]

    def make_folder(self, path: str) -> None:
        if path in self.nodes:
            raise Refused(405, "The resource you tried to create already exists")
        self.parent_of(path)
        self.nodes[path] = self._new(None)

    def put(self, path: str, content: bytes, mtime: int | None, checksum: str) -> tuple[Node, bool]:
        """Store a file; what was there becomes a version. The node, and whether it is new."""
        self.parent_of(path)
        node = self.nodes.get(path)
        if node is not None and node.content is None:
            raise Refused(409, "PUT is not allowed on non-files.", "Sabre\\DAV\\Exception\\Conflict")
        if new := node is None:
            node = self.nodes[path] = self._new(content)
        elif node.content is not None:
            node.versions[node.mtime] = node.content
        node.content, node.etag, node.checksum = content, self.etag(), checksum
        node.mtime = self.now() if mtime is None else mtime
        return node, new

    def take(self, path: str) -> dict[str, Node]:
        """Take a node and all below it out of the tree, by path from it."""
        self.get(path)
        found = {"": self.nodes.pop(path)}
        for one in self.below(path):
            found[one[len(path) :]] = self.nodes.pop(one)
        return found

    def drop(self, path: str) -> None:
        """Move it into the trash."""
        nodes, at = self.take(path), self.now()
        name = f"{path.rpartition('/')[2]}.d{at}"
        self.trash[name] = Dropped(name, path, at, nodes)

    def hang(self, path: str, nodes: dict[str, Node]) -> None:
        for rest, node in nodes.items():
            self.nodes[path + rest] = node

    def copy(self, source: str, target: str) -> None:
        self.get(source)
        for rest in ["", *(one[len(source) :] for one in self.below(source))]:
            old = self.nodes[source + rest]
            self.nodes[target + rest] = Node(
                next(self._ids), old.content, old.mtime, self.etag(), old.checksum
            )
