"""The commands that look: ls, tree, stat, cat, du, find, quota."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap


def test_ls_gives_one_name_a_line_in_a_pipe(skycap: Skycap, tree: Path) -> None:
    assert skycap("ls", tree).out == "a.txt\nsub/\nvoid/\n"


def test_ls_recursive_gives_paths_as_seen_from_the_place(skycap: Skycap, tree: Path) -> None:
    assert skycap("ls", "-R", tree).out.splitlines() == [
        "a.txt",
        "sub/",
        "sub/b.txt",
        "sub/deep/",
        "sub/deep/c.bin",
        "void/",
    ]


def test_ls_of_the_current_folder_needs_no_argument(skycap: Skycap, tree: Path) -> None:
    assert skycap("ls").out == "tree/\n"


def test_ls_of_a_file_shows_that_file(skycap: Skycap, tree: Path) -> None:
    assert skycap("ls", tree / "a.txt").out == "a.txt\n"


def test_ls_of_a_file_with_a_slash_at_its_end_finds_nothing(skycap: Skycap, tree: Path) -> None:
    assert skycap("ls", f"{tree / 'a.txt'}/").status == 4


def test_ls_json_is_one_documented_object_a_line(skycap: Skycap, tree: Path) -> None:
    os.utime(tree / "a.txt", ns=(1, 1_700_000_000_123_456_789))
    found = {record["path"]: record for record in skycap("ls", "--json", tree).records}
    assert found["a.txt"] == {
        "type": "entry",
        "path": "a.txt",
        "kind": "file",
        "size": 5,
        "mtime": "2023-11-14T22:13:20.123456789Z",
        "mtime_ns": 1_700_000_000_123_456_789,
        **{
            name: found["a.txt"][name]
            for name in found["a.txt"].keys() & {"version", "stored_at", "stored_at_ns"}
        },
    }
    assert found["sub"]["kind"] == "directory"
    assert "size" not in found["sub"]


def test_ls_long_shows_exact_bytes_and_times(skycap: Skycap, tree: Path) -> None:
    os.utime(tree / "a.txt", ns=(1, 1_700_000_000_000_000_000))
    line = skycap("ls", "-l", tree).out.splitlines()[0].split()
    assert line[-3:] == ["5", "2023-11-14T22:13:20Z", "a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_survives_in_a_pipe_and_in_json(installed: Skycap, home: Path) -> None:
    raw = b"caf\xe9.txt"
    try:
        with open(os.fsencode(home) + b"/" + raw, "wb"):
            pass
    except OSError:
        pytest.skip("this file system keeps only text")
    assert os.fsencode(installed("ls", home).out.rstrip("\n")) == raw
    record = installed("ls", "--json", home).records[0]
    assert os.fsencode(record["path"]) == raw
    assert record["path_base64"] == "Y2Fm6S50eHQ="


def test_tree_draws_branches(skycap: Skycap, tree: Path) -> None:
    outcome = skycap("tree", "tree")
    assert outcome.out.splitlines() == [
        "tree",
        "├── a.txt",
        "├── sub/",
        "│   ├── b.txt",
        "│   └── deep/",
        "│       └── c.bin",
        "└── void/",
    ]
    assert "3 folders, 3 files" in outcome.err


def test_tree_stops_at_a_depth(skycap: Skycap, tree: Path) -> None:
    assert "b.txt" not in skycap("tree", "--depth", "1", tree).out
    assert "deep/" in skycap("tree", "--depth", "2", tree).out
    assert "c.bin" not in skycap("tree", "--depth", "2", tree).out


def test_stat_tells_all_that_is_known(skycap: Skycap, tree: Path) -> None:
    (tree / "a.txt").chmod(0o640)
    record = skycap("stat", "--json", tree / "a.txt").records[0]
    assert (record["size"], record["kind"], record["metadata"]["mode"]) == (5, "file", 0o640)
    assert "0640" in skycap("stat", tree / "a.txt").out


def test_cat_writes_the_bytes_and_nothing_else(installed: Skycap, tree: Path) -> None:
    outcome = installed("cat", tree / "a.txt", tree / "sub" / "b.txt")
    assert (outcome.out, outcome.err) == ("alphabeta", "")


def test_cat_gives_a_range(skycap: Skycap, tree: Path) -> None:
    assert skycap("cat", "--offset", "1", "--count", "3", tree / "a.txt").out == "lph"
    assert skycap("cat", "--offset", "99", tree / "a.txt").out == ""


def test_du_counts_files_and_bytes(skycap: Skycap, tree: Path) -> None:
    assert skycap("du", "--json", tree).records == [{"type": "usage", "path": "", "files": 3, "bytes": 2057}]
    found = {record["path"]: record["bytes"] for record in skycap("du", "--json", "-d", "2", tree).records}
    assert found == {"sub/deep": 2048, "sub": 2052, "": 2057}


def test_du_leaves_out_what_a_filter_excludes(skycap: Skycap, tree: Path) -> None:
    assert skycap("du", "--json", "--exclude", "deep/", tree).records[0]["files"] == 2


def test_find_goes_by_name_and_size(skycap: Skycap, tree: Path) -> None:
    assert skycap("find", "--include", "*.txt", tree).out.split() == ["a.txt", "sub/b.txt"]
    assert skycap("find", "--min-size", "1KiB", tree).out.split() == ["sub/deep/c.bin"]
    assert skycap("find", "--kind", "directory", tree).out.split() == ["sub/", "sub/deep/", "void/"]


def test_find_goes_by_age(skycap: Skycap, tree: Path) -> None:
    os.utime(tree / "a.txt", (1, 1))
    assert skycap("find", "--min-age", "1d", tree).out.split() == ["a.txt"]
    assert "a.txt" not in skycap("find", "--max-age", "1d", tree).out


def test_quota_tells_of_the_disk(skycap: Skycap, tree: Path) -> None:
    record = skycap("quota", "--json", tree).records[0]
    assert record["total"] >= record["free"] > 0


@pytest.mark.parametrize("words", [("versions",), ("link",), ("trash", "list"), ("find", "--search", "x")])
def test_what_a_storage_does_not_have_is_told_with_the_place(
    words: tuple[str, ...], skycap: Skycap, tree: Path
) -> None:
    outcome = skycap(*words, tree)
    assert outcome.status == 7
    assert f"{tree}: local storages have no " in outcome.err


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of POSIX")
def test_a_folder_that_cannot_be_read_is_told_and_the_rest_is_shown(
    as_nobody: Skycap, open_tree: Path
) -> None:
    (open_tree / "sub" / "deep").chmod(0)
    outcome = as_nobody("ls", "-R", open_tree)
    (open_tree / "sub" / "deep").chmod(0o700)
    assert outcome.status == 3
    assert "sub/b.txt" in outcome.out
    assert "deep: permission denied" in outcome.err


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_long_listing_of_a_local_folder_shows_permissions(skycap: Skycap, tree: Path) -> None:
    (tree / "a.txt").chmod(0o640)
    (tree / "sub").chmod(0o750)
    (tree / "sub" / "b.txt").chmod(0o604)
    (tree / "to-a").symlink_to("a.txt")
    lines = {line.split()[3]: line.split()[0] for line in skycap("ls", "-lR", tree).out.splitlines()}
    assert lines["a.txt"] == "-rw-r-----"
    assert lines["sub/"] == "drwxr-x---"
    assert lines["sub/b.txt"] == "-rw----r--"
    assert lines["to-a"].startswith("l")
    assert skycap("ls", "-l", tree / "a.txt").out.startswith("-rw-r----- ")


@pytest.mark.parametrize("command", ["ls", "tree", "du", "find"])
@pytest.mark.parametrize("name", ["a.txt", "sub/b.txt"])
def test_one_file_of_a_vault_over_a_folder_can_be_named(
    skycap: Skycap, tree: Path, tmp_path: Path, command: str, name: str
) -> None:
    key = tmp_path / "key"
    key.write_text("a passphrase that is long enough\n")
    made = ["remote", "add", "v", "crypt", f"remote={tmp_path / 'sealed'}", f"passphrase=file:{key}"]
    assert skycap(*made).status == 0
    assert skycap("copy", tree, "v:").status == 0
    done = skycap(command, f"v:{name}")
    assert done.status == 0, done
    assert name.rsplit("/", 1)[-1] in done.out or command == "du"


def test_find_goes_by_dates(skycap: Skycap, tree: Path) -> None:
    os.utime(tree / "a.txt", (10**9, 10**9))  # in September 2001
    assert skycap("find", "--min-age", "2001-12-31", tree).out.split() == ["a.txt"]
    assert "a.txt" not in skycap("find", "--max-age", "2001-12-31", tree).out
    assert "a.txt" in skycap("find", "--max-age", "2001-01-01", tree).out
    outcome = skycap("find", "--max-age", "2001-13-01", tree)
    assert (outcome.status, "is not a date" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--min-size", "2M", "--max-size", "1M"),
        ("--min-age", "7d", "--max-age", "1d"),
        ("--include", "[z-a]"),
    ],
)
def test_filters_that_nothing_can_fit_are_refused(words: tuple[str, ...], skycap: Skycap, tree: Path) -> None:
    assert skycap("find", *words, tree).status == 2


def test_the_tree_of_a_file_has_one_file(skycap: Skycap, tree: Path) -> None:
    assert "0 folders, 1 file\n" in skycap("tree", tree / "a.txt").err
