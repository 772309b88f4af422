"""What fails and can pass by itself is done again, and nothing is done twice that must not be."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.errors import (
    AccessDenied,
    Conflict,
    DownloadFailed,
    Error,
    Interrupted,
    RateLimited,
    Timeout,
    UploadFailed,
)
from skycap.core.retry import Policies, Policy, RetryEvent, remaining
from skycap.core.storage import IF_ABSENT, Entry, LocalFile, Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays import Bandwidth, Limited, Retrying

CONTENT = bytes(range(256)) * 100


@pytest.fixture
def inner() -> Memory:
    memory = Memory()
    memory.write("a", CONTENT)
    return memory


@pytest.fixture
def flaky(inner: Memory, faulty: Any) -> Any:
    return faulty(inner)


def test_every_kind_of_call_is_tried_again(flaky: Any, retrying: Any, clock: Any) -> None:
    storage = retrying(flaky)
    flaky.errors = {
        "stat": [Timeout("x")],
        "write": [UploadFailed("x")],
        "copy": [UploadFailed("x")],
        "rename": [UploadFailed("x")],
        "make_dir": [UploadFailed("x")],
        "remove": [RateLimited("x")],
        "remove_tree": [Timeout("x")],
        "quota": [Timeout("x")],
    }
    assert storage.stat("a").size == len(CONTENT)
    assert storage.write("b", b"b").size == 1
    assert storage.copy("b", "c").size == 1
    assert storage.rename("c", "d").size == 1
    storage.make_dir("e")
    storage.remove("b")
    storage.remove_tree("e")
    assert storage.quota().used is not None
    assert [entry.path for entry in storage.scan("")] == ["a", "d"]
    assert clock.waits == [1.0] * 8
    assert not any(flaky.errors.values())


def test_a_write_from_a_plain_stream_is_sent_once(flaky: Any, retrying: Any) -> None:
    flaky.errors["write"] = [UploadFailed("x")]
    with pytest.raises(UploadFailed):
        retrying(flaky).write("b", io.BytesIO(b"abc"))
    assert len(flaky.calls) == 1


def test_a_write_from_a_local_file_is_sent_again_as_it_is(flaky: Any, retrying: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    source = LocalFile(str(tmp_path / "f"))
    flaky.errors["write"] = [UploadFailed("x")]
    retrying(flaky).write("b", source)
    assert [call[2] for call in flaky.calls if call[0] == "write"] == [source, source]


def test_it_gives_up_after_the_attempts_of_its_policy(flaky: Any, retrying: Any) -> None:
    flaky.errors["write"] = [UploadFailed(f"{n}") for n in range(5)]
    with pytest.raises(UploadFailed, match="2"):
        retrying(flaky).write("b", b"abc")
    assert len(flaky.errors["write"]) == 2


def test_each_kind_of_work_has_its_own_policy(flaky: Any) -> None:
    once, twice = Policy(attempts=1), Policy(attempts=2, base_s=0)
    storage = Retrying(flaky, Policies(upload=once, download=once, list=twice, delete=once))
    flaky.errors = {"write": [UploadFailed("x")], "stat": [Timeout("x")], "remove": [Timeout("x")]}
    storage.stat("a")
    with pytest.raises(UploadFailed):
        storage.write("b", b"")
    with pytest.raises(Timeout):
        storage.remove("a")


def test_each_further_try_is_told(flaky: Any, retrying: Any) -> None:
    events: list[RetryEvent] = []
    error = RateLimited("slow", retry_after=9)
    flaky.errors["stat"] = [error]
    retrying(flaky, on_retry=events.append).stat("a")
    assert events == [RetryEvent("stat", 1, 9.0, error)]


def test_a_cancelled_wait_ends_at_once(flaky: Any) -> None:
    cancelled = threading.Event()
    cancelled.set()
    flaky.errors["stat"] = [Timeout("x")]
    with pytest.raises(Interrupted):
        Retrying(flaky, Policies(*[Policy(base_s=600, cap_s=600)] * 4), cancelled=cancelled).stat("a")


def test_a_conflict_after_a_lost_answer_says_so(flaky: Any, retrying: Any, inner: Memory) -> None:
    class LostAnswer(type(flaky)):  # type: ignore[misc]
        def write(self, *args: Any, **kwargs: Any) -> Entry:
            entry: Entry = self.inner.write(*args, **kwargs)
            if self.errors["write"]:
                raise self.errors["write"].pop()
            return entry

    lossy = LostAnswer(inner)
    lossy.errors["write"] = [Timeout("the answer was lost")]
    with pytest.raises(Conflict) as caught:
        retrying(lossy).write("new", b"x", condition=IF_ABSENT)
    assert "earlier try" in (caught.value.hint or "")
    with pytest.raises(Conflict) as caught:
        retrying(lossy).write("new", b"x", condition=IF_ABSENT)
    assert "earlier try" not in (caught.value.hint or "")


def test_every_page_of_a_listing_has_the_time_of_a_try() -> None:
    seen: list[float | None] = []

    class Pages(Memory):
        def scan_all(self, path: str) -> Iterator[Entry]:
            for entry in super().scan_all(path):
                seen.append(remaining())
                yield entry

    pages = Pages()
    for name in "abc":
        pages.write(name, b"1")
    storage = Retrying(pages, Policies(list=Policy(per_try_timeout_s=1000)))
    for entry in storage.scan_all(""):
        assert entry.size == 1
        assert remaining() is None
    assert [left is not None and 0 < left <= 1000 for left in seen] == [True] * 3


# Reading


def read_all(storage: Storage, path: str, step: int = 1000, **kwargs: Any) -> bytes:
    with storage.read(path, **kwargs) as reader:
        return b"".join(iter(lambda: reader.read(step), b""))


def test_a_read_that_breaks_goes_on_where_it_broke(flaky: Any, retrying: Any) -> None:
    flaky.breaks = [10_000, 0, 5_000]
    assert read_all(retrying(flaky), "a") == CONTENT
    assert [call[2] for call in flaky.calls] == [0, 10_000, 10_000, 15_000]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 9000), max_size=6),
    st.integers(0, 30_000),
    st.none() | st.integers(0, 30_000),
    st.sampled_from([-1, 1, 700, 100_000]),
)
def test_no_break_anywhere_changes_what_is_read(
    breaks: list[int], offset: int, length: int | None, step: int
) -> None:
    from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent

    class Breaking(Transparent):
        passes = EVERYTHING

        def read(self, path: str, **kwargs: Any) -> Any:
            return Reading(self.inner.read(path, **kwargs))

    class Reading:
        def __init__(self, manager: Any) -> None:
            self.manager = manager

        def __enter__(self) -> Any:
            self.reader = self.manager.__enter__()
            self.entry = self.reader.entry
            self.left = left.pop(0) if left else None
            return self

        def __exit__(self, *args: Any) -> None:
            self.manager.__exit__(*args)

        def read(self, size: int = -1, /) -> bytes:
            if self.left == 0:
                raise DownloadFailed("broke")
            if self.left is not None:
                size = min(size, self.left) if size >= 0 else self.left
                self.left -= size
            return self.reader.read(size)

    memory = Memory()
    memory.write("a", CONTENT)
    left = list(breaks)
    storage = Retrying(Breaking(memory), Policies(*[Policy(attempts=2, base_s=0)] * 4))
    end = None if length is None else offset + length
    step = 999_999 if step == 1 and length is None else step
    assert read_all(storage, "a", step, offset=offset, length=length) == CONTENT[offset:end]


def test_a_read_of_a_changed_file_is_not_mixed_from_two(flaky: Any, retrying: Any, inner: Memory) -> None:
    flaky.breaks = [10_000]
    flaky.on_break = lambda: inner.write("a", bytes(len(CONTENT)))
    with pytest.raises(DownloadFailed, match="changed") as caught:
        read_all(retrying(flaky), "a")
    assert not caught.value.retryable


def test_a_read_whose_content_cannot_be_told_is_not_resumed(flaky: Any, retrying: Any) -> None:
    flaky.tells_entry = False
    flaky.breaks = [10_000]
    with pytest.raises(DownloadFailed, match="broke"):
        read_all(retrying(flaky), "a")


def test_before_its_first_byte_any_read_begins_again(flaky: Any, retrying: Any) -> None:
    flaky.tells_entry = False
    flaky.errors["read"] = [DownloadFailed("x")]
    flaky.breaks = [0]
    assert read_all(retrying(flaky), "a") == CONTENT


def test_a_read_of_one_version_asks_for_that_version_again(flaky: Any, retrying: Any, inner: Memory) -> None:
    version = inner.stat("a").version
    flaky.tells_entry = False
    flaky.breaks = [10_000]
    flaky.on_break = lambda: inner.write("a", b"new")
    assert read_all(retrying(flaky), "a", version=version) == CONTENT
    assert [call[4] for call in flaky.calls] == [version, version]


def test_a_read_that_never_moves_on_is_given_up(flaky: Any, retrying: Any) -> None:
    flaky.breaks = [100] + [0] * 50
    with pytest.raises(DownloadFailed):
        read_all(retrying(flaky), "a")
    assert len(flaky.calls) == 3


def test_a_reader_tells_whose_content_it_reads(retrying: Any, inner: Memory) -> None:
    with retrying(inner).read("a") as reader:
        assert reader.entry.version == inner.stat("a").version


# Listings


class Listing(Memory):
    """Breaks off after so many entries, once for each number in `breaks`."""

    breaks: list[int]

    def scan(self, path: str) -> Iterator[Entry]:
        return self._breaking(super().scan(path))

    def scan_all(self, path: str) -> Iterator[Entry]:
        return self._breaking(super().scan_all(path))

    def _breaking(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        left = self.breaks.pop(0) if self.breaks else None
        for entry in entries:
            if left == 0:
                raise Timeout("the listing broke off")
            left = None if left is None else left - 1
            yield entry


@pytest.fixture
def listing() -> Listing:
    memory = Listing()
    for n in range(30):
        memory.write(f"d{n % 3}/f{n:02}", b"")
        memory.write(f"f{n:02}", b"")
    return memory


@pytest.mark.parametrize("breaks", [[], [0], [1], [7], [32], [5, 0, 20], [3, 3, 10, 12]])
def test_an_ordered_listing_goes_on_where_it_broke(
    listing: Listing, retrying: Any, breaks: list[int]
) -> None:
    listing.breaks = []
    expected = list(listing.scan("")), list(listing.scan_all(""))
    storage = retrying(listing)
    listing.breaks = list(breaks)
    assert list(storage.scan("")) == expected[0]
    listing.breaks = list(breaks)
    assert list(storage.scan_all("")) == expected[1]


def test_a_listing_without_order_is_not_given_twice(listing: Listing, retrying: Any) -> None:
    from dataclasses import replace

    listing.facts = replace(listing.facts, scan_ordered=False)
    listing.breaks = [0]
    assert len(list(retrying(listing).scan(""))) == 33
    listing.breaks = [5]
    with pytest.raises(Timeout):
        list(retrying(listing).scan(""))


# Many at once


class Partly(Memory):
    """Fails some removals the first time; `dead` for good."""

    failing: set[str]
    asked: list[list[str]]

    def remove_many(self, paths: Any) -> Iterator[tuple[str, Error | None]]:
        wanted = list(paths)
        self.asked.append(wanted)
        for path in wanted:
            if path == "dead":
                yield path, AccessDenied("no")
            elif path == "busy":
                yield path, Timeout("always")
            elif path in self.failing:
                self.failing.discard(path)
                yield path, RateLimited("slow down")
            else:
                self.remove(path)
                yield path, None


def test_of_many_removals_only_those_that_failed_are_sent_again(retrying: Any) -> None:
    memory = Partly()
    memory.failing, memory.asked = {"b", "c"}, []
    for name in "abcd":
        memory.write(name, b"")
    found = dict(retrying(memory).remove_many(iter(["a", "b", "c", "dead", "d", "busy"])))
    assert {path for path, error in found.items() if error is None} == {"a", "b", "c", "d"}
    assert isinstance(found["dead"], AccessDenied)
    assert isinstance(found["busy"], Timeout)
    assert memory.asked == [["a", "b", "c", "dead", "d", "busy"], ["b", "c", "busy"], ["busy"]]
    assert list(memory.scan("")) == []


def test_of_many_writes_only_those_that_failed_are_sent_again(retrying: Any, tmp_path: Path) -> None:
    asked: list[list[str]] = []
    failing = {"b": 1, "c": 99}

    class Bulk:
        def write(self, files: Sequence[tuple[str, str, int | None]]) -> list[Error | None]:
            asked.append([path for path, _, _ in files])
            found: list[Error | None] = []
            for path, _, _ in files:
                failing[path] = failing.get(path, 0) - 1
                found.append(UploadFailed(path) if failing[path] >= 0 else None)
            return found

        def close(self) -> None:
            asked.append(["closed"])

    class Store(Local):
        def bulk_write(self, *, metadata: bool = True) -> Any:
            return Bulk()

    writer = retrying(Store(tmp_path)).bulk_write()
    found = writer.write([(name, f"/{name}", None) for name in "abcd"])
    writer.close()
    assert [str(error) if error else None for error in found] == [None, None, "c", None]
    assert asked == [["a", "b", "c", "d"], ["b", "c"], ["c"], ["closed"]]


def test_the_part_is_tried_again_and_not_the_file(inner: Memory, retrying: Any) -> None:
    from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent

    sent: list[int] = []
    failures: dict[str, list[Error]] = {
        "put_part": [UploadFailed("x"), Timeout("x")],
        "complete": [UploadFailed("x")],
    }

    class Parts(Transparent):
        passes = EVERYTHING

        def _uploading(self, upload: Any) -> Any:
            put, complete = upload.put_part, upload.complete

            def put_part(index: int, data: bytes, *, last: bool = False) -> None:
                sent.append(index)
                if failures["put_part"]:
                    raise failures["put_part"].pop()
                put(index, data, last=last)

            def completed(condition: Any = None) -> Entry:
                if failures["complete"]:
                    raise failures["complete"].pop()
                entry: Entry = complete(condition)
                return entry

            upload.put_part, upload.complete = put_part, completed
            return upload

    storage = retrying(Parts(inner))
    upload = storage.begin_upload("u", size=4)
    upload.put_part(0, b"abcd", last=True)
    assert upload.done == {0: 4}
    assert upload.complete().size == 4
    assert sent == [0, 0, 0]


def test_versions_trash_and_links_are_tried_again_too(inner: Memory, flaky: Any, retrying: Any) -> None:
    flaky.errors = {"put": [Timeout("x")], "create": [Timeout("x")]}
    storage = retrying(flaky)
    assert storage.shares().create("a").path == "a"
    assert [version.latest for version in storage.versions().list("a")] == [True]
    trashed = storage.trash().put("a")
    assert [found.id for found in storage.trash().list()] == [trashed.id]
    assert storage.trash().restore(trashed.id).path == "a"


def test_threads_share_one(inner: Memory, faulty: Any) -> None:
    flaky = faulty(inner)
    flaky.errors["stat"] = [Timeout("x") for _ in range(20)]
    storage = Retrying(flaky, Policies(*[Policy(attempts=30, base_s=0)] * 4))
    sizes: list[int | None] = []
    threads = [threading.Thread(target=lambda: sizes.append(storage.stat("a").size)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [len(CONTENT)] * 8


class _Lists(Memory):
    """A store of which the listings are lists."""

    def scan(self, path: str) -> Any:
        return list(super().scan(path))

    def scan_all(self, path: str) -> Any:
        return list(super().scan_all(path))

    def search(self, text: str, path: str = "") -> Any:
        return list(super().search(text, path))


@pytest.mark.parametrize("timeout_s", [None, 60.0])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("call", [lambda s: s.scan("d"), lambda s: s.scan_all("d"), lambda s: s.search("f")])
def test_a_listing_that_is_a_list_gives_each_thing_once(
    call: Callable[[Storage], Any], ordered: bool, timeout_s: float | None
) -> None:
    inner = _Lists(facts=replace(Memory.facts, scan_ordered=ordered, scan_all_ordered=ordered))
    for name in "abc":
        inner.write(f"d/f{name}", b"1")
    limited = Limited(inner, connections=1, up=Bandwidth(1e12))
    storage = Retrying(limited, Policies(*[Policy(attempts=2, per_try_timeout_s=timeout_s)] * 4))
    for one in (storage, Retrying(inner)):
        assert [entry.path for entry in call(one)] == ["d/fa", "d/fb", "d/fc"]
