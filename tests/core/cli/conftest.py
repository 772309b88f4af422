"""The command line in this process, with a configuration and a state folder of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skycap.core.cli.app import run
from skycap.core.testing import unprivileged
from skycap.core.testing.unprivileged import NOBODY


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit status, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Skycap = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, that this process thinks is all of the user's."""
    for name in list(os.environ):
        if name.startswith(("SKYCAP_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SKYCAP_CONFIG", str(tmp_path / "config" / "config.toml"))
    monkeypatch.setenv("SKYCAP_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "file")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def skycap(home: Path, capsys: pytest.CaptureFixture[str]) -> Skycap:
    """Runs a command in this process."""

    def call(*args: str | Path) -> Outcome:
        capsys.readouterr()
        status = run([str(arg) for arg in args])
        found = capsys.readouterr()
        return Outcome(status, found.out, found.err)

    return call


@pytest.fixture
def installed(home: Path) -> Skycap:
    """Runs the command in a process of its own."""

    def call(*args: str | Path, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "skycap.core", *map(str, args)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=os.environ | (env or {}),
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode())

    return call


@pytest.fixture
def tree(home: Path) -> Path:
    """A small folder: `a.txt`, `sub/b.txt`, `sub/deep/c.bin`, and an empty folder `void`."""
    root = home / "tree"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "void").mkdir()
    (root / "a.txt").write_text("alpha")
    (root / "sub" / "b.txt").write_text("beta")
    (root / "sub" / "deep" / "c.bin").write_bytes(bytes(range(256)) * 8)
    return root


@pytest.fixture
def open_tree(tree: Path, home: Path) -> Path:
    """The small folder, where a user without rights may read and write."""
    root = os.geteuid() == 0
    for folder in [home, *home.parents[:-1]]:
        if root and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)
    if root:
        for path in [home, home.parent, tree, *tree.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    return tree


@pytest.fixture
def as_nobody(open_tree: Path, skycap: Skycap) -> Skycap:
    """Runs the command in a child process without rights; where this one has none, just so."""
    # The child may not be able to read the modules themselves, so they are imported here.
    warm = open_tree.parent / "warm"
    skycap("copy", open_tree, warm)
    skycap("check", open_tree, warm)
    skycap("ls", "-R", warm)
    skycap("cat", warm / "nope")
    skycap("remove", "-r", "--yes", warm)

    def call(*args: str | Path) -> Outcome:
        return unprivileged.as_nobody(_captured, [str(arg) for arg in args])

    return call


def _captured(args: list[str]) -> Outcome:
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(args)
    found = []
    for stream in (out, err):
        stream.flush()
        found.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return Outcome(status, *found)


def contents(root: Path) -> dict[str, bytes]:
    """All files below a folder, by their relative path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
