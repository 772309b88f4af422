"""What is imported when: a command costs what it needs, and a plugin costs nothing until it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap

HEAVY = {
    "boto3",
    "botocore",
    "cryptography",
    "httpx",
    "keyring",
    "obstore",
    "pyfastcdc",
    "rich",
    "tomlkit",
    "pydantic",
    "cheroot",
    "waitress",
    "wsgidav",
    "defusedxml",
    "psycopg",
}


def modules_of(*args: str) -> set[str]:
    """Top-level modules that a fresh interpreter has imported after running a command."""
    code = (
        "import sys, json, io\n"
        f"sys.argv = ['skycap', *{list(args)!r}]\n"
        "from skycap.core.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write('\\n' + json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_version_is_told_without_importing_the_command_line(home: Path) -> None:
    found = modules_of("--version")
    assert not {
        name for name in found if name.startswith(("typer", "pluggy", "importlib.metadata", "logging"))
    }


def test_the_version_is_that_of_the_distribution(installed: Skycap) -> None:
    assert installed("--version").out == f"skycap {version('skycap-core')}\n"
    assert installed("-V").out == installed("--version").out


@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("ls",),
        ("ls", "--json"),
        ("copy", "--help"),
        ("remote", "--help"),
        ("webdav", "--help"),
        ("webdav", "serve", "--help"),
        ("webdav", "status"),
        ("webdav", "config"),
    ],
)
def test_no_heavy_module_is_imported_by(args: tuple[str, ...], home: Path) -> None:
    roots = {name.partition(".")[0] for name in modules_of(*args)}
    assert not roots & HEAVY


def test_help_imports_plugin_modules_and_nothing_behind_them(home: Path) -> None:
    found = modules_of("--help")
    assert "skycap.cloudproviders.plugin" in found
    assert not {name for name in found if name.startswith("skycap.cloudproviders.s3")}
    assert not {name for name in found if name.startswith("skycap.core.cli.commands.")}
    assert not {name for name in found if name.startswith(("skycap.core.webdav", "skycap.core.server"))}


def test_a_command_imports_no_other_command(home: Path) -> None:
    found = {name for name in modules_of("ls") if name.startswith("skycap.core.cli.commands.")}
    assert found == {"skycap.core.cli.commands.ls"}


def test_a_small_copy_imports_nothing_heavy(home: Path) -> None:
    (home / "a").write_text("x")
    roots = {name.partition(".")[0] for name in modules_of("copy", str(home / "a"), str(home / "b"))}
    assert (home / "b").read_text() == "x"
    assert not roots & HEAVY


def test_help_lists_every_command_with_its_line(skycap: Skycap) -> None:
    out = skycap("--help").out
    for name in ("ls", "copy", "sync", "check", "remote", "auth", "doctor", "completion", "webdav"):
        assert f"\n  {name} " in out


def every_command() -> list[list[str]]:
    from skycap.core.cli import group
    from skycap.core.cli.session import begin

    begin(os.environ | {"SKYCAP_CONFIG": os.devnull})
    found: list[list[str]] = []
    for name, offer in group.offers().items():
        command = group.load(offer)
        found.append([name])
        found += [[name, below] for below in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_help_is_a_sentence_two_examples_and_the_options(words: list[str], skycap: Skycap) -> None:
    outcome = skycap(*words, "--help")
    assert outcome.status == 0
    assert outcome.out == skycap(*words, "-h").out
    assert "Options:" in outcome.out
    examples = outcome.out.split("Examples:")[1].split("\n\n")[0].strip().splitlines()
    assert len(examples) == 2, outcome.out
    assert all("skycap" in example for example in examples)


def test_without_a_command_the_help_is_shown_and_it_is_a_usage_error(skycap: Skycap) -> None:
    outcome = skycap()
    assert outcome.status == 2
    assert "Commands:" in outcome.err
