"""The configuration file: named by a flag, looked over by command, and told of where it is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap


@pytest.mark.parametrize("words", [("ls", "."), ("remote", "list"), ("config", "show"), ("doctor",)])
@pytest.mark.parametrize("before", [True, False])
def test_a_named_file_that_is_not_there_is_an_error(
    words: tuple[str, ...], before: bool, home: Path, skycap: Skycap
) -> None:
    flag = ("--config", "nope.toml")
    outcome = skycap(*flag, *words) if before else skycap(*words, *flag)
    assert outcome.status == 33
    assert outcome.out == ""
    assert f"skycap: {home}/nope.toml: there is no such configuration file" in outcome.err
    assert "config edit" in outcome.err


def test_a_file_that_only_the_environment_names_need_not_be_there(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("SKYCAP_CONFIG", "nope.toml")
    assert skycap("ls", ".").status == 0
    assert skycap("remote", "list").status == 0


def test_commands_that_make_the_file_may_name_one_that_is_not_there(home: Path, skycap: Skycap) -> None:
    assert skycap("--config", "c.toml", "config", "path").out == f"{home}/c.toml\n"
    assert skycap("--config", "c.toml", "remote", "add", "docs", "local").status == 0
    assert skycap("--config", "c.toml", "ls", "docs:").status == 0
    assert skycap("ls", "docs:").status == 4


@pytest.mark.skipif(os.name == "nt", reason="needs the program true")
def test_an_editor_opens_a_file_with_a_bare_name(
    home: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    assert skycap("--config", "c1.toml", "config", "edit").status == 0
    assert (home / "c1.toml").exists()


def write(text: str) -> Path:
    path = Path(os.environ["SKYCAP_CONFIG"])
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_defaults_for_a_command_that_there_is_none_of_are_warned_of_and_stop_nothing(skycap: Skycap) -> None:
    path = write("[defaults.sink]\ntransfers = 2\n")
    outcome = skycap("ls", ".")
    assert outcome.status == 0
    assert outcome.err.count(f"warning: {path} [defaults.sink]: unknown command 'sink'") == 1
    assert skycap("ls", "--quiet", ".").err == ""
    outcome = skycap("doctor")
    assert outcome.status == 1
    assert "unknown command 'sink'" in outcome.out
    assert "Did you mean 'link'?" in outcome.err


@pytest.mark.parametrize("words", [("--config", "c.toml"), ("--config=c.toml",)])
@pytest.mark.parametrize("before", [True, False])
def test_defaults_come_from_the_file_that_the_flag_names(
    words: tuple[str, ...], before: bool, home: Path, skycap: Skycap, tree: Path
) -> None:
    (home / "c.toml").write_text("[defaults]\ndry_run = true\n")
    outcome = skycap(*words, "copy", tree, "out") if before else skycap("copy", tree, "out", *words)
    assert outcome.status == 0
    assert not (home / "out").exists()


@pytest.mark.parametrize("table", ["defaults", "defaults.copy"])
def test_a_default_that_does_not_fit_names_the_file_and_the_key(
    table: str, skycap: Skycap, tree: Path, home: Path
) -> None:
    path = write(f'[{table}]\ntransfers = "viele"\n')
    outcome = skycap("copy", tree, home / "out")
    assert outcome.status == 33
    assert f"skycap: {path} [{table}] transfers: 'viele' is not a whole number\n" in outcome.err
    assert not (home / "out").exists()


def test_a_variable_that_does_not_fit_is_named(
    skycap: Skycap, tree: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_TRANSFERS", "viele")
    outcome = skycap("copy", tree, home / "out")
    assert outcome.status == 33
    assert "skycap: environment SKYCAP_TRANSFERS: 'viele' is not a whole number\n" in outcome.err


_BROKEN = """
[defaults]
transfers = "viele"
colour = true
[defaults.sink]
[remotes.a]
type = "s4"
[remotes.b]
type = "s3"
endpont = "http://192.0.2.1"
part_size = "big"
limit_rate = "fast"
[remotes.c]
type = "local"
"""


@pytest.mark.parametrize(("words", "status"), [(("doctor", "--json"), 1), (("config", "show"), 33)])
def test_all_that_is_wrong_is_told_at_once(
    words: tuple[str, ...], status: int, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(_BROKEN)
    monkeypatch.setenv("SKYCAP_REMOTE_C_ROTO", "/x")
    monkeypatch.setenv("SKYCAP_REMOTE_C_LNKS", "skip")
    monkeypatch.setenv("SKYCAP_REMOTE_D_TYPE", "lokal")
    monkeypatch.setenv("SKYCAP_RETRIES", "many")
    outcome = skycap(*words)
    assert outcome.status == status
    for told in (
        "transfers: 'viele' is not a whole number", "unknown key 'colour'", "unknown command 'sink'",
        "environment SKYCAP_RETRIES: 'many' is not a whole number",
        "[remotes.a] type: unknown storage type 's4'", "unknown option 'endpont' of s3 remotes",
        "Did you mean 'endpoint'?", "option 'part_size': 'big' does not fit", "is not a rate",
        "environment SKYCAP_REMOTE_C_ROTO: unknown option 'roto'", "environment SKYCAP_REMOTE_C_LNKS: un",
        "environment SKYCAP_REMOTE_D_TYPE: unknown storage type 'lokal'",
    ):  # fmt: skip
        assert told in (outcome.out + outcome.err), told


def test_an_unknown_type_in_the_file_names_it_there(skycap: Skycap) -> None:
    path = write('[remotes.x]\ntype = "s4"\n')
    outcome = skycap("ls", "x:")
    assert outcome.status == 33
    assert (
        f"skycap: {path} [remotes.x] type: unknown storage type 's4'\nhint: Did you mean 's3'?" in outcome.err
    )
    assert "[remotes.x] type: unknown storage type 's4'" in skycap("remote", "list").err
    assert skycap("remote", "remove", "--yes", "x").status == 0


def test_an_unknown_type_in_the_environment_names_the_variable(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_T_TYPE", "s4")
    monkeypatch.setenv("SKYCAP_REMOTE_T_ENDPOINT", "http://192.0.2.1")
    outcome = skycap("ls", "t:")
    assert outcome.status == 33
    assert (
        "environment SKYCAP_REMOTE_T_TYPE: unknown storage type 's4'\nhint: Did you mean 's3'?" in outcome.err
    )
