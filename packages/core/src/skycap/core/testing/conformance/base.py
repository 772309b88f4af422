"""What the parts of the conformance suite share: how a file gets there, and what is skipped."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from skycap.core.errors import NotFound
from skycap.core.storage import FULL, Capability, Entry, Storage
from skycap.core.units import MiB


class ConformanceBase:
    """The fixture and the helpers. Tests are skipped by what is declared, and by nothing else."""

    @pytest.fixture
    def storage(self) -> Storage:
        """An empty storage of the type that is tested."""
        raise NotImplementedError("give a fixture `storage` with an empty storage")

    @pytest.fixture
    def other(self) -> Storage | None:
        """Another empty place of the type, where one can be had: override it."""
        return None

    def reopened(self, storage: Storage) -> Storage:
        """Another storage on the same place, as another process has it. Override it where that can be had."""
        return storage

    def put(self, storage: Storage, path: str, content: bytes = b"") -> str:
        """Arrange that a file is there; its path. Override it for storages that cannot write."""
        if not storage.can(Capability.WRITE):
            pytest.skip("does not declare write")
        return storage.write(path, content, size=len(content)).path


def needs(storage: Storage, *capabilities: Capability) -> None:
    """Skip the test if one of these is not declared."""
    missing = [capability.value for capability in capabilities if not storage.can(capability)]
    if missing:
        pytest.skip(f"does not declare {', '.join(missing)}")


def needs_full(storage: Storage, *capabilities: Capability) -> None:
    """Skip the test unless it reads, lists, writes and removes, and has these too."""
    needs(storage, *sorted(FULL), *capabilities)
    if storage.facts.names_on_write:
        pytest.skip("the store chooses the names")


def needs_dirs(storage: Storage) -> None:
    """Skip the test where directories are only prefixes."""
    if not storage.facts.empty_dirs:
        pytest.skip("directories are only prefixes")


def content_of(storage: Storage, path: str, *, version: str | None = None) -> bytes:
    """All bytes of a file, read in pieces."""
    with storage.read(path, version=version) if version else storage.read(path) as reader:
        return b"".join(iter(lambda: reader.read(MiB), b""))


def same_as_look(storage: Storage, entry: Entry) -> None:
    """What a verb answered is what a look tells; what it does not know is None."""
    if not storage.can(Capability.READ):
        return
    seen = storage.stat(entry.path)
    assert (entry.path, entry.kind, entry.size) == (seen.path, seen.kind, seen.size)
    for field in ("mtime_ns", "version", "target"):
        told = getattr(entry, field)
        assert told in {None, getattr(seen, field)}, f"{field} is {told!r}, and a look tells another one"
    for kind, value in (entry.hashes or {}).items():
        assert (seen.hashes or {}).get(kind, value) == value, f"a look tells another {kind}"


def is_there(storage: Storage, path: str) -> bool:
    """Whether something is at a path."""
    try:
        storage.stat(path)
    except NotFound:
        return False
    return True


def listed(storage: Storage, path: str = "") -> dict[str, Entry]:
    """One level by path; each once."""
    found: dict[str, Entry] = {}
    for entry in storage.scan(path):
        assert entry.path not in found, f"{entry.path!r} was listed twice"
        found[entry.path] = entry
    return found


def paths_of(entries: Iterable[Entry]) -> list[str]:
    """The paths, as they came."""
    return [entry.path for entry in entries]


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat, the same ones every time."""
    return random.Random(f"{size}/{seed}").randbytes(size)


def whole_version(storage: Storage, path: str) -> str:
    """The version of what is there; one that is declared to be checked must be known."""
    version = storage.stat(path).version
    assert version is not None, "conditions on versions are declared, and stat knows no version"
    return version
