"""No path from outside leads out of a folder."""

from __future__ import annotations

import errno
import itertools
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core import paths
from skycap.core.errors import PathInvalid

COMPONENTS = [
    "a", "b", "file", "new", ".", "..", "...", "",
    " ", "..\\..", "\\", "C:", "C:\\x", "~", "$HOME", "%2e%2e",
    "%2F", "a\0b", "\n", "con", "-rf", "*", "é", "e\u0301", "\udcff", "\udc2f\udc2e", "\ud800",
    "\udcc3\udca9",
    "out", "outfile", "up", "root", "chain1", "chain2", "loop", "loop1", "inside", "dangling", "selflink",
    "deep", "n" * 255, "n" * 256, "ü" * 128, "x" * 5000,
]  # fmt: skip


@contextmanager
def planted() -> Iterator[tuple[str, str]]:
    """A folder with links of every kind in it, beside a folder that must not be reached."""
    with tempfile.TemporaryDirectory() as top:
        top = os.path.realpath(top)
        root, outside = f"{top}/root", f"{top}/outside"
        os.makedirs(f"{root}/a/b/deep")
        os.makedirs(f"{outside}/a/b")
        for folder in (root, f"{root}/a", outside, f"{outside}/a"):
            Path(folder, "file").write_bytes(b"x")
        links = {
            "out": outside,
            "outfile": f"{outside}/file",
            "up": "..",
            "root": "/",
            "chain1": "chain2",
            "chain2": "a/out",
            "a/out": "../../outside",
            "a/b/out": "../../../outside/a",
            "loop": "loop",
            "loop1": "loop2",
            "loop2": "loop1",
            "inside": "a/b",
            "a/inside": "../a",
            "dangling": f"{outside}/not/there",
            "a/dangling": "../../outside/new",
            "selflink": ".",
            "a/up": "../..",
            "a/b/deep/up": "../../../..",
        }
        for name, target in links.items():
            os.symlink(target, f"{root}/{name}")
        yield root, outside


def inside(root: str, local: str) -> bool:
    real = os.path.realpath(local)
    return real == root or real.startswith(f"{root}/")


def check(root: str, path: str) -> bool:
    """Whether it was refused; else both ways to ask lead to something below the root."""
    refused, said = 0, ""
    try:
        local = paths.join_under(root, path)
    except PathInvalid as error:
        said = str(error)
        refused += 1
    else:
        assert inside(root, os.path.dirname(local) if path else local), path
    try:
        local = paths.join_under(root, path, follow_last=True)
    except PathInvalid:
        refused += 1
    else:
        assert inside(root, local), path
    assert "\n" not in said
    return refused > 0


def test_thousands_of_hostile_paths_and_none_escapes() -> None:
    dice = random.Random(2)
    hostile = [*COMPONENTS, *(f"/{part}" for part in COMPONENTS)]
    hostile += ["/".join(pair) for pair in itertools.product(COMPONENTS, repeat=2)]
    hostile += [
        "/".join(dice.choices(COMPONENTS[:3] + COMPONENTS[COMPONENTS.index("out") :], k=dice.randint(3, 9)))
        for _ in range(3000)
    ]
    with planted() as (root, _):
        refused = sum(check(root, path) for path in hostile)
    assert len(hostile) > 4000
    assert 1000 < refused < len(hostile)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(COMPONENTS) | st.text(max_size=8), max_size=8).map("/".join))
def test_no_path_one_can_think_of_escapes(path: str) -> None:
    with planted() as (root, _):
        check(root, path)


def test_links_that_stay_inside_are_followed() -> None:
    with planted() as (root, _):
        for path in ("inside/deep/file", "selflink/file", "a/inside/file", "selflink/selflink/a/b/new"):
            assert inside(root, paths.join_under(root, path))
            assert paths.join_under(root, path) == f"{root}/{path}"


def test_the_last_part_is_looked_at_as_a_link_unless_it_is_followed() -> None:
    with planted() as (root, _):
        for name in ("out", "outfile", "dangling", "up", "chain1"):
            assert paths.join_under(root, name) == f"{root}/{name}"
            with pytest.raises(PathInvalid, match="leads out"):
                paths.join_under(root, name, follow_last=True)


def test_a_loop_of_links_on_the_way_is_an_error_of_ours() -> None:
    with planted() as (root, _):
        for name in ("loop/x", "loop1/x/y"):
            with pytest.raises(PathInvalid):
                paths.join_under(root, name, follow_last=True)


LEVELS = ["l"] * 20
DEEP_PARTS = ["out", "inside", "back", "self", "dangling", "up", "a", "b", "file", "new", "l", *["l"] * 4]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 20), st.lists(st.sampled_from(DEEP_PARTS), max_size=6), st.integers(0, 20))
def test_many_parts_at_once_are_judged_as_one_by_one(above: int, between: list[str], below: int) -> None:
    with planted() as (root, outside):
        bottom = "/".join([root, *LEVELS])
        os.makedirs(bottom)
        for folder in (bottom, f"{root}/a", f"{root}/l/l/l/l"):
            for name, target in {
                "out": outside,
                "inside": f"{root}/a",
                "back": root,
                "self": ".",
                "dangling": f"{root}/not/there",
                "up": "..",
            }.items():
                if not os.path.lexists(f"{folder}/{name}"):
                    os.symlink(target, f"{folder}/{name}")
        path = "/".join([*LEVELS[:above], *between, *LEVELS[:below]])
        try:
            local: str | None = paths.join_under(root, path, follow_last=True)
        except PathInvalid:
            local = None
        assert (local is not None) == all(
            inside(root, f"{root}/{prefix}")
            for prefix in itertools.accumulate(path.split("/"), "{}/{}".format)
        )
        if path and local is not None:
            assert local == f"{root}/{path}"


def test_what_was_a_folder_before_is_looked_at_again() -> None:
    with planted() as (root, outside):
        deep = "/".join(LEVELS)
        os.makedirs(f"{root}/{deep}")
        assert paths.join_under(root, f"{deep}/new") == f"{root}/{deep}/new"
        os.rename(f"{root}/l/l", f"{outside}/l")
        os.symlink(f"{outside}/l", f"{root}/l/l")
        with pytest.raises(PathInvalid, match="leads out"):
            paths.join_under(root, f"{deep}/new")


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="the system does not tell real paths")
@pytest.mark.parametrize("missing", [0, 1, 2, 100])
def test_a_deep_path_costs_few_calls(tmp_path: Path, missing: int) -> None:
    parts = ["d"] * 500
    for number in range(0, 500 - missing, 100):
        os.makedirs(tmp_path.joinpath(*parts[: min(number + 100, 500 - missing)]), exist_ok=True)
    calls: list[str] = []

    def count(frame: object, event: str, argument: object) -> None:
        if event == "c_call" and getattr(argument, "__module__", "") == "posix":
            calls.append(getattr(argument, "__name__", ""))

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        paths.join_under(str(tmp_path), "/".join(parts), follow_last=True)
    finally:
        sys.setprofile(before)
    assert sum(name in {"lstat", "open", "readlink", "stat"} for name in calls) < 60


def test_a_root_that_is_a_link_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real" / "a").mkdir(parents=True)
    (tmp_path / "real" / "link").symlink_to("a")
    (tmp_path / "root").symlink_to("real")
    root = str(tmp_path / "root")
    assert paths.join_under(root, "link/x") == f"{root}/link/x"
    assert paths.join_under(f"{root}/", "a/x") == f"{root}/a/x"
    assert paths.join_under("/", "etc/x") == "/etc/x"


def test_the_root_itself_has_the_empty_path(tmp_path: Path) -> None:
    assert paths.join_under(str(tmp_path), "") == str(tmp_path)


@pytest.mark.parametrize(
    "path", ["/a", "a/", "a//b", "//", "a/../b", "..", ".", "./a", "a/.", "a\0", "\ud800"]
)
def test_what_is_no_path_of_ours_is_refused(path: str) -> None:
    with pytest.raises(PathInvalid):
        paths.validate(path)


@pytest.mark.parametrize(
    "path",
    ["", "a", "a/b", "...", "..a", "a..", ".hidden", "a b", "-", "\udcff", "a\nb", "é", "e\u0301", "😀"],
)
def test_what_is_one_stays_as_it_came(path: str) -> None:
    assert paths.validate(path) == path
    assert paths.normalise(path) == path


def test_two_spellings_of_the_same_bytes_are_not_two_paths() -> None:
    with pytest.raises(PathInvalid, match="half a character"):
        paths.validate("\udcc3\udca9")


def test_both_unicode_forms_are_two_files(tmp_path: Path) -> None:
    composed, decomposed = "\u00e9", "e\u0301"
    for name in (composed, decomposed):
        Path(paths.join_under(str(tmp_path), name)).write_text(name)
    if len(os.listdir(tmp_path)) == 1:
        pytest.skip("this file system takes the two for one")
    assert sorted(os.listdir(tmp_path)) == [decomposed, composed]


def test_a_name_that_is_not_utf8_comes_back_as_the_same_bytes(tmp_path: Path) -> None:
    try:
        Path(paths.join_under(str(tmp_path), "\udcff\udcfe")).write_bytes(b"x")
    except OSError as error:
        if error.errno != errno.EILSEQ:
            raise
        pytest.skip("this file system has text names only")
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff\xfe"]
    assert not paths.is_utf8("\udcff")
    assert paths.is_utf8("é")


@pytest.mark.parametrize(
    "name",
    [
        "C:", "c:x", "CON", "con.txt", "Nul", "aux.tar.gz", "COM1", "com¹", "LPT9.log", "CONIN$", "con .txt",
        "a.", "a ", "a:b", "a*", "a?", 'a"', "<", ">", "|", "a\\b", "..\\a", "tab\t",
    ],
)  # fmt: skip
def test_what_windows_cannot_hold_is_refused_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(PathInvalid):
        paths.join_under(str(tmp_path), f"a/{name}/b", windows=True)
    assert paths.join_under(str(tmp_path), f"a/{name}/b", windows=False)


@pytest.mark.parametrize("name", ["console", "com", "com10", "lpt", "nuls", "a.con", "aux1"])
def test_what_only_looks_reserved_is_fine_there(tmp_path: Path, name: str) -> None:
    assert paths.join_under(str(tmp_path), name, windows=True)


@pytest.mark.parametrize(
    ("name", "fits"), [("n" * 255, True), ("n" * 256, False), ("ü" * 127, True), ("ü" * 128, False)]
)
def test_a_name_is_at_most_255_bytes(tmp_path: Path, name: str, fits: bool) -> None:
    if fits:
        Path(paths.join_under(str(tmp_path), name)).write_bytes(b"")
    else:
        with pytest.raises(PathInvalid, match="255"):
            paths.join_under(str(tmp_path), name)


def test_a_whole_path_that_is_too_long_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(PathInvalid):
        paths.join_under(str(tmp_path), "/".join(["n" * 200] * 40))


@given(st.text())
def test_whatever_is_shown_is_one_line_of_plain_text(path: str) -> None:
    shown = paths.printable(path)
    assert shown.isprintable()
    shown.encode("utf-8")


@given(st.text())
def test_what_is_normalised_is_a_path_or_refused(path: str) -> None:
    try:
        found = paths.normalise(path)
    except PathInvalid:
        return
    assert paths.validate(found) == found
    assert paths.normalise(found) == found


NAMES = st.text("ab.\u00e9\udcff", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(NAMES, min_size=1, max_size=4))
def test_joining_and_taking_apart_are_opposites(left: list[str], right: list[str]) -> None:
    base, rest = "/".join(left), "/".join(right)
    joined = paths.join(base, rest)
    assert paths.relative_to(joined, base) == rest
    assert paths.relative_to(joined, "") == joined
    assert paths.relative_to(joined, joined) == ""
    assert paths.join(*filter(None, paths.split(joined))) == joined
    with pytest.raises(PathInvalid):
        paths.relative_to(f"{base}x", base)


@given(st.lists(st.tuples(NAMES, st.booleans()), unique_by=lambda item: item[0]))
def test_the_order_is_that_of_an_object_store(items: list[tuple[str, bool]]) -> None:
    def key(item: tuple[str, bool]) -> bytes:
        return paths.order_key(item[0], is_dir=item[1])

    keys = sorted(paths.to_bytes(name) + (b"/file" if is_dir else b"") for name, is_dir in items)
    assert [
        paths.to_bytes(name) + (b"/file" if is_dir else b"") for name, is_dir in sorted(items, key=key)
    ] == keys
