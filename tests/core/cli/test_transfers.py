"""copy, move, sync, check: what goes where, what is asked, what is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap, contents


def test_copy_puts_what_is_in_a_folder_into_the_target(skycap: Skycap, tree: Path, home: Path) -> None:
    outcome = skycap("copy", tree, home / "out")
    assert outcome.status == 0
    assert contents(home / "out") == contents(tree)
    assert (home / "out" / "void").is_dir()
    assert "Copied" in outcome.err


def test_a_second_copy_has_nothing_to_do_and_says_so(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    outcome = skycap("copy", "--json", tree, home / "out")
    assert "Nothing to do" in outcome.err
    assert outcome.records[-1]["type"] == "summary"
    assert outcome.records[-1]["copied"] == 0


def test_a_file_goes_under_the_name_of_the_target(skycap: Skycap, tree: Path, home: Path) -> None:
    assert skycap("copy", tree / "a.txt", home / "new.txt").status == 0
    assert (home / "new.txt").read_text() == "alpha"


def test_a_file_goes_into_a_target_that_is_a_folder(skycap: Skycap, tree: Path, home: Path) -> None:
    (home / "box").mkdir()
    skycap("copy", tree / "a.txt", home / "box")
    assert (home / "box" / "a.txt").read_text() == "alpha"


def test_a_file_goes_into_a_target_with_a_slash_at_its_end(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree / "a.txt", f"{home}/made/here/")
    assert (home / "made" / "here" / "a.txt").read_text() == "alpha"


def test_a_file_replaces_a_file(skycap: Skycap, tree: Path, home: Path) -> None:
    (home / "old").write_text("something longer")
    skycap("copy", tree / "a.txt", home / "old")
    assert (home / "old").read_text() == "alpha"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_a_link_that_is_named_is_followed_and_keeps_its_name(skycap: Skycap, tree: Path, home: Path) -> None:
    (home / "link.txt").symlink_to(tree / "a.txt")
    (home / "box").mkdir()
    assert skycap("copy", home / "link.txt", home / "box").status == 0
    assert not (home / "box" / "link.txt").is_symlink()
    assert (home / "box" / "link.txt").read_text() == "alpha"


def test_a_folder_cannot_go_onto_a_file(skycap: Skycap, tree: Path, home: Path) -> None:
    (home / "file").write_text("kept")
    outcome = skycap("copy", tree, home / "file")
    assert outcome.status == 32
    assert (home / "file").read_text() == "kept"


def test_the_metadata_of_a_file_goes_along(skycap: Skycap, tree: Path, home: Path) -> None:
    os.utime(tree / "a.txt", ns=(1, 1_600_000_000_000_000_007))
    (tree / "a.txt").chmod(0o640)
    skycap("copy", tree, home / "out")
    found = (home / "out" / "a.txt").stat()
    assert (found.st_mtime_ns, found.st_mode & 0o777) == (1_600_000_000_000_000_007, 0o640)


def test_standard_input_goes_into_a_file(installed: Skycap, home: Path) -> None:
    assert installed("copy", "-", home / "piped", stdin=b"\x00through\xff").status == 0
    assert (home / "piped").read_bytes() == b"\x00through\xff"


def test_a_file_goes_to_standard_output(installed: Skycap, tree: Path) -> None:
    assert installed("copy", tree / "a.txt", "-").out == "alpha"


def test_standard_input_needs_the_name_of_a_file(installed: Skycap, home: Path) -> None:
    outcome = installed("copy", "-", home, stdin=b"x")
    assert outcome.status == 2
    assert "NAME" in outcome.err


def test_a_pipe_to_a_pipe_is_refused(skycap: Skycap) -> None:
    assert skycap("copy", "-", "-").status == 2


def test_a_dry_run_shows_the_plan_and_changes_nothing(skycap: Skycap, tree: Path, home: Path) -> None:
    outcome = skycap("copy", "--dry-run", tree, home / "out")
    assert outcome.status == 0
    assert "copy a.txt (new, 5 B)" in outcome.out
    assert "Nothing was changed" in outcome.err
    assert not (home / "out").exists()


def test_a_dry_run_in_json_says_so_in_every_line(skycap: Skycap, tree: Path, home: Path) -> None:
    records = skycap("copy", "--json", "-n", tree, home / "out").records
    assert all(record["dry_run"] for record in records)
    assert {record["path"] for record in records if record["type"] == "copied"} >= {"a.txt", "sub/b.txt"}


def test_filters_leave_files_out(skycap: Skycap, tree: Path, home: Path) -> None:
    (home / "rules").write_text("# comment\n*.bin\n")
    skycap("copy", "--filter-from", home / "rules", "--exclude", "a.*", tree, home / "out")
    assert set(contents(home / "out")) == {"sub/b.txt"}
    skycap("copy", "--include", "*.bin", tree, home / "other")
    assert set(contents(home / "other")) == {"sub/deep/c.bin"}


def test_sync_makes_the_target_the_same(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "extra").write_text("x")
    (tree / "a.txt").unlink()
    assert skycap("sync", "--yes", tree, home / "out").status == 0
    assert contents(home / "out") == contents(tree)


def test_sync_removes_nothing_that_nobody_agreed_to(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "extra").write_text("x")
    outcome = skycap("sync", tree, home / "out")
    assert outcome.status == 31
    assert "remove extra" in outcome.err
    assert "--yes" in outcome.err
    assert (home / "out" / "extra").exists()


def test_sync_asks_nothing_where_nothing_goes(skycap: Skycap, tree: Path, home: Path) -> None:
    assert skycap("sync", tree, home / "out").status == 0
    assert contents(home / "out") == contents(tree)


def test_sync_never_removes_what_a_filter_leaves_out(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "kept.log").write_text("x")
    skycap("sync", "--yes", "--exclude", "*.log", tree, home / "out")
    assert (home / "out" / "kept.log").exists()


def test_sync_stops_where_more_would_go_than_allowed(skycap: Skycap, tree: Path, home: Path) -> None:
    (home / "out").mkdir()
    for number in range(3):
        (home / "out" / f"extra{number}").write_text("x")
    outcome = skycap("sync", "--yes", "--max-delete", "2", tree, home / "out")
    assert outcome.status == 31
    assert len(list((home / "out").glob("extra*"))) == 3


def test_sync_of_a_file_names_the_command_that_was_meant(skycap: Skycap, tree: Path, home: Path) -> None:
    outcome = skycap("sync", tree / "a.txt", home / "out")
    assert outcome.status == 2
    assert "skycap copy" in outcome.err


def test_move_takes_files_away_from_the_source(skycap: Skycap, tree: Path, home: Path) -> None:
    before = contents(tree)
    assert skycap("move", tree, home / "out").status == 0
    assert contents(home / "out") == before
    assert contents(tree) == {}


def test_check_says_0_for_equal_and_3_for_different(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    assert skycap("check", tree, home / "out").status == 0
    (home / "out" / "a.txt").write_text("ALPHA")
    (home / "out" / "more").write_text("")
    (home / "out" / "sub" / "b.txt").unlink()
    outcome = skycap("check", tree, home / "out")
    assert outcome.status == 3
    assert {line.partition(" (")[0] for line in outcome.out.splitlines()} == {
        "different a.txt",
        "extra more",
        "missing sub/b.txt",
    }


def test_check_one_way_forgives_what_only_the_second_place_has(
    skycap: Skycap, tree: Path, home: Path
) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "more").write_text("")
    assert skycap("check", tree, home / "out").status == 3
    assert skycap("check", "--one-way", tree, home / "out").status == 0


def test_check_compares_two_files(skycap: Skycap, home: Path) -> None:
    (home / "a").write_text("same")
    (home / "b").write_text("same")
    assert skycap("check", home / "a", home / "b").status == 0
    (home / "b").write_text("SAME")
    assert skycap("check", home / "a", home / "b").status == 3


def test_check_of_a_file_looks_for_its_name_in_a_folder(skycap: Skycap, tree: Path, home: Path) -> None:
    (home / "box").mkdir()
    assert skycap("check", tree / "a.txt", home / "box").status == 4
    skycap("copy", tree / "a.txt", home / "box")
    assert skycap("check", tree / "a.txt", home / "box").status == 0
    assert skycap("check", home / "box", tree / "a.txt").status == 2


def test_check_in_json_ends_with_a_summary(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "more").write_text("")
    records = skycap("check", "--json", tree, home / "out").records
    assert records[0] == {"type": "extra", "path": "more", "reason": "only in the second place"}
    assert (records[-1]["type"], records[-1]["extra"], records[-1]["exit_status"]) == ("summary", 1, 3)


def test_a_report_says_what_happened(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", "--report", home / "report.json", tree, home / "out")
    report = json.loads((home / "report.json").read_text())
    assert report["command"] == "copy"
    assert report["exit_status"] == 0
    assert report["counts"]["copied"] >= 3


def test_a_report_is_written_of_a_run_that_could_not_begin(skycap: Skycap, home: Path) -> None:
    assert skycap("copy", "--report", home / "report.json", home / "nope", home / "out").status == 4
    report = json.loads((home / "report.json").read_text())
    assert report["exit_status"] == 4
    assert report["failures"][0]["class"] == "NotFound"


def test_a_flag_can_come_from_the_environment_and_from_the_file(
    skycap: Skycap, tree: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_DRY_RUN", "true")
    skycap("copy", tree, home / "out")
    assert not (home / "out").exists()
    monkeypatch.delenv("SKYCAP_DRY_RUN")
    config = Path(os.environ["SKYCAP_CONFIG"])
    config.parent.mkdir()
    config.write_text("[defaults]\nexclude = ['*.txt']\n[defaults.copy]\nmetadata = false\n")
    skycap("copy", tree, home / "out")
    assert set(contents(home / "out")) == {"sub/deep/c.bin"}
    skycap("copy", "--exclude", "nothing", tree, home / "other")
    assert "a.txt" in contents(home / "other")


def test_quiet_says_nothing_and_verbose_names_each_file(skycap: Skycap, tree: Path, home: Path) -> None:
    assert skycap("copy", "-q", tree, home / "one").err == ""
    assert "copied: a.txt" in skycap("copy", "-v", tree, home / "two").err


def test_plain_progress_writes_lines(installed: Skycap, tree: Path, home: Path) -> None:
    outcome = installed(
        "copy", "--progress", "plain", "--limit-rate", "4KiB", tree, home / "out",
        env={"SKYCAP_PROGRESS_INTERVAL": "100ms"},
    )  # fmt: skip
    assert outcome.status == 0
    assert " files, " in outcome.err


def test_a_pipe_gets_no_bars(installed: Skycap, tree: Path, home: Path) -> None:
    outcome = installed("copy", tree, home / "out")
    assert "\x1b" not in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_remove_takes_a_file_without_asking(skycap: Skycap, tree: Path) -> None:
    assert skycap("remove", tree / "a.txt").status == 0
    assert not (tree / "a.txt").exists()


def test_remove_of_a_full_folder_needs_the_flag_and_a_yes(skycap: Skycap, tree: Path) -> None:
    assert skycap("remove", tree).status == 2
    assert skycap("remove", "-r", tree).status == 31
    assert skycap("remove", "-r", "--dry-run", tree).status == 0
    assert len(contents(tree)) == 3
    assert skycap("remove", "-r", "--yes", tree).status == 0
    assert not tree.exists()


def test_remove_with_a_filter_leaves_the_rest(skycap: Skycap, tree: Path) -> None:
    skycap("remove", "-r", "--yes", "--include", "*.txt", tree)
    assert set(contents(tree)) == {"sub/deep/c.bin"}


def test_remove_stops_where_more_would_go_than_allowed(skycap: Skycap, tree: Path) -> None:
    assert skycap("remove", "-r", "--yes", "--max-delete", "2", tree).status == 31
    assert len(contents(tree)) == 3


def test_mkdir_makes_parents_and_does_it_twice(skycap: Skycap, home: Path) -> None:
    assert skycap("mkdir", home / "a" / "b", home / "c").status == 0
    assert (home / "a" / "b").is_dir()
    assert skycap("mkdir", home / "a" / "b").status == 0


def test_remove_filters_files_that_are_named(skycap: Skycap, home: Path) -> None:
    for name in ("keep.txt", "x.tmp"):
        (home / name).write_text("x")
    assert skycap("remove", "--include", "*.tmp", "keep.txt", "x.tmp").status == 0
    assert (home / "keep.txt").exists()
    assert not (home / "x.tmp").exists()


def test_remove_counts_all_places_before_it_removes_one(skycap: Skycap, home: Path) -> None:
    (home / "folder").mkdir()
    files = [home / "a", home / "b", home / "folder" / "c"]
    for path in files:
        path.write_text("x")
    words = ("remove", "-r", "--yes", "--max-delete")
    assert skycap(*words, "2", "a", "b", "folder").status == 31
    assert skycap(*words, "0", "a").status == 31
    assert skycap("remove", "a", "b", "absent").status == 4
    assert all(path.exists() for path in files)
    assert skycap(*words, "3", "a", "b", "folder").status == 0
    assert not any(path.exists() for path in files)


def test_a_report_is_private_and_holds_no_secret_of_a_one_time_address(skycap: Skycap, home: Path) -> None:
    (home / "file").write_text("x")
    for place in (
        ":s3,secret_access_key=hush,nonsense=1:bucket",
        ":s3,secret_access_key='hush",
        ":s3,secret_access_key=hush",
    ):
        assert skycap("copy", "--report", "report.json", "file", place).status != 0
        assert "hush" not in (home / "report.json").read_text()
        assert (home / "report.json").stat().st_mode & 0o777 == 0o600


# A source without files


def test_sync_of_an_empty_source_removes_nothing(skycap: Skycap, tree: Path, home: Path) -> None:
    skycap("copy", tree, home / "out")
    (home / "unmounted").mkdir()
    for words in (["--yes"], [], ["--yes", "--dry-run"]):
        outcome = skycap("sync", *words, home / "unmounted", home / "out")
        assert outcome.status == 31
        assert "no file is there" in outcome.err
        assert "--allow-empty-source" in outcome.err
        assert contents(home / "out") == contents(tree)


def test_sync_of_a_source_that_filters_leave_nothing_of_removes_nothing(
    skycap: Skycap, tree: Path, home: Path
) -> None:
    skycap("copy", tree, home / "out")
    (home / "out" / "a.log").write_text("x")
    outcome = skycap("sync", "--yes", "--include", "*.log", tree, home / "out")
    assert outcome.status == 31
    assert (home / "out" / "a.log").exists()


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_sync_empties_the_target_where_that_is_said(
    skycap: Skycap, tree: Path, home: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    skycap("copy", tree, home / "out")
    (home / "void").mkdir()
    if how == "environment":
        monkeypatch.setenv("SKYCAP_ALLOW_EMPTY_SOURCE", "1")
    words = ["--allow-empty-source"] if how == "flag" else []
    assert skycap("sync", *words, home / "void", home / "out").status == 31  # nobody said yes
    assert contents(home / "out") == contents(tree)
    assert skycap("sync", "--yes", *words, home / "void", home / "out").status == 0
    assert contents(home / "out") == {}


@pytest.mark.parametrize("place", [".", "..", "../..", "~", "~/", "../../above", "../link/", "local:"])
def test_remove_refuses_the_folder_one_is_in_or_at_home_in_and_those_above(
    place: str, skycap: Skycap, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Should it not be refused, all that goes is in this folder of the test.
    here, own = home / "above" / "here", home / "own"
    here.mkdir(parents=True)
    own.mkdir()
    for folder in (home, here, own):
        (folder / "file").write_text("x")
    (home / "above" / "link").symlink_to(own)
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("SKYCAP_REMOTE_LOCAL_TYPE", "local")
    monkeypatch.setenv("SKYCAP_REMOTE_LOCAL_ROOT", str(own))
    monkeypatch.chdir(here)
    before = contents(home)
    outcome = skycap("remove", "-r", "--yes", place)
    assert outcome.status == 2
    assert "is never removed" in outcome.err
    assert contents(home) == before


def test_the_root_of_all_folders_is_refused_too(skycap: Skycap) -> None:
    assert skycap("remove", "-r", "--dry-run", "/").status == 2


def test_what_stands_beside_the_current_folder_can_be_removed(
    skycap: Skycap, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "here2"):
        (home / name).mkdir()
    monkeypatch.chdir(home / "here")
    assert skycap("remove", "-r", "--yes", "../here2").status == 0
    assert not (home / "here2").exists()


def test_a_report_can_go_to_standard_output(skycap: Skycap, tree: Path, home: Path) -> None:
    outcome = skycap("copy", "--report", "-", tree, home / "out")
    assert json.loads(outcome.out)["counts"]["copied"] >= 3
    assert not (home / "-").exists()
    for flag in ("--json", "--dry-run"):
        assert skycap("copy", "--report", "-", flag, tree, home / "out").status == 2


@pytest.mark.parametrize("verb", ["move", "sync"])
def test_a_pipe_is_copied_and_nothing_else(verb: str, skycap: Skycap, tree: Path, home: Path) -> None:
    outcome = skycap(verb, tree / "a.txt", "-")
    assert outcome.status == 2
    assert f"skycap copy {tree / 'a.txt'} -" in outcome.err
    assert not (home / "-").exists()
    assert (tree / "a.txt").exists()


def test_check_writes_a_report_and_counts_what_it_leaves_alone(
    skycap: Skycap, tree: Path, home: Path
) -> None:
    skycap("copy", tree, ":memory,space=checked:")
    (tree / "sub" / "b.txt").write_text("BETA")
    (tree / "link").symlink_to("a.txt")
    os.mkfifo(tree / "pipe")
    outcome = skycap("check", "--report", home / "report.json", tree, ":memory,space=checked:")
    assert outcome.status == 3
    assert "1 left alone" in outcome.err
    report = json.loads((home / "report.json").read_text())
    assert (report["command"], report["status"], report["exit_status"]) == ("check", "partial", 3)
    assert (report["counts"]["unchanged"], report["counts"]["skipped"]) == (5, 1)
    assert {"different: another content", "missing: only in the first place"} == {
        failure["error"].partition(": ")[2] for failure in report["failures"]
    }
    assert skycap("check", "--report", home / "report.json", home / "nope", tree).status == 4
    assert json.loads((home / "report.json").read_text())["exit_status"] == 4


@pytest.mark.parametrize("flags", [("--quick", "-c"), ("--quick", "--size-only"), ("-c", "--size-only")])
def test_check_is_told_one_way_to_compare(flags: tuple[str, str], skycap: Skycap, tree: Path) -> None:
    outcome = skycap("check", *flags, tree, tree)
    assert outcome.status == 2
    assert "exclude each other" in outcome.err


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_remove_of_a_link_removes_the_link_and_with_a_slash_what_is_in_the_folder(
    skycap: Skycap, home: Path
) -> None:
    (home / "real").mkdir()
    (home / "real" / "file").touch()
    for name in ("link", "other"):
        (home / name).symlink_to("real")
    (home / "broken").symlink_to("nowhere")
    assert skycap("remove", "-r", "--yes", "link").status == 0
    assert not (home / "link").is_symlink()
    assert (home / "real" / "file").exists()
    assert skycap("remove", "broken").status == 0
    assert not (home / "broken").is_symlink()
    assert skycap("remove", "-r", "--yes", "other/").status == 0
    assert not (home / "real" / "file").exists()
