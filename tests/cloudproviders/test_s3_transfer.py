"""Copy, sync and check between a local folder and a real S3 server."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skycap.cloudproviders.s3.storage import S3
from skycap.core.location import Location
from skycap.core.storage.local import Local
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.check import check
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import Event, EventType
from skycap.core.transfer.options import TransferOptions

TREE = {f"d{n % 3}/f{n:02}": b"%d" % n * n for n in range(40)}
MIB = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, content in TREE.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    return tmp_path / "source"


@pytest.fixture
def transfer(tmp_path: Path) -> Callable[..., Transfer]:
    def make(source: Location, target: Location, **more: Any) -> Transfer:
        options = more.pop("options", None)
        return Transfer(source, target, options, state_folder=str(tmp_path / "state"), **more)

    return make


def at(path: Path) -> Location:
    return Location(Local(path), "", str(path))


def test_a_tree_goes_there_and_back_as_it_was(
    source: Path, tmp_path: Path, s3: S3, transfer: Callable[..., Transfer]
) -> None:
    (source / "d0/f00").chmod(0o640)
    there = Location(s3, "top", "s3:top")
    result = transfer(at(source), there).copy()
    assert result.exit_status == 0, result.failures
    assert check(at(source), there, on_checked=lambda found: None).exit_status == 0
    back = tmp_path / "back"
    assert transfer(there, at(back)).copy().exit_status == 0
    for name in TREE:
        ours, theirs = (source / name).stat(), (back / name).stat()
        assert (back / name).read_bytes() == TREE[name]
        assert (ours.st_mode, ours.st_mtime_ns) == (theirs.st_mode, theirs.st_mtime_ns)


def test_an_idle_sync_asks_for_the_listing_alone_and_misses_nothing(
    source: Path, s3: S3, transfer: Callable[..., Transfer]
) -> None:
    counted = Faulty(s3)
    there = Location(counted, "top", "s3:top")
    assert transfer(at(source), there).sync().exit_status == 0
    counted.calls.clear()
    result = transfer(at(source), there).sync()
    assert (result.counts.unchanged, result.counts.copied) == (40, 0)
    assert {call.verb for call in counted.calls} == {"scan_all"}
    os.utime(source / "d0/f00", ns=(10**18, 10**18))
    s3.write("top/d1/f01", b"x")
    s3.write("top/extra", b"x")
    (source / "d2/f02").unlink()
    result = transfer(at(source), there).sync()
    assert (result.counts.copied, result.counts.removed, result.exit_status) == (2, 2, 0)
    assert check(at(source), there, on_checked=lambda found: None).exit_status == 0


def test_a_prefix_that_does_not_exist_removes_nothing(
    source: Path, s3: S3, transfer: Callable[..., Transfer]
) -> None:
    result = transfer(Location(s3, "typo", "s3:typo"), at(source)).sync()
    assert result.exit_status == 4
    assert (source / "d0/f00").exists()


def test_a_large_file_that_was_stopped_goes_on_with_the_parts_that_are_there(
    source: Path, s3: S3, transfer: Callable[..., Transfer]
) -> None:
    big = random.Random(1).randbytes(40 * MIB)
    (source / "big").write_bytes(big)

    class InParts(Faulty):
        @property
        def facts(self) -> Any:
            return replace(self.inner.facts, upload_from=8 * MIB, connections=1)

    counted = InParts(s3)
    there = Location(counted, "top", "s3:top")
    here = at(source)
    here.storage.facts = replace(here.storage.facts, connections=1)
    told: list[Event] = []
    run = transfer(here, there, options=TransferOptions(transfers=1))
    counted.on("put_part", Fault(wait=run.cancel.set), nth=2)
    result = run.copy()
    assert result.interrupted
    assert result.unfinished == ["big"]
    sent = counted.count("put_part")
    counted.calls.clear()
    result = transfer(here, there, listener=told.append).copy()
    assert result.exit_status == 0, result.failures
    (resumed,) = [event for event in told if event.type is EventType.RESUMED]
    assert resumed.bytes > 0
    with s3.read("top/big") as reader:
        assert reader.read() == big
    again = counted.count("put_part")
    assert sent == 2
    assert resumed.bytes + again * s3.facts.part_size >= len(big) > resumed.bytes
    assert sent + again == -(-len(big) // s3.facts.part_size)
