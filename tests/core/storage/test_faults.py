"""Storages that fail on cue, and those that are seen late."""

from __future__ import annotations

import threading

import pytest

from skycap.core.errors import AuthExpired, DownloadFailed, NotFound, OutOfSpace, RateLimited, UploadFailed
from skycap.core.storage import Storage
from skycap.core.storage.memory import Memory
from skycap.core.testing import StorageConformance
from skycap.core.testing.clock import ManualClock
from skycap.core.testing.conformance.base import content_of
from skycap.core.testing.eventual import Eventual
from skycap.core.testing.faults import Call, Fault, Faulty


class TestFaultyWithoutFaults(StorageConformance):
    @pytest.fixture
    def storage(self) -> Storage:
        return Faulty(Memory())


class TestEventualWithoutDelay(StorageConformance):
    @pytest.fixture
    def storage(self) -> Storage:
        return Eventual(Memory(), ManualClock(), delay_s=0)


@pytest.fixture
def faulty() -> Faulty:
    return Faulty(Memory())


def test_the_nth_call_of_a_verb_fails_and_no_other(faulty: Faulty) -> None:
    faulty.on("write", Fault(RateLimited("slow down", retry_after=2)), nth=2)
    faulty.write("a", b"x")
    with pytest.raises(RateLimited) as caught:
        faulty.write("b", b"x")
    assert caught.value.retry_after == 2
    faulty.write("c", b"x")
    assert sorted(entry.path for entry in faulty.scan("")) == ["a", "c"]


def test_a_fault_of_a_path_leaves_other_paths_alone(faulty: Faulty) -> None:
    faulty.on("stat", Fault(AuthExpired("expired")), path="b", times=2)
    for path in "ab":
        faulty.write(path, b"x")
    faulty.stat("a")
    for _ in range(2):
        with pytest.raises(AuthExpired):
            faulty.stat("b")
    assert faulty.stat("b").size == 1


def test_a_read_breaks_off_after_so_many_bytes(faulty: Faulty) -> None:
    faulty.write("file", b"0123456789")
    faulty.on("read", Fault(DownloadFailed("reset"), after_bytes=4))
    with faulty.read("file") as reader:
        assert reader.read(100) == b"0123"
        with pytest.raises(DownloadFailed):
            reader.read(1)
    assert content_of(faulty, "file") == b"0123456789"


def test_a_write_breaks_off_after_so_many_bytes_and_leaves_nothing(faulty: Faulty) -> None:
    faulty.on("write", Fault(OutOfSpace("full"), after_bytes=4))
    with pytest.raises(OutOfSpace):
        faulty.write("file", b"0123456789", size=10)
    with pytest.raises(NotFound):
        faulty.stat("file")


def test_an_answer_gets_lost_after_all_was_done(faulty: Faulty) -> None:
    faulty.on("write", Fault(UploadFailed("reset"), done=True))
    with pytest.raises(UploadFailed):
        faulty.write("file", b"x")
    assert content_of(faulty, "file") == b"x"


def test_a_lost_write_answers_with_success(faulty: Faulty) -> None:
    faulty.on("write", Fault(lose=True))
    assert faulty.write("file", b"12345").size == 5
    with pytest.raises(NotFound):
        faulty.stat("file")


def test_an_answer_that_cannot_be_made_up_is_refused(faulty: Faulty) -> None:
    with pytest.raises(ValueError, match="stat has an answer"):
        faulty.on("stat", Fault(lose=True))


def test_bytes_are_changed_on_the_way(faulty: Faulty) -> None:
    faulty.on("write", Fault(flip_byte=1))
    faulty.write("stored wrong", b"\x00\x00\x00")
    assert content_of(faulty, "stored wrong") == b"\x00\xff\x00"
    faulty.on("read", Fault(flip_byte=0))
    assert content_of(faulty, "stored wrong") == b"\xff\xff\x00"


def test_parts_of_uploads_fail_too(faulty: Faulty) -> None:
    faulty.on("put_part", Fault(RateLimited("slow down")))
    upload = faulty.begin_upload("file", size=3)
    with pytest.raises(RateLimited):
        upload.put_part(0, b"abc", last=True)
    assert dict(upload.done) == {}
    upload.put_part(0, b"abc", last=True)
    assert upload.complete().size == 3


def test_a_listing_breaks_off(faulty: Faulty) -> None:
    for path in "abc":
        faulty.write(path, b"x")
    faulty.on("scan", Fault(DownloadFailed("reset"), after_bytes=2))
    entries = faulty.scan("")
    assert [next(entries).path, next(entries).path] == ["a", "b"]
    with pytest.raises(DownloadFailed):
        next(entries)


def test_a_call_stalls_until_the_test_lets_it_go(faulty: Faulty) -> None:
    stalled, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        stalled.set()
        go_on.wait(30)

    faulty.on("write", Fault(wait=wait))
    writer = threading.Thread(target=lambda: faulty.write("file", b"x"))
    writer.start()
    assert stalled.wait(30)
    with pytest.raises(NotFound):
        faulty.inner.stat("file")
    go_on.set()
    writer.join()
    assert faulty.stat("file").size == 1


def test_random_faults_are_the_same_for_a_seed() -> None:
    def run(seed: int) -> list[bool]:
        faulty = Faulty(Memory())
        faulty.at_random(seed=seed, rate=0.5, faults=[Fault(RateLimited("slow down"))])
        outcomes = []
        for _ in range(50):
            try:
                faulty.write("file", b"x")
            except RateLimited:
                outcomes.append(False)
            else:
                outcomes.append(True)
        return outcomes

    assert run(1) == run(1) != run(2)
    assert 5 < sum(run(1)) < 45


def test_every_call_is_recorded(faulty: Faulty) -> None:
    faulty.write("file", b"x")
    faulty.stat("file")
    list(faulty.scan(""))
    content_of(faulty, "file")
    assert faulty.calls == [
        Call(1, "write", "file"),
        Call(2, "stat", "file"),
        Call(3, "scan", ""),
        Call(4, "read", "file"),
    ]
    assert faulty.count("stat") == 1


def test_a_healed_storage_fails_no_more(faulty: Faulty) -> None:
    faulty.on(None, Fault(RateLimited("slow down")), times=1000)
    with pytest.raises(RateLimited):
        faulty.write("file", b"x")
    faulty.heal()
    faulty.write("file", b"x")


def test_what_is_new_is_listed_late() -> None:
    clock = ManualClock()
    storage = Eventual(Memory(), clock, delay_s=10)
    storage.write("file", b"x")
    assert list(storage.scan("")) == []
    assert storage.stat("file").size == 1
    clock.advance(9)
    assert list(storage.scan("")) == []
    clock.advance(2)
    assert [entry.path for entry in storage.scan("")] == ["file"]


def test_what_is_gone_is_listed_for_a_while() -> None:
    clock = ManualClock()
    storage = Eventual(Memory(), clock, delay_s=10)
    storage.write("file", b"x")
    clock.advance(11)
    storage.remove("file")
    assert [entry.path for entry in storage.scan("")] == ["file"]
    with pytest.raises(NotFound):
        storage.stat("file")
    clock.advance(11)
    assert list(storage.scan("")) == []


def test_what_was_replaced_is_listed_as_it_was() -> None:
    clock = ManualClock()
    storage = Eventual(Memory(), clock, delay_s=10)
    storage.write("file", b"x")
    clock.advance(11)
    storage.write("file", b"12345")
    storage.write("file", b"123")
    assert [entry.size for entry in storage.scan("")] == [1]
    clock.advance(11)
    assert [entry.size for entry in storage.scan("")] == [3]


def test_a_look_may_be_late_too() -> None:
    clock = ManualClock()
    storage = Eventual(Memory(), clock, delay_s=10, looks_late=True)
    upload = storage.begin_upload("file", size=1)
    upload.put_part(0, b"x", last=True)
    upload.complete()
    with pytest.raises(NotFound):
        storage.stat("file")
    clock.advance(11)
    assert content_of(storage, "file") == b"x"
