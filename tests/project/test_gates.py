"""The gates agree with each other: Makefile, hooks before a commit, `.ci/run` and the workflow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GATES = ("lint", "types", "imports", "deps", "docs")


def loaded(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def recipe(target: str) -> str:
    """What the Makefile does for a target, with its prerequisites."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{target}:([^#\n]*).*\n((?:\t.*\n)*)", text, re.MULTILINE)
    assert found, f"the Makefile has no {target}"
    return found.group(1) + found.group(2)


def test_check_is_every_gate_and_the_tests() -> None:
    assert recipe("check").split() == ["gates", "test"]
    assert recipe("gates").split() == list(GATES)


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("lint", "ruff format --check"),
        ("lint", "ruff check"),
        ("types", "mypy"),
        ("imports", "lint-imports"),
        ("deps-%", "deptry src"),
        ("test", "pytest"),
        ("docs", "mkdocs build --strict"),
        ("foreign", "pytest -m foreign"),
        ("long", "pytest -m long"),
        ("live", "pytest -m live"),
    ],
)
def test_a_target_is_the_command_one_would_type(target: str, command: str) -> None:
    assert f"$(RUN) {command}" in recipe(target)


def test_hooks_before_a_commit_are_local_and_call_the_same_commands() -> None:
    repositories = loaded(".pre-commit-config.yaml")["repos"]
    assert [one["repo"] for one in repositories] == ["local"]
    entries = {hook["id"]: hook["entry"] for hook in repositories[0]["hooks"]}
    assert entries.keys() >= {"format", "lint", "types", "imports", "deps"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(RUN)", "uv run --frozen")
    for entry in entries.values():
        plain = re.sub(r" --force-exclude| -q| tests/project", "", entry)
        assert plain in makefile or recipe(plain.removeprefix("make "))


def test_the_clean_clone_run_goes_through_every_gate() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    gates = re.search(r"for gate in ([a-z ]+);", script)
    assert gates
    assert gates.group(1).split() == list(GATES)
    assert "uv run pytest -n auto\n" in script
    assert "uv run pytest -m foreign" in script
    assert "--fail-under 92" in script
    assert ".ci/wheels" in script


@pytest.mark.parametrize("script", ["run", "wheels", "programs"])
def test_a_script_stops_at_its_first_failure(script: str) -> None:
    path = ROOT / ".ci" / script
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert os.name == "nt" or os.access(path, os.X_OK)


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize(
    ("failing", "status"), [("sync --frozen", 7), ("run pytest -n auto", 5), ("nothing", 0)]
)
def test_the_clean_clone_run_fails_when_a_step_fails(tmp_path: Path, failing: str, status: int) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "packages/core").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    programs = tmp_path / "bin"
    programs.mkdir()
    script = f'#!/bin/sh\necho "$(basename "$0") $*"\ncase "$*" in "{failing}") exit {status};; esac\n'
    for name in ("uv", "make"):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    for name in ("wheels", "programs"):
        (tmp_path / ".ci" / name).write_text("#!/bin/sh\n")
        (tmp_path / ".ci" / name).chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    done = subprocess.run(
        [str(tmp_path / ".ci/run")],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert ("all green" in done.stdout) == (status == 0)


def test_the_workflow_runs_every_system_and_every_python_we_promise() -> None:
    jobs = loaded(".github/workflows/ci.yml")["jobs"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    steps = {name: [step.get("run", "") for step in job["steps"]] for name, job in jobs.items()}
    assert "uv sync --resolution lowest-direct" in steps["lowest-versions"]
    assert ".ci/wheels" in steps["wheel-alone"]
    assert "make gates" in steps["gates"]
    assert "uv run pytest -n auto" in steps["tests"]


def test_plain_pytest_leaves_out_what_pip_cannot_bring() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"][
        "ini_options"
    ]
    assert "not foreign and not long and not live" in options["addopts"]
    assert {one.split(":")[0] for one in options["markers"]} == {"foreign", "long", "live"}
    assert options["filterwarnings"][0] == "error"
