"""No more bytes a second, and no more calls at once, than was allowed."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import Interrupted, NotFound, Timeout, UploadFailed, UsageError
from skycap.core.retry import Caller, Policy, remaining
from skycap.core.storage import BinaryReader, Capability, Entry, LocalFile, Upload
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays import Bandwidth, Limited
from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent

RATE = 1000.0


@pytest.fixture
def bandwidth(clock: Any) -> Bandwidth:
    return Bandwidth(RATE, clock=clock, wait=clock.wait)


class Ticking:
    """A clock for plain functions."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 400)), max_size=60), st.floats(1, 1e6))
def test_no_stretch_of_time_has_more_than_half_a_second_too_much(
    takes: list[tuple[float, int]], rate: float
) -> None:
    clock = Ticking()
    bandwidth = Bandwidth(rate, clock=clock, wait=clock.wait)
    moved: list[tuple[float, int]] = []
    for idle, count in takes:
        clock.now += idle
        count = min(count, bandwidth.piece)
        bandwidth.take(count)
        moved.append((clock.now, count))
    for first, (begin, _) in enumerate(moved):
        for last in range(first, len(moved)):
            total = sum(count for _, count in moved[first : last + 1])
            assert total <= rate * (moved[last][0] - begin + 0.5) + 1


def test_the_rate_may_change_while_it_is_in_use(clock: Any, bandwidth: Bandwidth) -> None:
    bandwidth.take(1000)
    bandwidth.rate = 10 * RATE
    bandwidth.take(1000)
    assert clock.waits == pytest.approx([1.0, 0.1])


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError):
        Bandwidth(0)
    with pytest.raises(UsageError):
        Limited(Memory(), connections=0)


def test_a_cancelled_wait_for_bandwidth_ends() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Interrupted):
        Bandwidth(1, cancelled=cancelled).take(1000)


def test_threads_share_one_bandwidth(clock: Any) -> None:
    total: list[float] = []
    bandwidth = Bandwidth(RATE, clock=lambda: 0.0, wait=lambda seconds: total.append(seconds) is not None)
    threads = [threading.Thread(target=bandwidth.take, args=(100,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(total) == pytest.approx(1.0)


def test_what_is_read_is_counted_downwards_only(clock: Any, bandwidth: Bandwidth) -> None:
    storage = Limited(Memory(), down=bandwidth)
    storage.write("a", bytes(3000))
    assert clock.waits == []
    with storage.read("a") as reader:
        assert len(reader.read()) == 3000
    assert clock.now - 1000 == pytest.approx(3.0)
    assert max(clock.waits) <= 0.5


@pytest.mark.parametrize("kind", ["bytes", "path", "stream", "again"])
def test_what_is_written_is_counted_whatever_it_comes_from(
    clock: Any, bandwidth: Bandwidth, tmp_path: Path, kind: str
) -> None:
    data = bytes(range(250)) * 8
    (tmp_path / "f").write_bytes(data)

    class Again:
        @contextmanager
        def open(self) -> Iterator[BinaryReader]:
            yield io.BytesIO(data)

    source = {
        "bytes": data,
        "path": LocalFile(str(tmp_path / "f")),
        "stream": io.BytesIO(data),
        "again": Again(),
    }
    inner = Memory()
    Limited(inner, up=bandwidth).write("a", source[kind], size=len(data))  # type: ignore[arg-type]
    assert clock.now - 1000 == pytest.approx(2.0)
    assert max(clock.waits) <= 0.5
    with inner.read("a") as reader:
        assert reader.read() == data


def test_a_counted_local_file_still_tells_how_far_it_is(bandwidth: Bandwidth, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(500))
    told: list[int] = []
    Limited(Memory(), up=bandwidth).write("a", LocalFile(str(tmp_path / "f"), told.append))
    assert sum(told) == 500
    assert len(told) > 1


def test_a_missing_local_file_is_told_as_such(bandwidth: Bandwidth) -> None:
    with pytest.raises(NotFound):
        Limited(Memory(), up=bandwidth).write("a", LocalFile("/absent/file"))


def test_parts_are_paid_for_before_they_are_sent(clock: Any, bandwidth: Bandwidth) -> None:
    upload = Limited(Memory(), up=bandwidth).begin_upload("a", size=700)
    upload.put_part(0, bytes(700), last=True)
    assert clock.waits == pytest.approx([0.7])
    assert upload.complete().size == 700


def test_with_a_limit_no_bytes_go_around_us(bandwidth: Bandwidth, tmp_path: Path) -> None:
    folder = Local(tmp_path)
    assert Limited(folder).local_path("a") == folder.local_path("a")
    for limited in (Limited(folder, up=bandwidth), Limited(folder, down=bandwidth)):
        assert not limited.can(Capability.LOCAL_PATH)
        assert not limited.can(Capability.BULK_WRITE)


def test_without_a_limit_on_bytes_sources_are_handed_on_as_they_are(tmp_path: Path) -> None:
    handed: list[Any] = []

    class Watching(Memory):
        def write(self, path: str, source: Any, **kwargs: Any) -> Entry:
            handed.append(source)
            return super().write(path, source, **kwargs)

    (tmp_path / "f").write_bytes(b"abc")
    storage = Limited(Watching(), connections=2)
    for source in (b"abc", tmp_path / "f", LocalFile(str(tmp_path / "f"))):
        storage.write("a", source)
        assert handed[-1] is source


# Slots


class Counting(Transparent):
    """Counts how many calls are at work; each goes on when as many as may be have come."""

    passes = EVERYTHING

    def __init__(self, inner: Any, expected: int) -> None:
        super().__init__(inner)
        self.lock = threading.Lock()
        self.gate = threading.Barrier(expected, timeout=20)
        self.at_work = 0
        self.most = 0

    def write(self, *args: Any, **kwargs: Any) -> Entry:
        with self.lock:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        try:
            self.gate.wait()
            return self.inner.write(*args, **kwargs)
        finally:
            with self.lock:
                self.at_work -= 1


@pytest.mark.parametrize("connections", [1, 3])
def test_as_many_calls_at_once_as_allowed_and_never_more(connections: int) -> None:
    counting = Counting(Memory(), connections)
    storage = Limited(counting, connections=connections)
    names = iter([f"{n:02}" for n in range(60)])
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                name = next(names, None)
            if name is None:
                return
            storage.write(name, bytes(1000))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counting.most == connections
    assert len(list(storage.scan(""))) == 60


def test_copying_from_a_storage_to_itself_needs_one_slot_only() -> None:
    storage = Limited(Memory(), connections=1)
    storage.write("a", bytes(100_000))

    class FromItself:
        @contextmanager
        def open(self) -> Iterator[BinaryReader]:
            with storage.read("a") as reader:
                yield reader

    assert storage.write("b", FromItself()).size == 100_000
    with storage.read("a") as reader:
        assert storage.write("c", reader).size == 100_000
    for entry in storage.scan(""):
        assert storage.stat(entry.path).size == 100_000


def test_an_open_reader_and_a_begun_listing_hold_no_slot() -> None:
    storage = Limited(Memory(), connections=1)
    for n in range(600):
        storage.write(f"{n:03}", b"x")
    with storage.read("000") as reader:
        listing = storage.scan("")
        assert next(listing).path == "000"
        storage.stat("001")
        assert reader.read() == b"x"
        assert len(list(listing)) == 599


def test_a_failed_call_gives_its_slot_back(faulty: Any) -> None:
    flaky = faulty(Memory())
    flaky.errors = {"stat": [Timeout("x")] * 3, "write": [UploadFailed("x")] * 3, "read": [Timeout("x")] * 3}
    storage = Limited(flaky, connections=1)
    for _ in range(3):
        with pytest.raises(Timeout):
            storage.stat("a")
        with pytest.raises(UploadFailed):
            storage.write("a", io.BytesIO(b"x"))
        with pytest.raises(Timeout), storage.read("a"):
            pass
    assert storage.write("a", b"x").size == 1


def test_a_source_that_raises_gives_the_slot_back() -> None:
    class Broken:
        def read(self, size: int = -1, /) -> bytes:
            raise RuntimeError("the source broke")

    storage = Limited(Memory(), connections=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            storage.write("a", Broken())
    assert storage.write("a", b"x").size == 1


def test_a_waiting_retry_holds_no_slot(faulty: Any) -> None:
    from skycap.core.retry import Caller, Policies
    from skycap.core.storage.overlays import Retrying

    flaky = faulty(Memory())
    flaky.errors["stat"] = [Timeout("x")]
    limited = Limited(flaky, connections=1)
    seen: list[int] = []

    def wait(seconds: float) -> bool:
        seen.append(limited.write("b", b"x").size or 0)
        return False

    def caller(policy: Policy, **_: Any) -> Caller:
        return Caller(policy, wait=wait)

    limited.inner.inner.write("a", b"")  # type: ignore[attr-defined]
    Retrying(limited, Policies(), caller=caller).stat("a")
    assert seen == [1]


def test_waiting_for_bandwidth_is_not_on_the_time_of_a_try(bandwidth: Bandwidth, clock: Any) -> None:
    seen: list[float | None] = []

    class Store(Transparent):
        passes = EVERYTHING

        def _uploading(self, upload: Upload) -> Upload:
            put = upload.put_part

            def put_part(index: int, data: bytes | memoryview, *, last: bool = False) -> None:
                seen.append(remaining())
                put(index, data, last=last)

            upload.put_part = put_part  # type: ignore[method-assign]
            return upload

    part = 5 * int(RATE)
    memory = Memory()
    memory.facts = replace(memory.facts, part_size=part)
    upload = Limited(Store(memory), up=bandwidth).begin_upload("file")
    call = Caller(Policy(per_try_timeout_s=1), clock=clock)
    for index in range(3):
        call(upload.put_part, index, bytes(part))
    assert seen == [1, 1, 1]
