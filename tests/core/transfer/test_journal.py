"""The journal costs each part the same, however many there are, and is enough to go on from."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skycap.core.storage.entry import Metadata
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.upload import Upload
from skycap.core.testing.faults import Faulty
from skycap.core.transfer.journal import Journal
from skycap.core.transfer.parts import PartsMover
from skycap.core.transfer.state import State

PART = 512


class Counted(State):
    """Counts what it is asked to write."""

    written = 0

    def _open(self) -> sqlite3.Connection:
        new = self._connection is None
        connection = super()._open()
        if new:
            connection.set_trace_callback(self._count)
        return connection

    def _count(self, statement: str) -> None:
        self.written += len(statement)


class Small(Faulty):
    """Its uploads have small parts, and give a `state` with a row for each, and nothing else."""

    def __init__(self, root: Path) -> None:
        inner = Local(root)
        inner.facts = replace(inner.facts, part_size=PART)
        super().__init__(inner)

    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        return super().begin_upload(path, metadata=metadata)  # of a known size, parts would be larger


class Telling(Small):
    """Its uploads can also tell each row."""

    def _uploading(self, upload: Upload) -> Upload:
        found = super()._uploading(upload)

        def part_state(index: int) -> Mapping[str, Any]:
            return {"parts": {str(index): upload.state["parts"][str(index)]}}

        found.part_state = part_state  # type: ignore[method-assign]
        return found


def written(folder: Path, storage: Small, count: int) -> int:
    """What the journal of an upload of so many parts costs. At its end it is enough to go on from."""
    content = random.Random(count).randbytes(count * PART)
    state = Counted(str(folder), "a", "b")
    costs = []

    def at_the_end() -> None:
        costs.append(state.written)
        claim = state.claim_upload("file")
        assert claim is not None
        assert sorted(storage.resume_upload(claim.state).done) == list(range(count))

    mover = PartsMover(state, threads=2, memory=10 * PART, cancel=threading.Event())
    with closing(state), closing(mover):
        mover.move(
            storage,
            "file",
            lambda offset, length: content[offset : offset + length],
            content,
            size=len(content),
            fingerprint="print",
            metadata=None,
            on_bytes=lambda size: None,
            on_resume=lambda size: None,
            check_source=at_the_end,
        )
    with storage.read("file") as reader:
        assert reader.read() == content
    return costs[0]


@pytest.mark.parametrize("kind", [Small, Telling])
def test_a_part_costs_the_same_however_many_there_are(tmp_path: Path, kind: type[Small]) -> None:
    costs = {count: written(tmp_path / "state", kind(tmp_path / "target"), count) for count in (1, 101, 401)}
    assert costs[401] - costs[101] <= 3.2 * (costs[101] - costs[1]), costs


class Vague(Upload):
    """Gives one and the same object as its state, changes it in place, and puts nulls where it likes."""

    path, part_size = "file", 1

    def __init__(self) -> None:
        self.now: dict[str, Any] = {"offset": 0, "token": "x"}

    @property
    def state(self) -> Mapping[str, Any]:
        return self.now

    @property
    def done(self) -> Mapping[int, int]:
        return {}

    def put_part(self, index: int, data: bytes | memoryview, *, last: bool = False) -> None:
        self.now["offset"] += 1
        self.now["token"] = None if index % 2 else {"of": index}
        self.now.pop("first", None)
        if not index:
            self.now["first"] = True

    def complete(self, condition: Any = None) -> Any:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError


def test_any_state_that_is_json_is_kept(tmp_path: Path) -> None:
    state, upload = State(str(tmp_path), "a", "b"), Vague()
    journal = Journal(state, upload, "file", "print")
    journal.begin()
    for index in range(6):
        upload.put_part(index, b"x")
        journal.put(index)
        claim = state.claim_upload("file")
        assert claim is not None
        assert claim.state == upload.now
    state.close()


def test_an_upload_is_written_down_as_soon_as_no_other_run_has_its_place(tmp_path: Path) -> None:
    first, second = (State(str(tmp_path), "a", "b") for _ in range(2))
    storage = Memory()
    first.save_upload("file", "print", {"of": "the first"})
    upload = storage.begin_upload("file", size=2)
    journal = Journal(second, upload, "file", "print")
    journal.begin()
    journal.put(0)
    claim = first.claim_upload("file")
    assert claim is not None
    assert claim.state == {"of": "the first"}
    first.end_upload("file")
    first.close()
    journal.put(1)
    second.close()
    third = State(str(tmp_path), "a", "b")
    claim = third.claim_upload("file")
    assert claim is not None
    assert storage.resume_upload(claim.state).path == "file"
    third.close()
