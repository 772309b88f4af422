"""Sources: how they are named, ordered, and found on the way to them."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.backup.scan.events import Enter
from skycap.backup.scan.roots import absolute, in_scan_order, read_list
from skycap.backup.scan.walking import Scanner
from skycap.core.errors import NotFound, UsageError
from skycap.core.testing.unprivileged import as_nobody
from tests.backup.scan.trees import follow, make

names = st.binary(min_size=1, max_size=3).map(
    lambda raw: raw.replace(b"/", b"a").replace(b"\0", b"b").replace(b".", b"c")
)
paths = st.lists(names, max_size=4).map(lambda parts: b"".join(b"/" + part for part in parts))


@given(st.lists(paths, max_size=12))
def test_sources_come_in_the_order_of_a_scan_and_none_is_below_another(found: list[bytes]) -> None:
    order = list(in_scan_order(found))
    assert order == sorted(order, key=lambda path: path.split(b"/"))
    for path in found:
        above = [one for one in order if path == one or path.startswith(one + b"/")]
        assert len(above) == 1


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (b"/", b""),
        (b"//a///b/", b"/a/b"),
        (b"/a/./b/.", b"/a/b"),
        (b"x/y", b"/here/x/y"),
        (b".", b"/here"),
        (b"/\xff", b"/\xff"),
    ],
)
def test_a_source_is_made_absolute(path: bytes, wanted: bytes) -> None:
    assert absolute(path, folder=b"/here") == wanted


def test_two_dots_mean_what_they_mean_to_the_system(top: bytes) -> None:
    make(top, b"a/b/c/", b"d/")
    os.symlink(top + b"/a/b/c", top + b"/link")
    assert absolute(top + b"/link/../x") == top + b"/a/b/x"
    assert absolute(b"..", folder=top + b"/link") == top + b"/a/b"
    assert absolute(b"/..") == b""


def test_a_source_is_seen_from_where_the_program_runs(top: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(os.fsdecode(top))
    assert absolute(b"x") == top + b"/x"


@pytest.mark.parametrize("path", [b"", b"a\0b"])
def test_what_names_no_source_is_refused(path: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        absolute(path)
    assert caught.value.hint


def test_a_list_of_files_is_taken_as_it_stands(tmp_path: Path) -> None:
    plain, raw = tmp_path / "plain", tmp_path / "raw"
    plain.write_bytes(b"/a b\n\n# no comment\n\xff\n/last")
    assert list(read_list(str(plain))) == [b"/a b", b"# no comment", b"\xff", b"/last"]
    many = [b"/%d\n" % number for number in range(20_000)]
    raw.write_bytes(b"\0".join(many))
    assert list(read_list(str(raw), nul=True)) == many


def test_a_list_of_files_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"/a\0/b\0")))
    assert list(read_list("-", nul=True)) == [b"/a", b"/b"]


def test_a_list_of_files_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(read_list(str(tmp_path / "none")))
    with pytest.raises(UsageError):
        list(read_list(str(tmp_path)))


def test_several_sources_are_one_tree(top: bytes, by_handle: bool) -> None:
    make(top, b"a/x", b"a/y", b"b/c/z", b"b/d", b"e/f/g", b"not/this")
    roots = [top + b"/b/d", top + b"/e", top + b"/a/x", top + b"/b/c", top + b"/b/c/z", top + b"/e/f"]
    scanner = Scanner(roots, by_handle=by_handle)
    found = follow(scanner, top)
    assert set(found.items) == {b"a/x", b"b/c/z", b"b/d", b"e/f/g"}
    assert set(found.dirs) == {b"b/c", b"e", b"e/f"}
    assert (scanner.counts.roots, scanner.counts.dirs) == (4, 3)


def test_directories_on_the_way_are_told_as_such(top: bytes) -> None:
    make(top, b"way/source/x", b"way/other")
    entered = [event.directory for event in Scanner([top + b"/way/source"]) if isinstance(event, Enter)]
    assert entered[0].path == b""
    assert [one.on_the_way for one in entered] == [True] * (len(entered) - 1) + [False]
    assert entered[-2].path == top + b"/way"
    assert entered[-2].info.st_ino == os.stat(top + b"/way").st_ino


def test_a_link_on_the_way_is_followed_and_a_link_as_source_is_kept(top: bytes, by_handle: bool) -> None:
    make(top, b"real/source/x")
    os.symlink(b"real", top + b"/link")
    found = follow(Scanner([top + b"/link/source"], by_handle=by_handle), top)
    assert set(found.items) == {b"link/source/x"}
    found = follow(Scanner([top + b"/link"], by_handle=by_handle), top)
    assert found.items[b"link"].target == b"real"


def test_a_missing_source_does_not_end_the_scan_of_others(top: bytes, by_handle: bool) -> None:
    make(top, b"a/x", b"c/y", b"file")
    roots = [top + name for name in (b"/a", b"/b", b"/b/deep/er", b"/c", b"/file/below")]
    scanner = Scanner(roots, by_handle=by_handle)
    found = follow(scanner, top)
    assert set(found.items) == {b"a/x", b"c/y"}
    assert found.codes == {b"b": "vanished-root", b"file/below": "vanished-root"}
    assert all(problem.lost and problem.error.hint for problem in found.problems.values())
    assert (scanner.counts.roots, scanner.counts.missing_roots) == (2, 2)


def test_a_source_is_reached_through_directories_that_cannot_be_listed(open_top: bytes) -> None:
    make(open_top, b"way/source/x", b"way/file")
    os.chmod(open_top + b"/way", 0o711)

    def found() -> set[bytes]:
        return set(follow(Scanner([open_top + b"/way/source", open_top + b"/way/file"]), open_top).items)

    assert as_nobody(found) == {b"way/source/x", b"way/file"}


def test_many_sources_in_one_directory_come_in_batches(top: bytes) -> None:
    files = [b"%04d" % number for number in range(600)]
    make(top, *files)
    found = follow(Scanner([top + b"/" + name for name in reversed(files)]), top)
    assert list(found.items) == files
    assert [len(batch.items) for batch in found.batches] == [256, 256, 88]
