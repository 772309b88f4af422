"""What commands say of small mistakes: the flag that is meant, both names, one of a thing or many."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skycap.core.cli import group
from skycap.core.cli.defaults import options_of
from skycap.core.cli.session import begin
from tests.core.cli.conftest import Skycap


def test_a_word_without_a_value_makes_no_remote(skycap: Skycap) -> None:
    outcome = skycap("remote", "add", "c", "s3", "endpoint")
    assert outcome.status == 2
    assert "'endpoint' is not an option" in outcome.err
    assert skycap("remote", "list").out == ""


def test_a_dry_run_is_only_offered_where_there_is_one(skycap: Skycap, tree: Path) -> None:
    skycap("remote", "add", "docs", "local")
    outcome = skycap("remote", "remove", "docs")
    assert outcome.status == 31
    assert "dry-run" not in outcome.err
    assert "--dry-run only shows" in skycap("remove", "-r", tree).err


def test_who_forgets_a_remote_is_told_what_stands_on_it(skycap: Skycap) -> None:
    skycap("remote", "add", "inner", "local")
    Path("k").write_bytes(bytes(32))
    skycap("remote", "add", "vault", "crypt", "remote=inner:x", "key_file=k")
    assert "vault stands on inner. Forget the remote inner" in skycap("remote", "remove", "inner").err
    assert "warning: vault stands on inner." in skycap("remote", "remove", "--yes", "inner").err
    outcome = skycap("ls", "vault:")
    assert outcome.status == 4
    assert "skycap: inner: no remote has this name, and vault stands on it" in outcome.err


def test_lines_of_many_threads_do_not_run_together(home: Path) -> None:
    program = (
        "import threading\n"
        "from skycap.core.cli.progress import Silent\n"
        "say = Silent().say\n"
        "def many():\n"
        "    for number in range(300): say('one whole line')\n"
        "threads = [threading.Thread(target=many) for _ in range(8)]\n"
        "import sys; sys.setswitchinterval(1e-6)\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
    )
    done = subprocess.run([sys.executable, "-u", "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stderr.splitlines()) == {"one whole line"}


def test_a_tree_of_nothing_is_not_found(skycap: Skycap, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_M_TYPE", "memory")
    outcome = skycap("tree", "m:bucket/none")
    assert outcome.status == 4
    assert outcome.out == ""
    assert skycap("tree", "m:").status == 0
    assert skycap("tree", tree / "void").status == 0


@pytest.mark.parametrize(
    ("words", "flag", "said"),
    [
        (("find", "--min-size", "abc"), "--min-size", "'abc' is not a size"),
        (("find", "--max-age", "xyz"), "--max-age", "'xyz' is not a duration"),
        (("copy", "--timeout", "xyz", "a", "b"), "--timeout", "'xyz' is not a duration"),
        (("copy", "--limit-rate", "abc", "a", "b"), "--limit-rate", "'abc' is not a size"),
        (("remote", "cleanup", "--older-than", "xyz", "a:"), "--older-than", "'xyz' is not a duration"),
    ],
)
def test_a_size_or_a_time_that_is_none_names_its_flag(
    words: tuple[str, ...], flag: str, said: str, skycap: Skycap
) -> None:
    outcome = skycap(*words)
    assert outcome.status == 2
    assert flag in outcome.err
    assert said in outcome.err


def test_one_is_not_many(skycap: Skycap, home: Path) -> None:
    (home / "one").mkdir()
    (home / "one" / "a").write_text("x")
    os.mkfifo(home / "pipe")
    assert skycap("tree", "one").err == "0 folders, 1 file\n"
    assert "1 file\t" in skycap("du", "one").out
    assert "1 entry" in skycap("remote", "check", home / "one").out
    assert "a other" not in skycap("ls", f"{home}/pipe/").err


def test_every_flag_has_the_variable_of_its_name() -> None:
    begin(os.environ | {"SKYCAP_CONFIG": os.devnull})
    common = {option.name for option in group.common()}
    for name, offer in group.offers().items():
        command = group.build(offer)
        prefix = f"SKYCAP_{name.upper()}_" if hasattr(command, "commands") else "SKYCAP_"
        for option in options_of(command):
            if option.envvar == []:  # of a secret: such a plugin says itself which variable it reads
                continue
            flag = max(option.opts, key=len).removeprefix("--").upper().replace("-", "_")
            assert option.envvar == (f"SKYCAP_{flag}" if option.name in common else f"{prefix}{flag}")
