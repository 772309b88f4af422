"""Tab offers commands, flags, remotes and local paths, as each shell wants them, and asks no server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skycap.core.cli.complete import SCRIPTS, for_bash, split_line
from tests.core.cli.conftest import Skycap


def offered(installed: Skycap, *words: str) -> list[str]:
    return installed(*words, env={"_SKYCAP_COMPLETE": "zsh"}).out.splitlines()


@pytest.fixture
def remotes(home: Path) -> None:
    config = Path(os.environ["SKYCAP_CONFIG"])
    config.parent.mkdir()
    config.write_text(
        '[remotes.photos]\ntype = "s3"\nendpoint = "http://192.0.2.1"\n[remotes.docs]\ntype = "local"\n'
    )


def test_commands_are_offered(installed: Skycap) -> None:
    assert set(offered(installed, "re")) == {"remove", "remote"}
    assert "add" in offered(installed, "remote", "")


def test_flags_are_offered(installed: Skycap) -> None:
    assert "--dry-run" in offered(installed, "copy", "--dr")


def test_places_are_remotes_and_local_paths(installed: Skycap, remotes: None, tree: Path) -> None:
    assert offered(installed, "ls", "") == ["docs:", "photos:", "tree/"]
    assert offered(installed, "copy", "x", "ph") == ["photos:"]
    assert offered(installed, "ls", "tree/") == ["tree/a.txt", "tree/sub/", "tree/void/"]


def test_names_of_remotes_and_types_are_offered(installed: Skycap, remotes: None) -> None:
    assert offered(installed, "remote", "show", "") == ["docs", "photos"]
    assert "s3" in offered(installed, "remote", "add", "new", "")


def test_what_lies_in_a_remote_is_not_asked_for(installed: Skycap, remotes: None) -> None:
    assert offered(installed, "ls", "photos:bucket/") == []


def test_a_broken_configuration_disturbs_nobody_who_types(installed: Skycap, remotes: None) -> None:
    Path(os.environ["SKYCAP_CONFIG"]).write_text("broken")
    assert set(offered(installed, "re")) == {"remove", "remote"}


def test_fish_gets_a_line_about_each(installed: Skycap) -> None:
    out = installed("remov", env={"_SKYCAP_COMPLETE": "fish"}).out
    assert out == "remove\tRemove files and folders\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("skycap ", [""]),
        ("skycap ls", ["ls"]),
        ("skycap ls ", ["ls", ""]),
        ("skycap ls photos:20", ["ls", "photos:20"]),
        ("skycap ls 'my do", ["ls", "my do"]),
        ("skycap ls 'my ", ["ls", "my "]),
        (r"skycap ls my\ do", ["ls", "my do"]),
        ("skycap ls # not a comment", ["ls", "#", "not", "a", "comment"]),
    ],
)
def test_a_line_is_split_as_far_as_it_was_typed(line: str, words: list[str]) -> None:
    assert split_line(line) == words


def test_bash_gets_what_follows_the_colon_with_blanks_escaped() -> None:
    assert for_bash("photos:", "photos:", " :=") == ""
    assert for_bash("photos:2024", "photos:20", " :=") == "2024"
    assert for_bash("photos:2024", "photos:20", " ") == "photos:2024"
    assert for_bash("my docs/", "my", " :") == r"my\ docs/"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_with_the_script(installed: Skycap, remotes: None, tree: Path, tmp_path: Path) -> None:
    (tree / "sub").rename(tree / "my für dich $1")
    (tree / "a.txt").unlink()
    (tree / "void").rmdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "skycap").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m skycap.core "$@"\n')
    (programs / "skycap").chmod(0o755)
    asks = "".join(
        f'\nCOMP_LINE="{line}"; COMP_POINT=${{#COMP_LINE}}; _skycap_complete ; echo "${{COMPREPLY[*]}}"'
        for line in ("skycap ls ph", "skycap copy tr", 'skycap copy \\"tree/', r"skycap ls 'tree/my f")
    )
    script = installed("completion", "bash").out + asks
    env = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["photos:", "tree/", r"tree/my für dich \$1/", "tree/my für dich $1/"]


@pytest.mark.parametrize(
    "words",
    [("ls", "--config"), ("copy", "--filter-from"), ("copy", "--report"), ("ls", "--config", "tree/a")],
)
def test_files_are_offered_where_a_flag_takes_one(
    words: tuple[str, ...], installed: Skycap, tree: Path
) -> None:
    typed = words if words[-1].startswith("tree") else (*words, "tre")
    assert offered(installed, *typed) == ["tree/a.txt" if typed is words else "tree/"]


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_every_shell_has_a_script(shell: str, skycap: Skycap) -> None:
    assert "skycap" in skycap("completion", shell).out


def test_an_unknown_shell_is_refused(skycap: Skycap) -> None:
    outcome = skycap("completion", "tcsh")
    assert outcome.status == 2
    assert "bash" in outcome.err


@pytest.mark.foreign
@pytest.mark.parametrize(("shell", "check"), [("zsh", "-n"), ("fish", "--no-execute")])
def test_a_script_is_valid_for_its_shell(shell: str, check: str, skycap: Skycap, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(skycap("completion", shell).out)
    subprocess.run([shell, check, str(script)], check=True, timeout=60)
