"""What needs no server: times, sizes of parts, hashes of parts in any order, what the cache believes."""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ProviderError
from skycap.core.http import Response
from skycap.core.retry import Operation
from skycap.internxt.api.errors import LinkExpired, error_of, object_error
from skycap.internxt.api.models import File, Folder, OldVersion, time_ns, time_text
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.shards import ShardHash
from skycap.internxt.storage.cache import Cache
from skycap.internxt.storage.ordered import Ordered
from skycap.internxt.storage.sealing import Ahead, Digests, Joined, SealedReader
from skycap.internxt.storage.upload import has_expired, part_size_for

_CONTENT = Content(Secret(bytes(range(32))), b"\xff" * 16 + bytes(16))
_ROOT = Folder("root", "")


@given(st.integers(-(10**18), 10**19))
def test_a_time_comes_back_to_the_millisecond(moment_ns: int) -> None:
    assert time_ns(time_text(moment_ns)) == moment_ns // 10**6 * 10**6


@pytest.mark.parametrize("text", ["2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.678123456Z"])
def test_more_digits_of_a_time_do_no_harm(text: str) -> None:
    assert time_ns(text) is not None


@pytest.mark.parametrize("value", [None, "", "yesterday", 12, {}])
def test_what_is_no_time_is_none(value: object) -> None:
    assert time_ns(value) is None


@given(st.integers(1, 5 * 1024**4), st.integers(1, 2**30))
def test_parts_are_whole_blocks_and_never_too_many(size: int, wanted: int) -> None:
    part_size = part_size_for(size, wanted)
    assert part_size % 16 == 0
    assert part_size >= wanted
    assert -(-size // part_size) <= 10_000


@pytest.mark.parametrize(
    ("query", "over"),
    [
        ("X-Amz-Date=20240101T000000Z&X-Amz-Expires=60", True),
        ("X-Amz-Date=20991231T000000Z&X-Amz-Expires=60", False),
        ("x-amz-date=20240101T000000Z&x-amz-expires=60", True),
        ("X-Amz-Date=20240101T000000Z", False),
        ("X-Amz-Date=nonsense&X-Amz-Expires=60", False),
        ("", False),
    ],
)
def test_a_link_tells_when_it_is_over(query: str, over: bool) -> None:
    assert has_expired(f"https://store.example/object?{query}", 1_800_000_000.0) is over


def test_a_size_may_be_text_or_a_number_and_a_missing_type_is_none() -> None:
    for size in ("12", 12):
        for type_ in (None, "", "txt"):
            found = {"uuid": "u", "size": size, "plainName": "a", "type": type_, "fileId": "f" * 24}
            assert File.read(found).size == 12
            assert File.read(found).name == ("a.txt" if type_ else "a")


def test_a_raw_row_of_a_folder_is_read_as_well() -> None:
    row = {
        "uuid": "u",
        "plain_name": "a",
        "parent_uuid": "p",
        "modification_time": "2024-01-02T03:04:05.000Z",
    }
    assert Folder.read(row) == Folder("u", "a", "p", time_ns("2024-01-02T03:04:05.000Z"))
    assert Folder.read({**row, "deleted": True}).status == "TRASHED"
    assert Folder.read({**row, "removed": True, "deleted": True}).status == "DELETED"


@pytest.mark.parametrize("reads", [File.read, Folder.read, OldVersion.read])
def test_an_answer_without_an_id_is_told_as_such(reads: Any) -> None:
    with pytest.raises(ProviderError, match="has no"):
        reads({"size": 1})


@pytest.mark.parametrize(
    ("status", "exit_status", "retryable"),
    [
        (400, 21, False),
        (401, 34, False),
        (402, 6, False),
        (403, 6, False),
        (404, 4, False),
        (406, 32, False),
        (408, 19, True),
        (409, 32, False),
        (420, 29, False),
        (422, 32, False),
        (429, 19, True),
        (500, 13, True),
        (503, 13, True),
    ],
)
def test_every_status_has_its_error(status: int, exit_status: int, retryable: bool) -> None:
    for body in (b'{"message": ["one", "two"]}', b'{"error": "one; two"}', b"<html>", b"[]"):
        answer = Response(status, {"retry-after": "3"}, body, "https://drive.example/x")
        error = error_of(answer, where="dir/file", operation=Operation.UPLOAD)
        assert (error.exit_status, error.retryable, error.where) == (exit_status, retryable, "dir/file")
        assert ("one; two" in error.message) == body.startswith(b"{")
    assert error.retry_after in {None, 3.0}


@pytest.mark.parametrize(
    ("status", "operation", "exit_status", "retryable"),
    [
        (403, Operation.UPLOAD, 13, True),
        (403, Operation.DOWNLOAD, 14, True),
        (404, Operation.UPLOAD, 13, True),
        (404, Operation.DOWNLOAD, 4, False),
        (503, Operation.UPLOAD, 13, True),
    ],
)
def test_a_link_that_has_expired_can_be_had_anew(
    status: int, operation: Operation, exit_status: int, retryable: bool
) -> None:
    error = object_error(status, {}, where="file", operation=operation)
    assert (error.exit_status, error.retryable) == (exit_status, retryable)
    assert isinstance(error, LinkExpired) == (status == 403 and operation is Operation.UPLOAD)


def _whole(data: bytes) -> tuple[str, str]:
    shard = ShardHash()
    shard.update(_CONTENT.at(0).update(data))
    return shard.hexdigest(), hashlib.sha256(data).hexdigest()


@given(st.binary(max_size=400), st.permutations(range(8)), st.sampled_from([16, 48, 64]))
def test_parts_in_any_order_have_the_hashes_of_the_whole(
    data: bytes, order: list[int], part_size: int
) -> None:
    count = -(-len(data) // part_size)
    ordered = Ordered(_CONTENT, part_size)
    for index in [index for index in order if index < count] + list(range(8, count)):
        ordered.take(index, data[index * part_size : (index + 1) * part_size])
        ordered.take(index, b"what comes again is not looked at")
    assert ordered.next == count
    assert (ordered.digests.shard.hexdigest(), ordered.digests.sha256) == _whole(data)
    assert ordered.digests.size == len(data)
    ordered.close()
    ordered.close()


@pytest.mark.parametrize("backwards", [False, True])
def test_parts_that_come_at_once_have_the_hashes_of_the_whole(backwards: bool) -> None:
    part_size, count = 300_000 // 16 * 16, 24
    data = bytes(range(256)) * (part_size * count // 256)
    ordered = Ordered(_CONTENT, part_size)
    indexes = range(-(-len(data) // part_size))
    start = threading.Barrier(4)

    def take(index: int) -> None:
        if index < 4 and not backwards:
            start.wait()
        ordered.take(index, memoryview(data)[index * part_size : (index + 1) * part_size])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, reversed(indexes) if backwards else indexes))
    assert (ordered.digests.shard.hexdigest(), ordered.digests.sha256) == _whole(data)
    ordered.close()


@given(st.binary(max_size=2000), st.integers(1, 300), st.integers(1, 300))
def test_a_thread_ahead_changes_no_byte(data: bytes, piece: int, size: int) -> None:
    digests = Digests()
    sealed = SealedReader(Joined(data[:100], io.BytesIO(data[100:])), _CONTENT, digests)
    with Ahead(sealed, piece=piece) as ahead:
        found = b"".join(iter(lambda: ahead.read(size), b""))
        assert ahead.read(1) == ahead.read() == b""
    assert found == _CONTENT.at(0).update(data)
    assert (digests.shard.hexdigest(), digests.sha256) == _whole(data)


def test_what_a_source_raises_comes_through_a_thread_ahead() -> None:
    class Broken:
        def read(self, size: int = -1, /) -> bytes:
            raise ProviderError("it broke")

    with Ahead(Broken()) as ahead:
        for _ in range(2):
            with pytest.raises(ProviderError, match="it broke"):
                ahead.read(1)


def test_a_thread_ahead_ends_where_nobody_reads_on() -> None:
    with Ahead(io.BytesIO(bytes(10_000_000)), piece=1000) as ahead:
        assert ahead.read(3) == bytes(3)
    assert not ahead._thread.is_alive()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _file(name: str, uuid: str = "f") -> File:
    return File(uuid, name, 1, "1" * 24)


def test_what_was_listed_is_believed_for_a_while() -> None:
    clock = Clock()
    cache = Cache(_ROOT, 30.0, clock)
    assert not cache.is_absent("a")
    cache.end_listing("", cache.begin_listing(""), [_file("a"), Folder("d", "dir")])
    assert cache.child("a") == _file("a")
    assert cache.is_absent("b")
    assert cache.folder("dir") is not None
    assert cache.path_of("d") == "dir"
    clock.now += 31
    assert cache.child("a") is None
    assert not cache.is_absent("b")
    assert cache.folder("dir") is None
    assert cache.path_of("d") is None
    assert cache.folder("") is not None


def test_a_listing_that_began_before_a_change_does_not_undo_it() -> None:
    cache = Cache(_ROOT, 30.0, Clock())
    cache.end_listing("", cache.begin_listing(""), [])
    turn = cache.begin_listing("")
    cache.wrote_file("new", _file("new"))
    cache.end_listing("", turn, [])
    assert cache.child("new") == _file("new")


def test_each_change_touches_what_it_changed_and_no_more() -> None:
    cache = Cache(_ROOT, 30.0, Clock())
    cache.end_listing("", cache.begin_listing(""), [_file("stays", "s")])
    cache.made_folder("a", Folder("a", "a"))
    cache.made_folder("a/b", Folder("b", "b"))
    cache.wrote_file("a/b/file", _file("file"))
    cache.moved("a/b", "c", Folder("b", "c"))
    assert cache.folder("a/b") is None
    assert cache.is_absent("a/b")
    assert cache.folder("c") is not None
    assert cache.child("c/file") == _file("file")
    assert cache.child("stays") == _file("stays", "s")
    cache.moved("c/file", "a/file", _file("file"))
    assert cache.is_absent("c/file")
    assert cache.child("a/file") == _file("file")
    cache.removed("a")
    assert cache.folder("a") is None
    assert cache.is_absent("a")
    assert cache.child("stays") == _file("stays", "s")
    cache.forget("stays")
    assert cache.child("stays") is None
    assert not cache.is_absent("stays"), "who forgets does not know that nothing is there"


def test_another_folder_in_the_same_place_takes_nothing_over() -> None:
    cache = Cache(_ROOT, 30.0, Clock())
    cache.made_folder("a", Folder("one", "a"))
    cache.wrote_file("a/file", _file("file"))
    cache.made_folder("a/sub", Folder("sub", "sub"))
    cache.saw_folder("a", Folder("two", "a"))
    assert cache.child("a/file") is None
    assert cache.folder("a/sub") is None


def test_names_of_folders_that_were_listed_first_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skycap.internxt.storage.cache.NAMES_MAX", 3)
    clock = Clock()
    cache = Cache(_ROOT, 30.0, clock)
    for path in ("a", "b"):
        cache.made_folder(path, Folder(path, path))
        clock.now += 1
        cache.end_listing(path, cache.begin_listing(path), [_file("1"), _file("2")])
    assert cache.child("a/1") is None
    assert cache.child("b/1") is not None
