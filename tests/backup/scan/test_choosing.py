"""What is left out of a scan, and what becomes of links."""

from __future__ import annotations

import os

import pytest

from skycap.backup.format.nodes import NodeType
from skycap.backup.scan.options import ScanOptions
from skycap.backup.scan.walking import Scanner
from skycap.core.transfer.filter import Filter
from tests.backup.scan.trees import Scanned, follow, make

TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# This directory may be left out."


def scan(top: bytes, options: ScanOptions, *, by_handle: bool = True) -> tuple[Scanned, Scanner]:
    scanner = Scanner([top], options, by_handle=by_handle)
    return follow(scanner, top), scanner


def chosen(top: bytes, *, by_handle: bool = True, **rules: object) -> set[bytes]:
    options = ScanOptions(select=Filter.build(**rules))  # type: ignore[arg-type]
    return scan(top, options, by_handle=by_handle)[0].paths - {top}


def test_exclusions_are_seen_from_the_source(top: bytes, by_handle: bool) -> None:
    make(top, b"a/x.tmp", b"a/b/y", b"b/y", b"b/z", b"keep.tmp", b"\xff/x")
    assert chosen(top, by_handle=by_handle, exclude=["*.tmp", "!keep.tmp", "/b"]) == {
        *(b"a", b"a/b", b"a/b/y", b"keep.tmp", b"\xff", b"\xff/x"),
    }
    assert b"b/y" not in chosen(top, exclude=["b/y"])
    assert b"a/b/y" in chosen(top, exclude=["b/y"])
    assert b"\xff/x" not in chosen(top, exclude=["\udcff/"])


def test_what_is_left_out_is_counted(top: bytes) -> None:
    make(top, b"a/x", b"b", b"c")
    _, scanner = scan(top, ScanOptions(select=Filter.build(exclude=["a", "b"])))
    assert scanner.counts.excluded == 2
    assert scanner.counts.files == 1


def test_with_inclusions_only_directories_on_the_way_to_what_counts_are_told(top: bytes) -> None:
    make(top, b"a/b/c.txt", b"a/d.bin", b"e/f.bin", b"g/h/", b"z.txt", b"h/x")
    assert chosen(top, include=["*.txt"]) == {b"a", b"a/b", b"a/b/c.txt", b"z.txt"}
    assert chosen(top, include=["h"]) == {b"g", b"g/h", b"h", b"h/x"}


def test_sizes_are_those_of_files(top: bytes) -> None:
    make(top, b"a/small")
    make(top, b"a/large", b"b/large", content=b"12345")
    os.symlink(b"x", top + b"/link")
    assert chosen(top, max_size=4) == {b"a", b"a/small", b"link"}


def test_a_cache_is_kept_as_its_directory_and_its_tag(top: bytes, by_handle: bool) -> None:
    make(top, b"cache/CACHEDIR.TAG", content=TAG)
    make(top, b"cache/x", b"cache/y/z", b"fake/CACHEDIR.TAG", b"fake/x", b"odd/CACHEDIR.TAG/x")
    found, _ = scan(top, ScanOptions(exclude_caches=True), by_handle=by_handle)
    assert found.paths - {top} == {
        *(b"cache", b"cache/CACHEDIR.TAG", b"fake", b"fake/CACHEDIR.TAG", b"fake/x"),
        *(b"odd", b"odd/CACHEDIR.TAG", b"odd/CACHEDIR.TAG/x"),
    }
    assert b"cache/x" in scan(top, ScanOptions(), by_handle=by_handle)[0].items


def test_a_file_of_an_agreed_name_leaves_its_directory_out(top: bytes, by_handle: bool) -> None:
    make(top, b"a/.nobackup", b"a/x", b"b/x")
    found, _ = scan(top, ScanOptions(exclude_if_present=(b".skip", b".nobackup")), by_handle=by_handle)
    assert set(found.items) == {b"a/.nobackup", b"b/x"}


def test_links_are_kept_as_they_are(top: bytes) -> None:
    make(top, b"real/x")
    os.symlink(b"real", top + b"/link")
    os.symlink(b".", top + b"/self")
    os.symlink(b"/no/where", top + b"/broken")
    found, scanner = scan(top, ScanOptions())
    assert {found.items[name].target for name in (b"link", b"self", b"broken")} == {
        b"real",
        b".",
        b"/no/where",
    }
    assert scanner.links.archived == 3
    assert not found.problems


def test_links_are_skipped_and_counted(top: bytes) -> None:
    make(top, b"real/x")
    os.symlink(b"real", top + b"/link")
    found, scanner = scan(top, ScanOptions(symlinks="skip"))
    assert found.paths - {top} == {b"real", b"real/x"}
    assert (scanner.links.skipped, scanner.links.archived) == (1, 0)


def test_links_are_followed_to_files_and_directories(top: bytes, by_handle: bool) -> None:
    make(top, b"real/x", content=b"123")
    os.mkfifo(top + b"/fifo")
    os.symlink(b"real", top + b"/dir-link")
    os.symlink(b"dir-link/x", top + b"/file-link")
    os.symlink(b"fifo", top + b"/fifo-link")
    found, scanner = scan(top, ScanOptions(symlinks="follow"), by_handle=by_handle)
    assert found.items[b"dir-link/x"].info.st_ino == found.items[b"real/x"].info.st_ino
    file = found.items[b"file-link"]
    assert (file.type, file.info.st_size, file.target) == (NodeType.FILE, 3, None)
    assert found.items[b"fifo-link"].type == NodeType.FIFO
    assert found.dirs[b"dir-link"].name == b"dir-link"
    assert (scanner.links.followed, scanner.links.archived) == (3, 0)
    assert not found.problems


def test_a_link_back_up_ends_and_is_kept_as_a_link(top: bytes, by_handle: bool) -> None:
    make(top, b"a/b/x")
    os.symlink(b"../..", top + b"/a/b/up")
    os.symlink(b"b", top + b"/a/again")
    os.symlink(b"me", top + b"/me")
    found, scanner = scan(top, ScanOptions(symlinks="follow"), by_handle=by_handle)
    assert found.codes == {b"a/b/up": "loop", b"a/again/up": "loop", b"me": "loop"}
    assert found.items[b"a/b/up"].target == b"../.."
    assert os.fsdecode(top) in str(found.problems[b"a/b/up"].error)
    assert b"a/again/x" in found.items
    assert (scanner.links.loops, scanner.links.followed, scanner.links.archived) == (3, 1, 3)
    assert not any(problem.lost for problem in found.problems.values())


def test_no_more_than_forty_links_are_followed_one_below_the_other(top: bytes) -> None:
    for number in range(45):
        make(top, b"%02d/" % number)
        os.symlink(b"../%02d" % (number + 1), top + b"/%02d/next" % number)
    make(top, b"45/x")
    scanner = Scanner([top + b"/00", top + b"/99"], ScanOptions(symlinks="follow", follow_outside=True))
    found = follow(scanner, top)
    deepest = b"00" + 40 * b"/next"
    assert deepest in found.dirs
    assert found.codes[deepest + b"/next"] == "loop"


def test_a_broken_link_is_told_and_kept(top: bytes) -> None:
    os.symlink(b"nowhere", top + b"/broken")
    found, scanner = scan(top, ScanOptions(symlinks="follow"))
    assert found.codes == {b"broken": "broken-link"}
    assert found.items[b"broken"].target == b"nowhere"
    assert (scanner.links.broken, scanner.links.archived) == (1, 1)


def test_a_link_out_of_the_sources_is_kept_unless_told_otherwise(top: bytes) -> None:
    make(top, b"in/x", b"out/secret", b"second/y")
    os.symlink(b"../out", top + b"/in/link")
    os.symlink(b"../second/y", top + b"/in/near")
    roots = [top + b"/in", top + b"/second"]
    found = follow(Scanner(roots, ScanOptions(symlinks="follow")), top)
    assert found.codes == {b"in/link": "outside"}
    assert found.items[b"in/link"].target == b"../out"
    assert found.items[b"in/near"].type == NodeType.FILE
    found = follow(Scanner(roots, ScanOptions(symlinks="follow", follow_outside=True)), top)
    assert b"in/link/secret" in found.items


def test_everything_is_inside_the_top_of_the_file_system(top: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    make(top, b"in/", b"out/x")
    os.symlink(b"../out", top + b"/in/link")
    scanner = Scanner([b""], ScanOptions(symlinks="follow"))
    assert list(scanner._links.noted([b""])) == [b""]
    assert scanner._links._is_inside(top + b"/out")
    assert scanner._links._is_inside(b"/")


def test_a_source_that_is_a_link_is_followed_when_told_so(top: bytes, by_handle: bool) -> None:
    make(top, b"real/x")
    os.symlink(b"real", top + b"/link")
    options = ScanOptions(symlinks="follow", follow_outside=True)
    found = follow(Scanner([top + b"/link"], options, by_handle=by_handle), top)
    assert set(found.items) == {b"link/x"}
