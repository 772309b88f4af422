"""The scan of a tree: all that is in it, once, in one order."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.backup.format.nodes import NodeType
from skycap.backup.scan.events import Batch, Enter, Event
from skycap.backup.scan.options import ScanOptions
from skycap.backup.scan.walking import Scanner
from skycap.core.errors import ScanFailed
from skycap.core.testing.unprivileged import as_nobody
from skycap.core.transfer.filter import Filter
from tests.backup.scan.trees import Follower, Scanned, follow, make, walked

NAMES = [
    b"a",
    b"b",
    b"a.b",
    b"a-b",
    b"\xff\xfe",
    "é".encode(),
    "e\u0301".encode(),
    b"a\nb",
    b" ",
    b"A",
    b"\x01",
]
trees = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(b"/".join), max_size=25)


def scan(top: bytes, options: ScanOptions | None = None, *, by_handle: bool = True) -> Scanned:
    return follow(Scanner([top], options, by_handle=by_handle), top)


@settings(max_examples=40)
@given(trees, st.booleans())
def test_each_entry_is_told_once_and_in_the_order_of_its_path(paths: list[bytes], by_handle: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = os.fsencode(folder)
        for path in paths:
            try:
                make(top, path)
            except OSError:  # it is a directory already, or below a file
                continue
        scanner = Scanner([top], by_handle=by_handle)
        found = follow(scanner, top)
        there = set(walked(top))
        assert found.paths - {top} == there
        below = [path for path in found.order if path != top]
        assert below == sorted(there, key=lambda path: path.split(b"/"))
        assert scanner.counts.files == len(found.items)
        assert scanner.counts.dirs == len(found.dirs)
        assert not found.problems


def test_an_item_is_what_the_system_says_of_it(top: bytes, by_handle: bool) -> None:
    make(top, b"file", content=b"12345")
    os.utime(top + b"/file", ns=(1, -1_500_000_000))
    os.chmod(top + b"/file", 0o4751)
    os.symlink(b"\xff/nowhere", top + b"/link")
    os.mkfifo(top + b"/fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(top, os.O_RDONLY)
        try:
            listener.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
    scanner = Scanner([top], by_handle=by_handle)
    found = follow(scanner, top)
    file, link, fifo = (found.items[name] for name in (b"file", b"link", b"fifo"))
    assert (file.type, file.target, file.xattrs) == (NodeType.FILE, None, None)
    assert file.info.st_size == 5
    assert file.info.st_mtime_ns == -1_500_000_000
    assert stat.S_IMODE(file.info.st_mode) == 0o4751
    assert file.info.st_ino == os.stat(top + b"/file").st_ino
    assert (link.type, link.target, link.xattrs) == (NodeType.SYMLINK, b"\xff/nowhere", ())
    assert (fifo.type, fifo.target) == (NodeType.FIFO, None)
    assert b"socket" not in found.paths
    assert not found.problems
    assert (scanner.counts.sockets, scanner.counts.special, scanner.counts.files) == (1, 1, 1)
    assert (scanner.links.archived, scanner.counts.bytes) == (1, 5)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes devices")
def test_devices_have_their_numbers(top: bytes) -> None:
    os.mknod(top + b"/null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod(top + b"/disk", stat.S_IFBLK | 0o600, os.makedev(259, 70_000))
    found = scan(top)
    assert found.items[b"null"][1] == NodeType.CHARACTER_DEVICE
    assert found.items[b"null"].target == (1, 3)
    assert found.items[b"disk"][1] == NodeType.BLOCK_DEVICE
    assert found.items[b"disk"].target == (259, 70_000)


def test_the_top_of_the_file_system_is_a_source_too() -> None:
    scanner = Scanner([b""], ScanOptions(one_file_system=True))
    events = iter(scanner)
    first = next(events)
    assert isinstance(first, Enter)
    assert first.directory.path == b""
    assert first.directory.path_of(b"etc") == b"/etc"
    events.close()  # type: ignore[attr-defined]


def test_the_top_with_all_left_out_is_an_empty_directory(by_handle: bool) -> None:
    options = ScanOptions(select=Filter.build(exclude=["*"]))
    found = follow(Scanner([b"", b"/etc"], options, by_handle=by_handle))
    assert found.paths == {b""}


def test_attributes_of_directories_and_of_what_is_no_file_are_told(top: bytes, by_handle: bool) -> None:
    make(top, b"dir/file")
    os.setxattr(top + b"/dir", b"user.b", b"2")
    os.setxattr(top + b"/dir", b"user.a", b"\0\xff")
    found = scan(top, by_handle=by_handle)
    assert found.dirs[b"dir"].xattrs == ((b"user.a", b"\0\xff"), (b"user.b", b"2"))
    assert scan(top, ScanOptions(xattrs=False), by_handle=by_handle).dirs[b"dir"].xattrs == ()


def test_a_large_directory_comes_in_batches(top: bytes, by_handle: bool) -> None:
    names = [b"%05d" % number for number in range(1_500)]
    make(top, *names)
    make(top, b"00700-dir/inside")
    found = scan(top, by_handle=by_handle)
    assert [path for path in found.order if path in set(names)] == names
    assert [len(batch.items) for batch in found.batches] == [256, 256, 189, 1, 256, 256, 256, 31]


def test_a_directory_larger_than_memory_should_hold_is_told_in_order(
    top: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skycap.backup.scan.names._LISTED_AT_ONCE", 0)
    monkeypatch.setattr("skycap.backup.scan.names.in_order.__defaults__", (100,))
    names = [b"%05d" % number for number in range(1_050)]
    make(top, *names, b"dir/x", b"\xff\xfe")
    found = scan(top)
    assert set(found.items) == {*names, b"dir/x", b"\xff\xfe"}


def test_a_tree_deeper_than_a_path_may_be_is_scanned_whole(top: bytes) -> None:
    name = 90 * b"d"
    handle = os.open(top, os.O_RDONLY)
    for _ in range(70):
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        for entry in (b"before", b"zafter"):
            os.close(os.open(entry, os.O_WRONLY | os.O_CREAT, dir_fd=below))
        os.close(handle)
        handle = below
    os.mkfifo(b"fifo", dir_fd=handle)
    os.symlink(b"x", b"link", dir_fd=handle)
    os.close(handle)
    opened = len(os.listdir("/proc/self/fd"))
    most = 0
    follower = Follower(top)
    for event in Scanner([top]):
        follower.take(event)
        most = max(most, len(os.listdir("/proc/self/fd")) - opened)
    found = follower.done()
    deepest = b"/".join([name] * 70)
    assert len(found.dirs) == 71
    assert {deepest + b"/fifo", deepest + b"/link", deepest + b"/zafter", name + b"/zafter"} <= set(
        found.items
    )
    assert len(found.items) == 142
    assert not found.problems
    assert most < 75
    assert len(os.listdir("/proc/self/fd")) == opened


def test_a_scan_that_is_left_early_closes_what_it_opened(top: bytes) -> None:
    make(top, b"a/b/c/d")
    opened = len(os.listdir("/proc/self/fd"))
    events = iter(Scanner([top]))
    while not isinstance(next(events), Batch):
        pass
    assert len(os.listdir("/proc/self/fd")) > opened
    events.close()  # type: ignore[attr-defined]
    assert len(os.listdir("/proc/self/fd")) == opened


def test_files_that_vanish_while_their_directory_is_scanned_are_told(top: bytes, by_handle: bool) -> None:
    make(top, *[b"%03d" % number for number in range(300)])
    follower = Follower(top)
    for event in Scanner([top], by_handle=by_handle):
        follower.take(event)
        if isinstance(event, Batch) and len(follower.found.batches) == 1:
            for number in range(256, 298):
                os.unlink(top + b"/%03d" % number)
    found = follower.done()
    assert len(found.items) == 258
    assert set(found.codes.values()) == {"vanished"}
    assert len(found.problems) == 42
    assert not any(problem.lost for problem in found.problems.values())
    assert found.dirs[top].whole


def test_a_directory_that_vanishes_is_told(top: bytes, by_handle: bool) -> None:
    make(top, b"a/x", b"b/y", b"c")
    follower = Follower(top)
    for event in Scanner([top], by_handle=by_handle):
        follower.take(event)
        if isinstance(event, Enter) and event.directory.name == b"a":
            shutil.rmtree(top + b"/b")
            os.unlink(top + b"/a/x")
    found = follower.done()
    assert found.paths - {top} == {b"a", b"a/x", b"c"} - ({b"a/x"} if b"a/x" in found.codes else set())
    assert found.codes[b"b"] == "vanished"


def moving(events: Scanner, top: bytes, at: bytes, *moves: tuple[bytes, bytes]) -> Scanned:
    """The scan, with directories moved when the directory named `at` is entered."""
    follower = Follower(top)
    event: Event
    for event in events:
        follower.take(event)
        if isinstance(event, Enter) and event.directory.name == at:
            for source, target in moves:
                os.rename(top + b"/" + source, top + b"/" + target)
    return follower.done()


def test_a_directory_that_is_moved_while_the_scan_is_deep_below_it_is_scanned_on(
    top: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skycap.backup.scan.walking.OPEN_LEVELS", 2)
    make(top, b"a/b/c/d/x", b"a/b/z", b"a/z")
    found = moving(Scanner([top]), top, b"d", (b"a", b"moved"))
    assert {b"a/b/c/d/x", b"a/b/z", b"a/z"} <= set(found.items)


def test_a_part_that_is_moved_away_leaves_the_rest_to_be_found_by_path(
    top: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skycap.backup.scan.walking.OPEN_LEVELS", 2)
    make(top, b"a/b/c/d/x", b"a/b/z", b"a/z")
    found = moving(Scanner([top]), top, b"d", (b"a/b/c", b"c"))
    assert {b"a/b/c/d/x", b"a/b/z", b"a/z"} <= set(found.items)
    assert not found.problems


def test_a_directory_that_cannot_be_found_again_is_told_and_is_not_whole(
    top: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skycap.backup.scan.walking.OPEN_LEVELS", 2)
    make(top, b"a/b/c/d/x", b"a/b/z", b"a/z")
    found = moving(Scanner([top]), top, b"d", (b"a/b/c", b"c"), (b"a/b", b"b"))
    assert found.codes == {b"a/b": "moved"}
    assert found.problems[b"a/b"].lost
    assert not found.dirs[b"a/b"].whole
    assert b"a/b/z" not in found.items
    assert b"a/z" in found.items


def test_what_may_not_be_read_is_told_and_the_rest_is_scanned(open_top: bytes, by_handle: bool) -> None:
    make(open_top, b"closed/x", b"blind/x", b"open/x", b"secret")
    os.chmod(open_top + b"/closed", 0o000)
    os.chmod(open_top + b"/blind", 0o444)  # its names may be listed, and no more
    os.chmod(open_top + b"/secret", 0o000)
    found = as_nobody(scan, open_top, by_handle=by_handle)
    assert found.codes == {b"closed": "denied", b"blind/x": "denied"}
    assert all(problem.lost and problem.error.exit_status == 6 for problem in found.problems.values())
    assert {b"closed", b"blind", b"open/x", b"secret"} <= found.paths
    assert not found.dirs[b"closed"].whole
    assert not found.dirs[b"blind"].whole
    assert found.dirs[open_top].whole


def test_the_source_of_somebody_else_is_scanned_without_leave_to_spare_its_times(open_top: bytes) -> None:
    make(open_top, b"dir/x")
    assert b"dir/x" in as_nobody(scan, open_top).items


def test_times_of_access_are_left_alone(top: bytes) -> None:
    make(top, b"dir/x")
    os.utime(top + b"/dir", ns=(5, 5))
    scan(top)
    assert os.stat(top + b"/dir").st_atime_ns == 5


def test_without_handles_what_is_too_deep_for_a_path_is_told(top: bytes) -> None:
    name = 200 * b"d"
    handle = os.open(top, os.O_RDONLY)
    for _ in range(30):
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    found = scan(top, by_handle=False)
    [(path, problem)] = found.problems.items()
    assert problem.code == "unreadable"
    assert problem.lost
    assert not found.dirs[os.path.dirname(path)].whole
    assert not scan(top).problems


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_a_process_that_may_open_no_more_files_tells_what_it_could_not_scan(top: bytes, spare: int) -> None:
    import resource

    make(top, b"a/b/c/d/x", b"z")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    scanner = Scanner([top])
    follower = Follower(top)
    events = iter(scanner)
    follower.take(next(events))
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + spare, hard))
    try:
        for event in events:
            follower.take(event)
    except ScanFailed:
        assert scanner.counts.missing_roots == 1
        return
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = follower.done()
    assert b"z" in found.items
    assert [problem.code for problem in found.problems.values()] == ["unreadable"]
    [path] = found.problems
    assert not found.dirs[path].whole


def test_hard_links_are_counted_and_keep_their_inode(top: bytes) -> None:
    make(top, b"one", b"alone")
    os.link(top + b"/one", top + b"/two")
    scanner = Scanner([top])
    found = follow(scanner, top)
    one, two = found.items[b"one"].info, found.items[b"two"].info
    assert (one.st_dev, one.st_ino, one.st_nlink) == (two.st_dev, two.st_ino, 2)
    assert scanner.counts.hardlinks == 2


def test_another_file_system_is_kept_as_an_empty_directory_when_told_so() -> None:
    if os.stat("/dev/shm").st_dev == os.stat("/dev").st_dev:
        pytest.skip("there is one file system only")
    scanner = Scanner([b"/dev"], ScanOptions(one_file_system=True))
    found = follow(scanner, b"/dev")
    assert b"shm" in found.dirs
    assert not any(path.startswith(b"shm/") for path in found.paths)
    assert scanner.counts.other_devices >= 1
    assert follow(Scanner([b"/dev/shm"], ScanOptions(one_file_system=True))).dirs[b"/dev/shm"].whole


def test_a_mount_below_itself_ends(top: bytes) -> None:
    make(top, b"a/b/x")
    scanner = Scanner([top])
    place = os.stat(top + b"/a/b")
    # A mount cannot be made everywhere; what the scan goes by is device and inode.
    follower = Follower(top)
    for event in scanner:
        follower.take(event)
        if isinstance(event, Enter) and event.directory.path == top:
            scanner._places[place.st_dev, place.st_ino] = top
    found = follower.done()
    assert found.codes == {b"a/b": "loop"}
    assert b"a/b" in found.dirs
    assert b"a/b/x" not in found.items


def test_a_scan_without_any_source_that_can_be_read_fails(top: bytes) -> None:
    scanner = Scanner([top + b"/gone", top + b"/nor/this"])
    follower = Follower(top)
    with pytest.raises(ScanFailed) as caught:
        all(follower.take(event) is None for event in scanner)
    assert caught.value.exit_status == 12
    assert caught.value.hint
    assert follower.found.codes == {b"gone": "vanished-root", b"nor/this": "vanished-root"}
    assert scanner.counts.missing_roots == 2


def test_an_unreadable_source_is_missing(open_top: bytes) -> None:
    make(open_top, b"closed/x", b"open/x")
    os.chmod(open_top + b"/closed", 0o000)

    def both() -> tuple[Scanned, int, int]:
        scanner = Scanner([open_top + b"/closed", open_top + b"/open"])
        found = follow(scanner, open_top)
        return found, scanner.counts.roots, scanner.counts.missing_roots

    found, roots, missing = as_nobody(both)
    assert found.codes == {b"closed": "vanished-root"}
    assert b"open/x" in found.items
    assert (roots, missing) == (1, 1)
