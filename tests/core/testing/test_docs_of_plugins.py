"""The `write` that docs/plugins/storage.md shows, copied verbatim, keeps the promises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import NotFound
from skycap.core.storage import FULL, BinaryReader, Facts, Storage, known_size, opened
from skycap.core.storage.memory import Memory
from skycap.core.testing import StorageConformance

PAGE = Path(__file__).parents[3] / "docs/plugins/storage.md"


def shown() -> Any:
    """The function of the page."""
    section = PAGE.read_text(encoding="utf-8").partition("## One that is written to")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(compile(code[1], str(PAGE), "exec"), names)
    return names["write"]


class _Client:
    """The service: a whole file at a time."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def put(self, path: str, data: bytes) -> None:
        self._memory.checked(path)  # a service refuses names that are too long
        self._memory.store(path, data, None, None)


class _Box(Memory):
    capabilities = FULL
    facts: Facts = replace(Memory.facts, metadata_fields=frozenset(), mtime_precision_ns=None)
    write = shown()

    def __init__(self) -> None:
        super().__init__(capabilities=FULL, facts=type(self).facts)
        self._client = _Client(self)


class TestTheWriteOfThePage(StorageConformance):
    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        with _Box() as storage:
            yield storage


class _Pieces:
    """A stream that breaks the promise of `read`, as those of some SDKs do."""

    def __init__(self) -> None:
        self._pieces = [b"one", b"two", b"three"]

    def read(self, size: int = -1, /) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


class _Again:
    def open(self) -> Any:
        from contextlib import nullcontext

        return nullcontext(_Pieces())


@pytest.mark.parametrize("make", [_Pieces, _Again])
@pytest.mark.parametrize("size", [None, 11])
def test_all_is_read_of_a_stream_that_gives_one_piece(make: Any, size: int | None) -> None:
    with opened(make(), size) as reader:
        assert isinstance(reader, BinaryReader)
        assert reader.read() == b"onetwothree"
        assert reader.read() == b""


def test_the_size_of_a_path_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        known_size(tmp_path / "absent")
    assert "absent" in str(caught.value.where)
