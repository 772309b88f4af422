"""Random walks through a storage, compared step by step with the storage in memory.

    TestBoxWalks = storage_walks(lambda: Box(new_root()))

Each step is done to both. They must answer the same, or refuse with an error of the same class, and at the
end hold the same. What the storage does not declare is left out; what is so about it is also so about the
one in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from skycap.core.errors import Conflict, Error, NotFound
from skycap.core.paths import join
from skycap.core.storage import IF_ABSENT, Capability, Condition, Entry, Kind, Metadata, Storage, if_version
from skycap.core.storage.memory import Memory
from skycap.core.testing.conformance.sources import Breaking, SourceBroke, Stream

# Few names, so that steps meet; deep enough for directories in the way of files and the other way round.
_NAMES = st.sampled_from(["a", "b", "a b", "é", "a.b"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_CONTENTS = st.binary(max_size=40) | st.integers(1, 3).map(lambda n: b"large" * n * 20_000)
_MTIMES = st.integers(10**17, 2 * 10**18)
_CONDITIONS = st.sampled_from(["none", "none", "absent", "current", "stale"])


class StorageWalk(RuleBasedStateMachine):
    """The rules. `storage_walks` makes a test of them."""

    make_storage: Callable[[], Storage]

    @initialize()
    def begin(self) -> None:
        """Two empty storages."""
        self.storage = type(self).make_storage()
        facts = replace(
            Memory.facts,
            empty_dirs=self.storage.facts.empty_dirs,
            rename_dirs=self.storage.facts.rename_dirs,
        )
        self.oracle = Memory(facts=facts)
        self.both = (self.storage, self.oracle)

    def teardown(self) -> None:
        """Hold them side by side for the last time."""
        if hasattr(self, "storage"):
            assert _tree(self.storage) == _tree(self.oracle)
            self.storage.close()

    def _can(self, *needed: Capability) -> bool:
        return hasattr(self, "storage") and self.storage.can(*needed)

    def _same(self, step: Callable[[Storage], Any]) -> Any:
        answers = [_outcome(step, storage) for storage in self.both]
        assert answers[0] == answers[1], f"{self.storage!r}: {answers[0]!r}, in memory: {answers[1]!r}"
        return answers[0]

    def _condition(self, storage: Storage, path: str, kind: str) -> Condition | None:
        if kind == "none":
            return None
        if kind == "absent":
            return IF_ABSENT
        try:
            version = storage.stat(path).version
        except NotFound:
            version = None
        return if_version(version if version is not None and kind == "current" else "stale")

    def _allowed(self, kind: str, if_absent: Capability, by_version: Capability) -> str:
        needed = {"none": (), "absent": (if_absent,)}.get(kind, (by_version,))
        return kind if self._can(*needed) else "none"

    @rule(path=_PATHS, content=_CONTENTS, mtime_ns=_MTIMES, kind=_CONDITIONS, streamed=st.booleans())
    def write(self, path: str, content: bytes, mtime_ns: int, kind: str, streamed: bool) -> None:
        """Store a file, or be refused."""
        kind = self._allowed(kind, Capability.WRITE_IF_ABSENT, Capability.WRITE_IF_VERSION)
        if not self._free(path):
            return

        def step(storage: Storage) -> Any:
            return storage.write(
                path,
                Stream(content, 1000) if streamed else content,
                size=len(content),
                metadata=Metadata(mtime_ns=mtime_ns),
                condition=self._condition(storage, path, kind),
            )

        self._same(step)

    @rule(path=_PATHS, content=_CONTENTS)
    def write_what_breaks(self, path: str, content: bytes) -> None:
        """A source that raises changes nothing."""
        if not self._free(path) or self._below_a_file(path):
            return
        for storage in self.both:
            storage.make_dir(path.rpartition("/")[0])  # whether a failure leaves parents is nobody's promise
            try:
                storage.write(path, Breaking(content), size=len(content) + 1)
            except (SourceBroke, Conflict):
                continue
            raise AssertionError("a source that raised was stored")

    @rule(path=_PATHS)
    def make_dir(self, path: str) -> None:
        """Make a directory."""
        if self._free(path):
            self._same(lambda storage: storage.make_dir(path))

    @rule(path=_PATHS)
    def remove(self, path: str) -> None:
        """Remove a file or an empty directory."""
        if self.oracle.facts.empty_dirs or not _is_dir(self.oracle, path):
            self._same(lambda storage: storage.remove(path))

    @precondition(lambda self: self._can(Capability.REMOVE_TREE))
    @rule(path=_PATHS)
    def remove_tree(self, path: str) -> None:
        """Remove what is there, with all below it."""
        self._same(lambda storage: storage.remove_tree(path))

    @precondition(lambda self: self._can(Capability.REMOVE_MANY))
    @rule(paths=st.lists(_PATHS, max_size=4, unique=True))
    def remove_many(self, paths: list[str]) -> None:
        """Remove files."""
        chosen = [path for path in paths if not _is_dir(self.oracle, path)]
        self._same(lambda storage: sorted((path, type(e)) for path, e in storage.remove_many(chosen)))

    @precondition(lambda self: self._can(Capability.COPY))
    @rule(source=_PATHS, to=_PATHS, kind=_CONDITIONS)
    def copy(self, source: str, to: str, kind: str) -> None:
        """Copy a file."""
        kind = self._allowed(kind, Capability.COPY_IF_ABSENT, Capability.COPY_IF_VERSION)
        if source == to or not self._free(to) or _is_dir(self.oracle, source):
            return
        self._same(lambda storage: storage.copy(source, to, condition=self._condition(storage, to, kind)))

    @precondition(lambda self: self._can(Capability.RENAME))
    @rule(source=_PATHS, to=_PATHS, kind=_CONDITIONS)
    def rename(self, source: str, to: str, kind: str) -> None:
        """Move a file, or a directory where that can be done."""
        kind = self._allowed(kind, Capability.RENAME_IF_ABSENT, Capability.RENAME_IF_VERSION)
        if source == to or not self._free(to):
            return
        if _is_dir(self.oracle, source) and (not self.storage.facts.rename_dirs or kind != "none"):
            return
        self._same(lambda storage: storage.rename(source, to, condition=self._condition(storage, to, kind)))

    @precondition(lambda self: self._can(Capability.UPLOAD))
    @rule(path=_PATHS, content=_CONTENTS, kind=_CONDITIONS, completed=st.booleans())
    def upload(self, path: str, content: bytes, kind: str, completed: bool) -> None:
        """One part, then complete or abort."""
        kind = self._allowed(kind, Capability.UPLOAD_IF_ABSENT, Capability.UPLOAD_IF_VERSION)
        if not self._free(path) or _is_dir(self.oracle, path) or self._below_a_file(path):
            return

        def step(storage: Storage) -> Any:
            storage.make_dir(path.rpartition("/")[0])  # whether a failure leaves parents is nobody's promise
            with storage.begin_upload(path, size=len(content)) as upload:
                upload.put_part(0, content, last=True)
                if completed:
                    return upload.complete(self._condition(storage, path, kind))
                upload.abort()
            return None

        self._same(step)

    @rule(path=_PATHS)
    def stat(self, path: str) -> None:
        """Look."""
        if self.oracle.facts.empty_dirs or not _is_dir(self.oracle, path):
            self._same(lambda storage: storage.stat(path))

    @rule(path=_PATHS, offset=st.integers(0, 50), length=st.none() | st.integers(0, 50))
    def read(self, path: str, offset: int, length: int | None) -> None:
        """Read a range."""
        if not _is_dir(self.oracle, path):
            self._same(lambda storage: _range(storage, path, offset, length))

    @rule(path=st.just("") | _PATHS)
    def scan(self, path: str) -> None:
        """List a level."""
        self._same(lambda storage: sorted(_seen(entry) for entry in storage.scan(path)))

    @precondition(lambda self: self._can(Capability.SCAN_ALL))
    @rule(path=st.just("") | _PATHS)
    def scan_all(self, path: str) -> None:
        """List all levels."""
        self._same(lambda storage: sorted(_seen(entry) for entry in storage.scan_all(path)))

    @invariant()
    def the_root_is_the_same(self) -> None:
        """The names on top agree after every step."""
        if hasattr(self, "storage"):
            self._same(lambda storage: sorted(_seen(entry) for entry in storage.scan("")))

    def _free(self, path: str) -> bool:
        """Whether a file may go there: object stores take a file below a file, and one beside a prefix."""
        if self.oracle.facts.empty_dirs:
            return True
        return not _is_dir(self.oracle, path) and not self._below_a_file(path)

    def _below_a_file(self, path: str) -> bool:
        parents = path.split("/")[:-1]
        return any(
            _kind(self.oracle, join(*parents[: n + 1])) not in {None, Kind.DIRECTORY}
            for n in range(len(parents))
        )


def storage_walks(make_storage: Callable[[], Storage], *, examples: int = 30, steps: int = 30) -> Any:
    """A test case of random walks. `make_storage` gives an empty storage each time."""

    class Walk(StorageWalk):
        pass

    Walk.make_storage = staticmethod(make_storage)
    case = Walk.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    return case


def _outcome(step: Callable[[Storage], Any], storage: Storage) -> Any:
    try:
        answer = step(storage)
    except Error as error:
        return type(error)
    return _seen(answer) if isinstance(answer, Entry) else answer


def _seen(entry: Entry) -> tuple[str, str, int | None]:
    return entry.path, entry.kind.value, entry.size


def _range(storage: Storage, path: str, offset: int, length: int | None) -> bytes:
    with storage.read(path, offset=offset, length=length) as reader:
        return b"".join(iter(lambda: reader.read(65536), b""))


def _kind(storage: Storage, path: str) -> Kind | None:
    try:
        return storage.stat(path).kind
    except NotFound:
        return None


def _is_dir(storage: Storage, path: str) -> bool:
    return _kind(storage, path) is Kind.DIRECTORY


def _tree(storage: Storage, path: str = "") -> dict[str, bytes | None]:
    """All there is: the content of files, None for directories."""
    found: dict[str, bytes | None] = {}
    for entry in storage.scan(path):
        if entry.is_dir:
            found[entry.path] = None
            found.update(_tree(storage, entry.path))
        else:
            found[entry.path] = _range(storage, entry.path, 0, None)
    return found
