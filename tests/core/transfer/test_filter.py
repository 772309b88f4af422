"""Patterns as in `.gitignore`, sizes and ages decide what counts."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.errors import NotFound, UsageError
from skycap.core.transfer.filter import Filter


def kept(paths: list[str], **kwargs: Any) -> list[str]:
    """Those of `paths` that count; one that ends with a slash is a directory."""
    found = Filter.build(**kwargs)
    return [
        path
        for path in paths
        if found.matches(path.rstrip("/"), is_dir=path.endswith("/"), size=1, mtime_ns=1)
    ]


@pytest.mark.parametrize(
    ("pattern", "out", "stays"),
    [
        ("*.log", ["a.log", "x/y/b.log", ".log"], ["a.log.txt", "log", "x/log.d/f"]),
        (
            "build",
            ["build", "x/build", "build/f", "x/build/y/f", "build/"],
            ["builds", "rebuild", "x/build.py"],
        ),
        ("build/", ["build/", "build/f", "x/build/", "x/build/f"], ["build", "x/build"]),
        ("/build", ["build", "build/", "build/f"], ["x/build", "x/build/f"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/x/b"]),
        ("a/*", ["a/b", "a/b/c", "a/.b"], ["a/", "a", "b/a"]),
        ("a/**", ["a/b", "a/b/c"], ["a/", "a"]),
        ("**/a", ["a", "x/a", "x/y/a", "a/f"], ["xa", "x/ba"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "x/a/b", "a/xb"]),
        ("a**b", ["ab", "axb", "x/axxb"], ["ba", "a/b"]),
        ("a/****/b", ["a/b", "a/x/y/b"], ["a/xb"]),
        ("?at", ["cat", "x/bat"], ["at", "chat", "x/at"]),
        ("[ab].c", ["a.c", "b.c"], ["c.c", "ab.c"]),
        ("[!ab].c", ["c.c"], ["a.c", "b.c", ".c"]),
        ("[^ab].c", ["c.c"], ["a.c"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[]x]y", ["]y", "xy"], ["y"]),
        ("[abc", ["[abc"], ["a"]),
        ("x[/]y", [], ["x/y", "xy", "x[/]y"]),
        (r"\!important", ["!important"], ["important"]),
        (r"\#notes", ["#notes"], ["notes"]),
        (r"a\*", ["a*"], ["ab"]),
        (r"a\ ", ["a "], ["a"]),
        ("a   ", ["a"], ["a   "]),
        ("a.c", ["a.c"], ["abc"]),
        ("(a|b)+$^", ["(a|b)+$^"], ["a", "ab"]),
        ("*", ["a", "a/b", ".a", "d/"], []),
        ("naïve*", ["naïve.txt"], ["naive.txt"]),
        ("a\nb", ["a\nb"], ["a"]),
    ],
)
def test_an_exclusion_means_what_it_means_to_git(pattern: str, out: list[str], stays: list[str]) -> None:
    assert kept(out + stays, exclude=[pattern]) == stays


@pytest.mark.parametrize(
    ("patterns", "out", "stays"),
    [
        (["*.log", "!keep.log"], ["a.log"], ["keep.log", "x/keep.log"]),
        (["!keep.log", "*.log"], ["a.log", "keep.log"], []),
        (["a/", "!a/keep"], ["a/f", "a/keep"], []),
        (["a/*", "!a/keep"], ["a/f"], ["a/keep", "a/"]),
        (["/*", "!/a", "/a/*", "!/a/b"], ["x", "a/c"], ["a/", "a/b", "a/b/c"]),
        (["*", "!*/", "!*.c"], ["a", "x/a"], ["x/", "a.c", "x/b.c"]),
    ],
)
def test_the_last_that_matches_counts_but_nothing_comes_back_from_below(
    patterns: list[str], out: list[str], stays: list[str]
) -> None:
    assert kept(out + stays, exclude=patterns) == stays


def test_with_inclusions_only_they_count() -> None:
    paths = ["a.jpg", "x/b.jpg", "c.txt", "docs/", "docs/d.txt", "docs/deep/e", "x/"]
    assert kept(paths, include=["*.jpg", "docs/"]) == [
        "a.jpg",
        "x/b.jpg",
        "docs/",
        "docs/d.txt",
        "docs/deep/e",
    ]


def test_an_exclusion_wins_over_an_inclusion() -> None:
    assert kept(["a.jpg", "tmp/b.jpg"], include=["*.jpg"], exclude=["tmp"]) == ["a.jpg"]


def test_an_excluded_directory_is_not_looked_into() -> None:
    found = Filter.build(exclude=["cache/", "*.d", "!keep.d"])
    assert found.prunes("cache")
    assert found.prunes("x/cache")
    assert found.prunes("x/cache/deep")
    assert found.prunes("a.d")
    assert not found.prunes("keep.d")
    assert not found.prunes("caches")
    assert not Filter.build(include=["*.jpg"]).prunes("anything")


@pytest.mark.parametrize(
    ("limits", "size", "age", "wanted"),
    [
        ({"min_size": 10}, 10, 0, True),
        ({"min_size": 10}, 9, 0, False),
        ({"max_size": 10}, 10, 0, True),
        ({"max_size": 10}, 11, 0, False),
        ({"min_size": 0}, None, 0, False),
        ({"min_age_s": 60}, 1, 61, True),
        ({"min_age_s": 60}, 1, 59, False),
        ({"max_age_s": 60}, 1, 59, True),
        ({"max_age_s": 60}, 1, 61, False),
        ({"max_age_s": 60}, 1, None, False),
        ({"min_age_s": 10, "max_age_s": 60, "min_size": 1, "max_size": 1}, 1, 30, True),
    ],
)
def test_sizes_and_ages_have_bounds(
    limits: dict[str, int], size: int | None, age: int | None, wanted: bool
) -> None:
    found = Filter.build(**limits, clock=lambda: 1000.0)  # type: ignore[arg-type]
    mtime = None if age is None else (1000 - age) * 10**9
    assert found.matches("a", is_dir=False, size=size, mtime_ns=mtime) is wanted
    assert not found.matches("a", is_dir=True, size=None, mtime_ns=mtime)


def test_a_file_of_patterns_has_comments_and_blank_lines(tmp_path: Path) -> None:
    file = tmp_path / "rules"
    file.write_bytes(b"# what is built\r\n\r\nbuild/\r\n*.o\n   \n!keep.o\n\xff.bin\n")
    paths = ["build/", "a.o", "keep.o", "\udcff.bin", "# what is built"]
    assert kept(paths, files=[str(file)]) == ["keep.o", "# what is built"]


def test_what_the_command_says_comes_after_the_files(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("*.o\n")
    assert kept(["a.o"], files=[str(tmp_path / "rules")], exclude=["!a.o"]) == ["a.o"]


def test_a_filter_file_that_is_missing_or_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="absent"):
        Filter.build(files=[str(tmp_path / "absent")])
    with pytest.raises(UsageError):
        Filter.build(files=[str(tmp_path)])


@pytest.mark.parametrize("pattern", ["/", "!", "!/", "[z-a]"])
def test_a_pattern_that_makes_no_sense_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError) as caught:
        Filter.build(exclude=[pattern])
    assert pattern in str(caught.value)


def test_a_later_line_brings_back_what_an_earlier_one_took() -> None:
    found = Filter.build(exclude=["a", "*", "!a"])  # the answers are those of git
    assert found.matches("a/a", is_dir=False, size=1, mtime_ns=1)
    assert not found.matches("a/b", is_dir=False, size=1, mtime_ns=1)
    assert not found.matches("b/a", is_dir=False, size=1, mtime_ns=1)


# Against git itself

PARTS = ["a", "b", "ab", "a.c", ".a", "abc"]
PIECES = ["a", "b", "*", "**", "?", ".", "c", "[ab]", "[!a]", "\\*", "ab", "[a-c]"]
LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "!"]),
    st.sampled_from(["", "", "/", "**/"]),
    st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join), min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda body: "***" not in body),
    st.sampled_from(["", "", "/"]),
)
PATHS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("/".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@pytest.mark.foreign
@settings(max_examples=300, deadline=None)
@given(lines=st.lists(LINES, min_size=1, max_size=4), path=PATHS)
def test_files_are_excluded_as_git_does(repository: Path, lines: list[str], path: str) -> None:
    (repository / ".git/info/exclude").write_text("\n".join(lines) + "\n")
    asked = ["git", "-C", str(repository), "check-ignore", "-q", "--no-index", path]
    ignored = subprocess.run(asked, check=False).returncode == 0
    mine = Filter.build(exclude=lines).matches(path, is_dir=False, size=1, mtime_ns=1)
    assert mine is not ignored


@given(st.text(max_size=20), PATHS)
def test_no_pattern_raises_anything_else(pattern: str, path: str) -> None:
    try:
        found = Filter.build(exclude=[pattern])
    except UsageError:
        return
    found.matches(path, is_dir=False, size=1, mtime_ns=1)


def test_twenty_thousand_paths_are_filtered_quickly() -> None:
    found = Filter.build(
        exclude=["*.o", "build/", "/dist", "**/cache/**", "!keep.o", "*.py[co]", "node_modules"]
    )
    paths = [f"d{n % 50}/e{n % 7}/file{n}.txt" for n in range(20_000)]
    begun = time.process_time()
    wanted = sum(found.matches(path, is_dir=False, size=1, mtime_ns=1) for path in paths)
    assert wanted == 20_000
    assert time.process_time() - begun < 1.0


def test_a_pattern_given_by_itself_is_no_comment() -> None:
    assert kept(["#tmp#", "keep"], include=["#tmp#"]) == ["#tmp#"]
    assert kept(["#tmp#", "keep"], exclude=["#*"]) == ["keep"]


@pytest.mark.parametrize("way", ["include", "exclude"])
@pytest.mark.parametrize("pattern", ["", "  ", "/", "!"])
def test_a_pattern_that_matches_nothing_is_refused_and_not_passed_over(way: str, pattern: str) -> None:
    with pytest.raises(UsageError):
        Filter.build(**{way: [pattern]})


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*-*-*-*-*-*-*-*-*-*.log", "-" * 250),
        ("**/a/**/a/**/a/**/a/**/a/**/a/**/b", "a/" * 120 + "c"),
        ("*?*?*?*?*?*?*?*?*x", "y" * 250),
    ],
)
@pytest.mark.timeout(20)
def test_no_pattern_makes_a_name_cost_more_than_the_next(pattern: str, path: str) -> None:
    assert kept([path], exclude=[pattern]) == [path]


def _plainly(pattern: str, path: str) -> bool:
    """The definition, by trying everything."""
    if not pattern:
        return not path
    if pattern.startswith("**/"):
        return any(
            _plainly(pattern[3:], path[cut:])
            for cut in range(len(path) + 1)
            if not cut or path[cut - 1] == "/"
        )
    if pattern[0] == "*":
        ends = path.find("/") if "/" in path else len(path)
        return any(_plainly(pattern[1:], path[cut:]) for cut in range(ends + 1))
    fits = path[:1] == pattern[0] or (pattern[0] == "?" and path[:1] not in {"", "/"})
    return fits and _plainly(pattern[1:], path[1:])


_names = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join)
_globs = st.lists(
    st.one_of(st.just("**"), st.text("ab*?", min_size=1, max_size=4).filter(lambda t: "**" not in t)),
    min_size=2,
    max_size=4,
).map("/".join)


@given(_globs.filter(lambda glob: not glob.endswith("**")), _names)
@settings(max_examples=400)
def test_a_pattern_matches_what_its_definition_matches(glob: str, path: str) -> None:
    found = Filter.build(exclude=[f"/{glob}"])
    whole = any(_plainly(glob, part) for part in _prefixes(path))
    assert found.matches(path, is_dir=False, size=1, mtime_ns=1) is not whole


def _prefixes(path: str) -> list[str]:
    """A path and the folders it is in: one that is excluded takes along what is below it."""
    parts = path.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
