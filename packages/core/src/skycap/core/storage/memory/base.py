"""What every verb of `Memory` stands on: the space, what may be asked for, and how a file is stored."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import ClassVar

from skycap.core.errors import Conflict, OutOfSpace, Unsupported
from skycap.core.paths import printable, validate
from skycap.core.storage.capability import Capability
from skycap.core.storage.condition import Condition
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.memory.names import check_names
from skycap.core.storage.memory.space import Node, Space
from skycap.core.units import MiB

_SPACES: dict[str, Space] = {}
_SPACES_LOCK = threading.Lock()
_UNNAMED = itertools.count(1)


class MemoryBase(Storage):
    """A storage on a space."""

    type_name: ClassVar[str] = "memory"
    capabilities = frozenset(Capability) - {Capability.LOCAL_PATH}
    facts = Facts(
        scan_fields=frozenset({"size", "mtime_ns", "stored_at_ns", "version", "target"}),
        scan_ordered=True,
        scan_all_ordered=True,
        hashes=frozenset({"sha256"}),
        metadata_fields=frozenset({"mtime_ns", "mode", "uid", "gid", "xattrs", "content_type", "extra"}),
        part_size=MiB,
        bytes_names=True,
        rename_dirs=True,
        network=False,
    )

    def __init__(
        self,
        name: str | None = None,
        *,
        capabilities: Iterable[Capability] | None = None,
        facts: Facts | None = None,
        quota: int | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if capabilities is not None:
            self.capabilities = frozenset(capabilities)
        if facts is not None:
            self.facts = facts
        self._space = _space(name, clock)
        self._space.keeps_dirs = self.facts.empty_dirs
        self._space.folds_case = not self.facts.case_sensitive
        if quota is not None:
            self._space.quota_bytes = quota

    def __repr__(self) -> str:
        return f"Memory({self._space.name!r})"

    @property
    def identity(self) -> str:
        """This process's space of that name."""
        return f"memory:{self._space.name}"

    def set_quota(self, total: int | None) -> None:
        """Take so many bytes from now on."""
        with self._space.lock:
            self._space.quota_bytes = total

    def need(self, capability: Capability, *, path: str = "") -> None:
        """`Unsupported` if it was taken away."""
        if capability not in self.capabilities:
            self.refuse(capability, path)

    def allow(
        self,
        condition: Condition | None,
        if_absent: Capability | None,
        if_version: Capability,
        *,
        path: str,
    ) -> None:
        """`Unsupported` for a condition whose capability was taken away, or that the verb has not."""
        if condition is None:
            return
        wanted = if_version if condition.version is not None or if_absent is None else if_absent
        if condition.version is None and if_absent is None:
            raise Unsupported("nothing can be removed if nothing is there", where=printable(path) or None)
        self.need(wanted, path=path)

    def checked(self, path: str, *, root: bool = False) -> str:
        """The path, if this storage can hold it."""
        if not validate(path) and not root:
            raise Conflict("the root of a storage is a directory", where=self.identity)
        check_names(path, self.facts)
        return path

    def store(
        self, path: str, content: bytes, metadata: Metadata | None, condition: Condition | None
    ) -> Entry:
        """Put a new file in its place, if the condition holds."""
        if self.facts.max_size is not None and len(content) > self.facts.max_size:
            raise OutOfSpace(f"a file has at most {self.facts.max_size} bytes here", where=printable(path))
        with self._space.lock:
            old = self._space.find(path)
            self._space.check_room(len(content) - (len(old.content) if old else 0))
            now = self._space.clock()
            node = Node(Kind.FILE, now, self._kept(metadata), content, self._space.new_id())
            return self._space.put(path, node, condition).entry(path)

    def _kept(self, metadata: Metadata | None) -> Metadata:
        if metadata is None:
            return Metadata()
        kept = {name: getattr(metadata, name) for name in self.facts.metadata_fields}
        step = self.facts.mtime_precision_ns
        if kept.get("mtime_ns") is not None and step:
            kept["mtime_ns"] -= kept["mtime_ns"] % step
        return Metadata(**kept)

    def renewed(self, node: Node) -> Node:
        """The same with a version of its own, where it has one."""
        return node if node.version is None else replace(node, version=self._space.new_id())

    def full_entry(self, path: str, node: Node) -> Entry:
        """What a look at one tells: metadata and hash too."""
        entry = node.entry(path)
        metadata = replace(node.metadata, mtime_ns=entry.mtime_ns)
        if node.kind is not Kind.FILE or "sha256" not in self.facts.hashes:
            return entry._replace(metadata=metadata)
        return entry._replace(metadata=metadata, hashes={"sha256": hashlib.sha256(node.content).hexdigest()})


def _space(name: str | None, clock: Callable[[], int]) -> Space:
    if name is None:
        return Space(f"#{next(_UNNAMED)}", clock)
    with _SPACES_LOCK:
        return _SPACES.setdefault(name, Space(name, clock))
