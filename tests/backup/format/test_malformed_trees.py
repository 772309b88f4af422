"""Directories and contents that authenticate and still cannot be right, or are hostile."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.backup.format import packed
from skycap.backup.format.contents import Content, expand
from skycap.backup.format.keys import Keys
from skycap.backup.format.nodes import Node, NodeType
from skycap.backup.format.suites import Suite
from skycap.backup.format.trees import nodes_of, pieces
from skycap.core.errors import Damaged, Error, TamperDetected
from tests.backup.format.conftest import MASTER, REPOSITORY

KEYS = Keys(MASTER, REPOSITORY, Suite.AES_256_GCM)
NAME = b"n" * 32
FILE = Node(b"name", NodeType.FILE, size=100, content=Content())


def piece(*nodes: Any) -> bytes:
    return packed.dumps([1, list(nodes)])


@pytest.mark.parametrize(
    "name",
    [b"", b".", b"..", b"a/b", b"/", b"a\0", b"x" * 65_536, "text", None],
    ids=lambda name: repr(name)[:9],
)
def test_a_hostile_name_is_refused_when_read_and_when_written(name: Any) -> None:
    for act in (
        lambda: list(nodes_of([piece(FILE._replace(name=name))])),
        lambda: list(pieces(KEYS, [FILE._replace(name=name)])),
    ):
        with pytest.raises(TamperDetected) as caught:
            act()
        assert caught.value.hint


def test_a_name_that_comes_twice_is_refused_within_a_piece_and_across() -> None:
    for wrong in ([piece(FILE, FILE)], [piece(FILE), piece(FILE)], [piece(FILE._replace(name=b"o"), FILE)]):
        with pytest.raises(TamperDetected):
            list(nodes_of(wrong))


@pytest.mark.parametrize(
    "change",
    [
        {"type": 0},
        {"type": 7},
        {"type": "1"},
        {"mode": 0o10000},
        {"mode": -1},
        {"mode": 1.5},
        {"uid": 2**32},
        {"gid": -1},
        {"user": "text"},
        {"group": None},
        {"mtime_ns": 2**63},
        {"ctime_ns": None},
        {"inode": -1},
        {"link": b"short"},
        {"link": 5},
        {"size": -1},
        {"size": True},
        {"size": 2**63},
        {"content": None},
        {"content": [0]},
        {"content": [9, b""]},
        {"content": [0, b"x"]},
        {"content": [True, b""]},
        {"target": b"x"},
        {"holes": []},
        {"holes": 5},
        {"holes": [5]},
        {"holes": [[0, 101]]},
        {"holes": [[0, 0]]},
        {"holes": [[-1, 5]]},
        {"holes": [[0, 5], [5, 5]]},
        {"holes": [[9, 5], [0, 5]]},
        {"holes": [["0", 5]]},
        {"xattrs": {}},
        {"xattrs": [5]},
        {"xattrs": [[b"a"]]},
        {"xattrs": [["a", b""]]},
        {"xattrs": [[b"b", b""], [b"a", b""]]},
        {"xattrs": [[b"a", b""], [b"a", b""]]},
        {"xattrs": [[b"a", 5]]},
        {"xattrs": [[b"a", [-1, 0, b""]]]},
        {"xattrs": [[b"a", [1, 0, b"x"]]]},
        {"xattrs": [[b"a", bytes(65_537)]]},
        {"extra": []},
        {"extra": {b"a": 1}},
        {"extra": {"a": []}},
        {"extra": {"a": 1.5}},
        {"type": 2},
        {"type": 2, "size": 0, "target": b"x"},
        {"type": 2, "size": 0, "content": None},
        {"type": 3, "size": 0, "content": None},
        {"type": 3, "size": 0, "content": None, "target": b""},
        {"type": 3, "size": 0, "target": b"x"},
        {"type": 3, "content": None, "target": b"x"},
        {"type": 4, "size": 0, "content": None, "target": b"x"},
        {"type": 4, "size": 0, "content": None, "holes": [[0, 1]]},
        {"type": 5, "size": 0, "content": None},
        {"type": 5, "size": 0, "content": None, "target": [1]},
        {"type": 6, "size": 0, "content": None, "target": [1, -1]},
        {"type": 6, "size": 0, "content": None, "target": ["1", 1]},
    ],
    ids=repr,
)
def test_a_node_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Damaged):
        list(nodes_of([piece(FILE._replace(**change))]))


@pytest.mark.parametrize(
    "raw", [packed.dumps([2, []]), packed.dumps([1, 5]), packed.dumps([1, [5]]), piece(FILE[:16])]
)
def test_what_is_no_directory_is_refused(raw: bytes) -> None:
    with pytest.raises(Damaged):
        list(nodes_of([raw]))


@pytest.mark.parametrize(
    "raw",
    [packed.dumps([1, 0, b""]), packed.dumps([2, 1, NAME]), packed.dumps([2, 0, b"x"]), packed.dumps([2, 0])],
)
def test_what_is_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(Damaged):
        list(expand(Content(1, NAME), {NAME: raw}.__getitem__))


@given(value=st.binary(max_size=80))
def test_any_bytes_are_a_directory_or_an_error(value: bytes) -> None:
    for raw in (value, b"\x92\x01" + value):
        with suppress(Error):
            list(nodes_of([raw]))
