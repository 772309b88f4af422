"""Storages that stand in for stores which can do less, or do it in another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry
from skycap.core.storage.facts import Facts
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.upload import Upload
from skycap.core.testing.faults import Faulty

PART = 1024 * 1024


class Untimed(Faulty):
    """A store whose listing carries no time, as object stores are. It counts calls and fails on cue."""

    def __init__(self, inner: Any = None) -> None:
        super().__init__(inner or Memory())
        self.capabilities = self.capabilities - {Capability.BULK_WRITE}

    @property
    def facts(self) -> Facts:  # type: ignore[override]
        return replace(self.inner.facts, scan_fields=frozenset({"size", "version"}))

    def _listing(self, verb: str, path: str, entries: Iterator[Entry]) -> Iterator[Entry]:
        for entry in super()._listing(verb, path, entries):
            yield entry._replace(mtime_ns=None, stored_at_ns=None)

    def requests(self) -> int:
        """Calls that were not listings."""
        return sum(call.verb not in {"scan", "scan_all"} for call in self.calls)


class InParts(Faulty):
    """A store that takes everything from one part on in parts of a MiB, perhaps only in their order."""

    def __init__(self, inner: Any, *, ordered: bool = False, connections: int = 4) -> None:
        inner.facts = replace(inner.facts, part_size=PART, upload_from=PART, connections=connections)
        super().__init__(inner)
        self.capabilities = self.capabilities - {Capability.BULK_WRITE, Capability.COPY}
        self._ordered = ordered
        self.parts: list[int] = []

    @property
    def facts(self) -> Facts:  # type: ignore[override]
        return self.inner.facts

    def _uploading(self, upload: Upload) -> Upload:
        found = super()._uploading(upload)
        found.ordered = self._ordered
        put = found.put_part

        def put_part(index: int, data: bytes | memoryview, *, last: bool = False) -> None:
            put(index, data, last=last)
            self.parts.append(index)

        found.put_part = put_part  # type: ignore[method-assign]
        return found


def local_in_parts(root: Path, **more: Any) -> InParts:
    return InParts(Local(root), **more)
