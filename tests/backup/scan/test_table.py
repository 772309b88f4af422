"""The file table: what was unchanged is known again, and nothing else ever is."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.backup.format.nodes import NodeType
from skycap.backup.scan.changes import SETTLED_NS, Comparison, Fingerprint, fingerprint
from skycap.backup.scan.events import Batch, Directory, Item
from skycap.backup.scan.table import FILE, HEAD, Frame, Row, pack_frame, pack_head
from skycap.backup.scan.table_reader import FileTable
from skycap.backup.scan.table_writer import TableWriter
from skycap.backup.scan.walking import Scanner
from skycap.core.errors import StateReadFailed, StateWriteFailed
from skycap.core.testing.unprivileged import as_nobody
from tests.backup.scan.trees import make

OWNER = b"o" * 32
LATER = 2**62


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "files.table")


def batches(top: bytes) -> list[Batch]:
    return [event for event in Scanner([top]) if isinstance(event, Batch)]


def rows_of(batch: Batch) -> list[Row]:
    return [
        Row(item.name, fingerprint(item.info), b"value of " + batch.directory.path_of(item.name))
        for item in batch.items
    ]


def write(path: str, found: list[Batch], *, owner: bytes = OWNER, started_ns: int = LATER) -> None:
    with TableWriter(path, owner, started_ns) as writer:
        for batch in found:
            writer.add(batch.number, batch.directory.path, rows_of(batch))
        writer.commit()


def known(path: str, found: list[Batch], comparison: Comparison = Comparison()) -> dict[bytes, bytes]:  # noqa: B008
    with FileTable.open(path, OWNER) as table:
        return {
            batch.directory.path_of(item.name): value
            for batch in found
            for item, value in zip(batch.items, table.values(batch, comparison), strict=True)
            if value is not None
        }


def names_known(path: str, top: bytes, comparison: Comparison = Comparison()) -> set[bytes]:  # noqa: B008
    found = known(path, batches(top), comparison)
    assert all(value == b"value of " + name for name, value in found.items())
    return {name.removeprefix(top + b"/") for name in found}


def test_unchanged_files_are_known_with_their_values(top: bytes, path: str) -> None:
    make(top, b"a", b"d/b", b"d/e/c", b"\xff/\xfe", b"z")
    write(path, batches(top))
    assert names_known(path, top) == {b"a", b"d/b", b"d/e/c", b"\xff/\xfe", b"z"}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with FileTable.open(path, OWNER) as table:
        assert (table.state, table.files, table.started_ns) == ("whole", 5, LATER)


def test_changed_files_and_new_ones_are_not_known(top: bytes, path: str) -> None:
    make(top, *[b"%04d" % number for number in range(600)], b"dir/same", b"gone/x")
    write(path, batches(top))
    make(top, b"0100", content=b"longer")
    make(top, b"0099-new", b"dir/a", b"dir/zz", b"added/y")
    os.unlink(top + b"/0300")
    os.unlink(top + b"/gone/x")
    wanted = {b"%04d" % number for number in range(600)} - {b"0100", b"0300"} | {b"dir/same"}
    assert names_known(path, top) == wanted


def test_files_of_a_large_directory_are_found_after_many_were_added_or_removed(top: bytes, path: str) -> None:
    make(top, *[b"%04d" % number for number in range(0, 1_500, 2)], b"0500-dir/x")
    write(path, batches(top))
    make(top, *[b"%04d" % number for number in range(1, 900, 2)])
    for number in range(0, 600, 4):
        os.unlink(top + b"/%04d" % number)
    wanted = {b"%04d" % number for number in range(0, 1_500, 2) if number >= 600 or number % 4}
    assert names_known(path, top) == wanted | {b"0500-dir/x"}


def test_a_directory_in_place_of_a_file_and_the_other_way_round_are_no_trouble(top: bytes, path: str) -> None:
    make(top, b"a/x", b"b", b"b.z", b"c/y")
    write(path, batches(top))
    os.unlink(top + b"/b")
    make(top, b"b/x", b"b/y")
    os.unlink(top + b"/a/x")
    os.rmdir(top + b"/a")
    make(top, b"a")
    assert names_known(path, top) == {b"b.z", b"c/y"}


def test_the_same_size_and_time_are_not_enough(top: bytes, path: str) -> None:
    make(top, b"touched", b"replaced", b"same", content=b"one")
    before = os.stat(top + b"/touched")
    write(path, batches(top))
    make(top, b"touched", content=b"two")
    os.utime(top + b"/touched", ns=(before.st_atime_ns, before.st_mtime_ns))
    replaced = os.stat(top + b"/replaced")
    make(top, b"new", content=b"six")
    os.utime(top + b"/new", ns=(replaced.st_atime_ns, replaced.st_mtime_ns))
    os.rename(top + b"/new", top + b"/replaced")
    assert names_known(path, top) == {b"same"}
    assert names_known(path, top, Comparison(ignore_ctime=True)) == {b"same", b"touched"}
    assert names_known(path, top, Comparison(ignore_inode=True)) == {b"same"}
    both = Comparison(ignore_ctime=True, ignore_inode=True)
    assert names_known(path, top, both) == {b"same", b"touched", b"replaced"}


def test_a_file_changed_just_before_the_last_backup_is_read_again(top: bytes, path: str) -> None:
    make(top, b"old", b"fresh", b"future")
    started = 1_800_000_000 * 10**9
    os.utime(top + b"/old", ns=(0, started - SETTLED_NS))
    os.utime(top + b"/fresh", ns=(0, started - SETTLED_NS + 1))
    os.utime(top + b"/future", ns=(0, started + 10**18))
    write(path, batches(top), started_ns=started)
    assert names_known(path, top) == {b"old"}


prints = st.builds(
    Fingerprint,
    st.just(NodeType.FILE),
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 1),
    st.integers(1, 2),
)


@settings(max_examples=100)
@given(prints, prints, st.integers(0, 5), st.booleans(), st.booleans())
def test_the_table_compares_as_the_rule_says(
    now: Fingerprint, then: Fingerprint, started: int, ctime: bool, inode: bool
) -> None:
    comparison = Comparison(ignore_ctime=ctime, ignore_inode=inode)
    started_ns = started + SETTLED_NS
    info = stat_of(now)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "table")
        with TableWriter(path, OWNER, started_ns) as writer:
            writer.add(0, b"/d", [Row(b"f", then, b"v")])
            writer.commit()
        batch = Batch(0, Directory(b"/d", b"d", info), [Item(b"f", NodeType.FILE, info)])
        found = known(path, [batch], comparison)
    assert fingerprint(info) == now
    assert bool(found) is comparison.is_same(now, then, started_ns)


def stat_of(found: Fingerprint) -> os.stat_result:
    real = list(os.stat("/").__reduce__()[1][0])
    fields = dict(os.stat("/").__reduce__()[1][1])
    fields |= {"st_mtime_ns": found.mtime_ns, "st_ctime_ns": found.ctime_ns}
    real[1], real[6] = found.inode, found.size
    return os.stat_result(real, fields)


def test_frames_may_be_added_in_any_order_and_by_threads(top: bytes, path: str) -> None:
    for number in range(40):
        make(top, b"%02d/x" % number, b"%02d/y" % number)
    found = batches(top)
    with TableWriter(path, OWNER, LATER) as writer:
        threads = [
            threading.Thread(
                target=lambda part=part: [
                    writer.add(batch.number, batch.directory.path, rows_of(batch)) for batch in part
                ]
            )
            for part in (found[::-2], found[-2::-2])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.add(99, b"/nothing", [])
        writer.commit()
    assert len(known(path, found)) == 80


def test_no_table_is_an_empty_one(top: bytes, path: str) -> None:
    make(top, b"x")
    with FileTable.open(path, OWNER) as table:
        assert table.state == "absent"
        assert table.values(batches(top)[0], Comparison()) == [None]
        assert table.values(Batch(0, batches(top)[0].directory, []), Comparison()) == []


@pytest.mark.parametrize("content", [b"", b"something else entirely", b"SKYCFT99" + bytes(100)])
def test_a_foreign_file_is_set_aside(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
    with FileTable.open(path, OWNER) as table:
        assert table.state in {"foreign", "torn"}
    assert not os.path.exists(path)
    with open(path + ".damaged", "rb") as file:
        assert file.read() == content


def test_the_table_of_another_owner_or_version_is_not_used(top: bytes, path: str) -> None:
    make(top, b"x")
    write(path, batches(top), owner=b"p" * 32)
    with FileTable.open(path, OWNER) as table:
        assert table.state == "foreign"
        assert table.values(batches(top)[0], Comparison()) == [None]


def test_a_table_cut_or_changed_anywhere_gives_no_wrong_value(top: bytes, path: str) -> None:
    make(top, b"a", b"b", b"d/c")
    found = batches(top)
    write(path, found)
    with open(path, "rb") as file:
        whole = file.read()
    right = known(path, found)
    assert len(right) == 3
    broken = [whole[:size] for size in range(len(whole))]
    broken += [whole[:at] + bytes((whole[at] ^ 1 << at % 8,)) + whole[at + 1 :] for at in range(len(whole))]
    for content in broken:
        with open(path, "wb") as file:
            file.write(content)
        some = known(path, found)
        assert some.items() < right.items()
        assert os.path.exists(path + ".damaged")
        os.unlink(path + ".damaged")


def test_a_table_is_replaced_at_once_or_not_at_all(top: bytes, path: str) -> None:
    make(top, b"x")
    write(path, batches(top))
    with TableWriter(path, OWNER, LATER) as writer:
        writer.add(0, top, [Row(b"y", Fingerprint(1, 0, 0, 0, 1), b"")])
        assert names_known(path, top) == {b"x"}
    assert names_known(path, top) == {b"x"}
    assert os.listdir(os.path.dirname(path)) in (
        [os.path.basename(path), "source"],
        ["source", os.path.basename(path)],
    )


def test_what_a_killed_run_left_is_replaced(top: bytes, path: str) -> None:
    make(top, b"x")
    with open(path + ".new", "wb") as file:
        file.write(b"half")
    write(path, batches(top))
    assert names_known(path, top) == {b"x"}


def test_a_table_that_cannot_be_written_or_read_is_told(top: bytes, tmp_path: Path, open_top: bytes) -> None:
    with pytest.raises(StateWriteFailed) as caught:
        TableWriter(str(tmp_path / "no" / "where"), OWNER, 0)
    assert caught.value.exit_status == 17
    assert caught.value.hint
    with pytest.raises(StateReadFailed) as unread:
        FileTable.open(str(tmp_path), OWNER)
    assert unread.value.exit_status == 18
    assert unread.value.hint
    os.makedirs(tmp_path / "taken" / "x")
    with TableWriter(str(tmp_path / "taken"), OWNER, 0) as writer, pytest.raises(StateWriteFailed):
        writer.commit()
    secret = os.fsdecode(open_top) + "/table"
    write(secret, [])
    with pytest.raises(StateReadFailed):
        as_nobody(FileTable.open, secret, OWNER)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_told(path: str) -> None:
    with TableWriter(path, OWNER, 0) as writer:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, writer._file.fileno())
        os.close(full)
        rows = [Row(b"x", Fingerprint(1, 0, 0, 0, 1), bytes(2 << 20))]
        with pytest.raises(StateWriteFailed):
            writer.add(0, b"/", rows)
        with pytest.raises(StateWriteFailed):
            writer.commit()


def test_wrong_use_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TableWriter(path, b"short", 0)
    mark = Fingerprint(1, 0, 0, 0, 1)
    for names in ([b"b", b"a"], [b"a", b"a"]):
        with pytest.raises(ValueError, match="rising"):
            pack_frame(b"/", [Row(name, mark, b"") for name in names])


def test_a_frame_is_what_the_page_says() -> None:
    raw = pack_frame(
        b"/d", [Row(b"a", Fingerprint(1, 2, -3, 4, 5), b"xy"), Row(b"b", Fingerprint(1, 0, 0, 0, 0), b"")]
    )
    assert raw[:12] == bytes((2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0))
    assert raw[12:17] == b"/da\0b"
    assert (
        raw[17 : 17 + 2 * FILE.size + 2] == FILE.pack(1, 2, -3, 4, 5, 2) + FILE.pack(1, 0, 0, 0, 0, 0) + b"xy"
    )
    frame = Frame(raw)
    assert (frame.path, frame.names, frame.value(0), frame.value(1)) == (b"/d", [b"a", b"b"], b"xy", b"")
    assert (frame.number(b"b"), frame.number(b"c")) == (1, None)
    with pytest.raises(ValueError, match="well-formed"):
        Frame(raw[:4] + b"\3" + raw[5:])
    assert len(pack_head(OWNER, -1)) == HEAD.size
