"""cadaver, the client of the shell whose library (neon) davfs2 and litmus use too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.interop.webdav.places import NEAR, Served, both_servers

pytestmark = pytest.mark.foreign


def session(served: Served, folder: Path, *commands: str) -> str:
    """What it says to these commands, each of which must succeed."""
    said = said_to(served, folder, *commands)
    assert "failed" not in said.lower(), said
    return said


def said_to(served: Served, folder: Path, *commands: str) -> str:
    """What it says to these commands."""
    (folder / ".cadaverrc").write_text("")
    done = subprocess.run(
        ["cadaver", f"--rcfile={folder / '.cadaverrc'}", served.url],
        input="\n".join((*commands, "quit", "")),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def content(served: Served, path: str) -> bytes:
    with served.storage.read(path) as reader:
        return reader.read()


@both_servers
@pytest.mark.parametrize("kind", [*NEAR, "s3"])
def test_a_session_from_the_first_folder_to_the_last_lock(served: Served, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha")
    said = session(
        served,
        tmp_path,
        "mkcol papers",
        "cd papers",
        "put a.txt",
        "put a.txt 'b c.txt'",
        "copy a.txt d.txt",
        "move 'b c.txt' e.txt",
        "ls",
        "get d.txt back.txt",
        "lock a.txt",
        "discover a.txt",
        "put a.txt a.txt",
        "showlocks",
        "unlock a.txt",
        "propnames a.txt",
        "propset a.txt colour blue",
        "propget a.txt colour",
        "propdel a.txt colour",
        "delete d.txt",
        "cd ..",
        "mkcol empty",
        "rmcol empty",
    )
    assert (tmp_path / "back.txt").read_text() == "alpha"
    assert {entry.path for entry in served.storage.scan("papers")} == {"papers/a.txt", "papers/e.txt"}
    assert content(served, "papers/e.txt") == b"alpha"
    listing = said[said.index("Listing collection") :]
    assert [name for name in ("a.txt", "d.txt", "e.txt") if name in listing] == ["a.txt", "d.txt", "e.txt"]
    assert "blue" in said
    assert "opaquelocktoken:" in said or "urn:uuid:" in said


def test_what_another_locked_it_cannot_write(served: Served, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first")
    session(served, tmp_path, "put a.txt", "lock a.txt")  # quits without unlocking
    (tmp_path / "a.txt").write_text("second")
    assert "423 Locked" in said_to(served, tmp_path, "put a.txt")
    assert content(served, "a.txt") == b"first"


def test_properties_outlive_the_session_and_follow_a_move(served: Served, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha")
    session(served, tmp_path, "put a.txt", "propset a.txt author 'Ünï cödé 🚀'", "move a.txt b.txt")
    assert "Ünï" in session(served, tmp_path, "propget b.txt author")
