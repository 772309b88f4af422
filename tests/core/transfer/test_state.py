"""What a run remembers: an idle sync asks for nothing but listings, and still misses nothing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import Error, StateReadFailed, StateWriteFailed
from skycap.core.location import Location
from skycap.core.storage.entry import Metadata
from skycap.core.storage.memory import Memory
from skycap.core.transfer.compare import Compare
from skycap.core.transfer.events import EventType
from skycap.core.transfer.state import State
from tests.core.transfer.conftest import Runner, Told, contents, local, make_tree
from tests.core.transfer.stores import Untimed

TREE = {f"d{n % 5}/f{n}": b"%d" % n for n in range(50)}


@pytest.fixture
def source(tmp_path: Path) -> Location:
    return local(make_tree(tmp_path / "source", TREE))


def test_an_idle_sync_costs_no_request_but_the_listing(source: Location, transfer: Runner) -> None:
    there = Untimed()
    assert transfer(source, Location(there)).sync().counts.copied == 55
    there.calls.clear()
    result = transfer(source, Location(there)).sync()
    assert result.counts.unchanged == 50
    assert there.requests() == 0
    assert len(there.calls) == 1


def test_it_costs_none_in_the_other_direction_either(tmp_path: Path, transfer: Runner) -> None:
    here = Untimed()
    for name in TREE:
        here.inner.write(name, TREE[name], metadata=Metadata(mtime_ns=10**18))
    target = local(tmp_path / "target")
    assert transfer(Location(here), target).sync().exit_status == 0
    here.calls.clear()
    assert transfer(Location(here), target).sync().counts.unchanged == 50
    assert here.requests() == 0


def test_a_changed_time_at_the_source_is_noticed(tmp_path: Path, source: Location, transfer: Runner) -> None:
    there = Untimed()
    transfer(source, Location(there)).sync()
    os.utime(tmp_path / "source/d0/f0", ns=(10**18, 10**18))
    there.calls.clear()
    result = transfer(source, Location(there)).sync()
    assert (result.counts.copied, result.counts.unchanged) == (1, 49)
    assert there.inner.stat("d0/f0").mtime_ns == 10**18


def test_changed_content_at_the_source_is_noticed(tmp_path: Path, source: Location, transfer: Runner) -> None:
    there = Untimed()
    transfer(source, Location(there)).sync()
    make_tree(tmp_path / "source", {"d0/f0": b"X"}, mtime_ns=10**18)
    assert transfer(source, Location(there)).sync().counts.copied == 1
    assert contents(Location(there.inner))["d0/f0"] == b"X"


def test_what_changed_at_the_target_is_put_right(source: Location, transfer: Runner) -> None:
    there = Untimed()
    transfer(source, Location(there)).sync()
    there.inner.write("d0/f0", b"Y", metadata=Metadata(mtime_ns=10**18))
    assert transfer(source, Location(there)).sync().counts.copied == 1
    assert contents(Location(there.inner))["d0/f0"] == b"0"


def test_what_keeps_size_and_time_is_found_by_checksum(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    there = Untimed()
    transfer(source, Location(there)).sync()
    make_tree(tmp_path / "source", {"d0/f0": b"X"})
    result = transfer(source, Location(there), {"compare": Compare.CHECKSUM}).sync()
    assert result.counts.copied == 1
    assert contents(Location(there.inner))["d0/f0"] == b"X"


def test_without_a_table_each_is_asked_for_once_and_remembered(source: Location, transfer: Runner) -> None:
    there = Untimed()
    transfer(source, Location(there)).sync()
    other = str(Path(source.name).parent / "another-state")
    there.calls.clear()
    result = transfer(source, Location(there), state_folder=other).sync()
    assert (result.counts.copied, result.counts.unchanged) == (0, 50)
    assert there.requests() == 50
    there.calls.clear()
    transfer(source, Location(there), state_folder=other).sync()
    assert there.requests() == 0


def test_what_was_removed_is_forgotten(tmp_path: Path, source: Location, transfer: Runner) -> None:
    there = Untimed()
    transfer(source, Location(there)).sync()
    (tmp_path / "source/d0/f0").unlink()
    assert transfer(source, Location(there)).sync().counts.removed == 1
    make_tree(tmp_path / "source", {"d0/f0": b"0"})
    assert transfer(source, Location(there)).sync().counts.copied == 1
    assert contents(Location(there.inner))["d0/f0"] == b"0"


def test_a_pair_that_shows_times_leaves_no_file(tmp_path: Path, transfer: Runner, state_folder: str) -> None:
    make_tree(tmp_path / "target", {"old": b"1"})
    source = local(make_tree(tmp_path / "source", {"a": b"1"}))
    assert transfer(source, local(tmp_path / "target")).sync().counts.removed == 1
    assert not any(names for _, _, names in os.walk(state_folder))


def test_only_its_owner_may_read_it(source: Location, transfer: Runner, state_folder: str) -> None:
    old = os.umask(0)
    try:
        transfer(source, Location(Untimed())).sync()
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(state_folder).st_mode) == 0o700
    for folder, _, names in os.walk(state_folder):
        for name in names:
            assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600


def test_a_damaged_file_ends_the_run_before_anything_happens(
    tmp_path: Path, source: Location, transfer: Runner, state_folder: str
) -> None:
    os.mkdir(state_folder)
    Path(state_folder, "transfers.db").write_bytes(
        b"no database at all, but long enough to look like one" * 99
    )
    there = Untimed()
    with pytest.raises(StateReadFailed) as caught:
        transfer(source, Location(there)).sync()
    assert caught.value.hint
    assert caught.value.where == os.path.join(state_folder, "transfers.db")
    assert contents(Location(there.inner)) == {}


def test_a_page_that_is_damaged_in_the_middle_is_told_too(
    source: Location, transfer: Runner, state_folder: str
) -> None:
    there = Untimed()
    for number in range(3000):
        there.inner.write(f"x{number:05}", b"1", metadata=Metadata(mtime_ns=5))
    here = Untimed(Memory())
    transfer(Location(there), Location(here)).copy()
    path = Path(state_folder, "transfers.db")
    damaged = bytearray(path.read_bytes())
    assert len(damaged) > 20 * 4096
    damaged[12 * 4096 :] = b"\xaa" * (len(damaged) - 12 * 4096)
    path.write_bytes(damaged)
    with pytest.raises(StateReadFailed) as caught:
        transfer(Location(there), Location(here)).copy()
    assert caught.value.hint


def test_a_folder_that_cannot_be_made_is_told_with_a_hint(
    tmp_path: Path, source: Location, transfer: Runner
) -> None:
    make_tree(tmp_path, {"file": b""})
    with pytest.raises(StateWriteFailed) as caught:
        transfer(source, Location(Untimed()), state_folder=str(tmp_path / "file" / "state")).sync()
    assert caught.value.hint


def test_a_table_that_cannot_be_written_any_more_ends_the_run(
    source: Location, transfer: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skycap.core.transfer.state._FLUSH_ROWS", 10)
    there = Untimed()
    transfer(source, Location(there)).sync()

    class Full(State):
        def _open(self) -> Any:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("skycap.core.transfer.engine.State", Full)
    run = transfer(source, Location(Untimed()), state_folder=str(Path(source.name).parent / "other"))
    with pytest.raises(StateWriteFailed, match="disk is full") as caught:
        run.sync()
    assert caught.value.hint
    assert not run.result.interrupted


def test_two_runs_over_one_pair_at_once_both_end_well(source: Location, transfer: Runner, told: Told) -> None:
    there = Untimed()
    results: list[Any] = []
    start = threading.Barrier(2)

    def run() -> None:
        start.wait(60)
        results.append(transfer(source, Location(there)).sync())

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.exit_status for result in results] == [0, 0]
    transfer(source, Location(there)).sync()
    there.calls.clear()
    transfer(source, Location(there)).sync()
    assert there.requests() == 0
    assert EventType.FAILED not in {event.type for event in told}


# The table by itself


def test_rows_of_one_pair_are_not_those_of_another(tmp_path: Path) -> None:
    here, there = (State(str(tmp_path), "a", name) for name in "bc")
    for state in (here, there):
        state.remember("p", f"s{state is here}", "t")
        state.flush()
    seen = here.known()
    assert seen is not None
    assert seen.same("p", "sTrue", "t")
    seen.close()
    here.close()
    there.close()


def test_rows_are_asked_for_in_rising_order_of_bytes(tmp_path: Path) -> None:
    names = sorted(["a", "a-b", "a/b", "a0", "é", "\U0001f600", "\udcff", "z/\udc80"], key=os.fsencode)
    state = State(str(tmp_path), "a", "b")
    for name in reversed(names):
        state.remember(name, name.encode("utf-8", "replace").hex(), "t")
    state.forget("a0")
    state.flush()
    seen = state.known()
    assert seen is not None
    found = [name for name in names if seen.same(name, name.encode("utf-8", "replace").hex(), "t")]
    assert found == [name for name in names if name != "a0"]
    seen.close()
    state.close()
    state.close()


def test_a_run_that_is_over_leaves_its_upload_to_the_next(tmp_path: Path) -> None:
    first, second = (State(str(tmp_path), "a", "b") for _ in range(2))
    first.save_upload("big", "print", {"n": 1})
    assert second.claim_upload("big") is None
    second.save_upload("big", "other", {"n": 2})
    second.end_upload("big")
    assert first.unfinished() == ["big"]
    first.close()
    claim = second.claim_upload("big")
    assert claim is not None
    assert (claim.fingerprint, claim.state, claim.ours) == ("print", {"n": 1}, False)
    claim = second.claim_upload("big")
    assert claim is not None
    assert claim.ours
    second.end_upload("big")
    assert second.unfinished() == []
    second.close()


def test_errors_of_the_table_survive_pickling() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(StateReadFailed("x", where="y", hint="z")))
    assert isinstance(error, Error)
    assert (error.where, error.hint) == ("y", "z")


# The state of an upload, and what its parts changed in it


def test_what_the_parts_changed_is_put_together_again(tmp_path: Path) -> None:
    first = State(str(tmp_path), "a", "b")
    first.save_upload("big", "print", {"id": 7, "parts": {}, "old": 1})
    assert first.save_part("big", 1, {"parts": {"3": [5]}})
    assert first.save_part("big", 2, {"parts": {"0": [6]}, "old": None, "last": 3})
    assert not first.save_part("other", 1, {"n": 1})
    first.close()
    second = State(str(tmp_path), "a", "b")
    claim = second.claim_upload("big")
    assert claim is not None
    assert claim.state == {"id": 7, "parts": {"3": [5], "0": [6]}, "last": 3}
    second.save_upload("big", "print", {"id": 8, "parts": {}})
    claim = second.claim_upload("big")
    assert claim is not None
    assert claim.state == {"id": 8, "parts": {}}
    second.end_upload("big")
    second.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "transfers.db")) as connection:
        assert connection.execute("SELECT count(*) FROM parts").fetchone() == (0,)


def test_a_part_of_an_upload_that_another_run_has_is_left_to_it(tmp_path: Path) -> None:
    first, second = (State(str(tmp_path), "a", "b") for _ in range(2))
    first.save_upload("big", "print", {"n": 1})
    assert not second.save_part("big", 1, {"n": 2})
    second.end_upload("big")
    claim = first.claim_upload("big")
    assert claim is not None
    assert claim.state == {"n": 1}
    first.close()
    second.close()


_VERSION_0 = """
CREATE TABLE pairs (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, UNIQUE (source, target));
CREATE TABLE seen (
  pair INTEGER NOT NULL, path BLOB NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (pair, path)) WITHOUT ROWID;
CREATE TABLE uploads (
  pair INTEGER NOT NULL, path BLOB NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
  run TEXT NOT NULL,
  PRIMARY KEY (pair, path)) WITHOUT ROWID;
INSERT INTO pairs VALUES (1, 'a', 'b');
INSERT INTO seen VALUES (1, CAST('p' AS BLOB), 's', 't');
INSERT INTO uploads VALUES (1, CAST('big' AS BLOB), 'print', '{"n": 1, "parts": {"0": [5]}}', 'gone-1');
"""


def test_what_an_older_skycap_remembered_is_still_known(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "transfers.db")) as connection:
        connection.executescript(_VERSION_0)
    state = State(str(tmp_path), "a", "b")
    seen = state.known()
    assert seen is not None
    assert seen.same("p", "s", "t")
    seen.close()
    assert state.unfinished() == state.abandoned() == ["big"]
    claim = state.claim_upload("big")
    assert claim is not None
    assert claim.state == {"n": 1, "parts": {"0": [5]}}
    assert state.save_part("big", 1, {"parts": {"1": [5]}})
    claim = state.claim_upload("big")
    assert claim is not None
    assert claim.state == {"n": 1, "parts": {"0": [5], "1": [5]}}
    state.close()


def test_what_a_newer_skycap_wrote_is_not_touched(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "transfers.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    state = State(str(tmp_path), "a", "b")
    with pytest.raises(StateReadFailed, match="newer skycap") as caught:
        state.known()
    assert caught.value.hint
    with contextlib.closing(sqlite3.connect(tmp_path / "transfers.db")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


class Silent(Untimed):
    """Its listing tells sizes, and neither times nor versions."""

    def _listing(self, verb: str, path: str, entries: Any) -> Any:
        for entry in super()._listing(verb, path, entries):
            yield entry._replace(version=None)


@pytest.mark.parametrize("size", ["known", "unknown"])
def test_where_a_listing_tells_neither_time_nor_version_nothing_is_taken_for_the_same(
    tmp_path: Path, transfer: Runner, size: str
) -> None:
    class Mute(Silent):
        def _listing(self, verb: str, path: str, entries: Any) -> Any:
            for entry in super()._listing(verb, path, entries):
                yield entry if size == "known" else entry._replace(size=None)

    here, target = Mute(), tmp_path / "target"
    here.inner.write("a", b"old", metadata=Metadata(mtime_ns=10**18))
    assert transfer(Location(here), local(target)).copy().exit_status == 0
    here.inner.write("a", b"new", metadata=Metadata(mtime_ns=10**18 + 5 * 10**9))
    assert transfer(Location(here), local(target)).copy().exit_status == 0
    assert (target / "a").read_bytes() == b"new"
