"""A process that dies while one tree replaces another: the next server mends it, and loses nothing."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from skycap.core.location import Location
from skycap.core.server.locks import resource_key
from skycap.core.storage.interface import Storage
from skycap.core.storage.local import Local
from skycap.core.webdav.assembling import assembled
from skycap.core.webdav.books import Books
from skycap.core.webdav.shares import Place, Share
from skycap.core.webdav.trees.swaps import mend
from tests.core.webdav.served import fill, served, tree

OLD = {"old/a": "old a", "old/s/b": "old b", "old/s/c": "old c"}
NEW = {"new/a": "new a", "new/t/b": "new b"}
REPLACED = {f"old{path.removeprefix('new')}": text for path, text in NEW.items()}

# Dies by SIGKILL before or after one call of one verb.
DYING = """
import os, signal, sys
from skycap.core.location import Location
from skycap.core.storage.local import Local
from skycap.core.webdav.books import Books
from skycap.core.webdav.shares import Share, Shares
from skycap.core.webdav.trees.copying import Copier

folder, state, method, verb, number, when = sys.argv[1:]
calls = 0

def dies(name):
    def call(self, *args, **options):
        global calls
        calls += name == verb
        meant = name == verb and calls == int(number)
        if meant and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = getattr(Local, name)(self, *args, **options)
        if meant:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return call

class Dying(Local):
    pass

for name in ("rename", "copy", "remove_tree", "make_dir"):
    setattr(Dying, name, dies(name))
storage = Dying(folder)
shares, books = Shares([Share("", Location(storage))]), Books(state + "/webdav.db")
source, target = shares.place("new"), shares.place("old")
failures = Copier(books, move=method == "MOVE").copy(source, storage.stat("new"), target, storage.stat("old"))
sys.exit(f"it lived: {failures}")
"""


def die(folder: Path, state: Path, method: str, verb: str, number: int, when: str) -> None:
    state.mkdir(exist_ok=True)
    argv = [sys.executable, "-c", DYING, str(folder), str(state), method, verb, str(number), when]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    fill(Local(folder), OLD | NEW)
    return folder


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("method", "verb", "number", "when", "left"),
    [
        ("COPY", "make_dir", 1, "after", OLD | NEW),
        ("COPY", "copy", 2, "before", OLD | NEW),
        ("COPY", "rename", 1, "before", OLD | NEW),
        ("COPY", "rename", 1, "after", OLD | NEW),
        ("COPY", "rename", 2, "before", OLD | NEW),
        ("COPY", "rename", 2, "after", NEW | REPLACED),
        ("COPY", "remove_tree", 1, "before", NEW | REPLACED),
        ("COPY", "remove_tree", 1, "after", NEW | REPLACED),
        ("MOVE", "rename", 1, "before", OLD | NEW),
        ("MOVE", "rename", 1, "after", OLD | NEW),
        ("MOVE", "rename", 2, "before", OLD | NEW),
        ("MOVE", "rename", 2, "after", REPLACED),
        ("MOVE", "remove_tree", 1, "after", REPLACED),
    ],
)
def test_what_a_crash_left_beside_is_brought_back_or_cleared_away(
    folder: Path, tmp_path: Path, method: str, verb: str, number: int, when: str, left: dict[str, str]
) -> None:
    die(folder, tmp_path / "state", method, verb, number, when)
    with closing(Books(str(tmp_path / "state" / "webdav.db"))) as books:
        mend([Share("", Location(Local(folder)))], books)
        assert tree(Local(folder)) == left
        assert list(books.swaps.left()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_server_that_is_started_mends_before_it_serves(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_STATE", str(tmp_path / "state"))
    die(folder, tmp_path / "state", "MOVE", "rename", 1, "after")
    assert not (folder / "old").exists()
    with assembled([Share("", Location(Local(folder)), read_only=True)]):
        assert not (folder / "old").exists()  # who may only read mends nothing
    with assembled([Share("", Location(Local(folder)))]):
        assert tree(Local(folder)) == OLD | NEW


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_what_somebody_put_there_meanwhile_is_not_touched(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    die(folder, tmp_path / "state", "MOVE", "rename", 1, "after")
    fill(Local(folder), {"old/mine": "mine"})
    with closing(Books(str(tmp_path / "state" / "webdav.db"))) as books, caplog.at_level(logging.WARNING):
        mend([Share("", Location(Local(folder)))], books)
    found = tree(Local(folder))
    assert found["old/mine"] == "mine"
    assert sorted(found.values()) == sorted([*OLD.values(), *NEW.values(), "mine"])
    assert "is still there" in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_what_cannot_be_reached_is_left_for_the_next_time(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    die(folder, tmp_path / "state", "MOVE", "rename", 1, "after")
    away = tmp_path / "away"
    with closing(Books(str(tmp_path / "state" / "webdav.db"))) as books:
        (tmp_path / "state" / "webdav-swaps" / "broken.json").write_text("{")
        with caplog.at_level(logging.WARNING):
            mend([Share("", Location(Local(folder)))], books)
        assert "makes no sense" in caplog.text
        (tmp_path / "state" / "webdav-swaps" / "broken.json").unlink()
        mend([Share("", Location(Local(tmp_path / "other")))], books)  # another store
        shutil.move(folder, away)
        shutil.move(away, folder)
        assert not (folder / "old").exists()
        mend([Share("", Location(Local(folder)))], books)
        assert tree(Local(folder)) == OLD | NEW


def test_a_file_that_was_to_replace_a_tree_takes_its_name(tmp_path: Path) -> None:
    storage: Storage = Local(tmp_path)
    fill(storage, {".skycap-0123456789abcdef": "whole"})
    with closing(Books(str(tmp_path / "state" / "webdav.db"))) as books:
        share, key = Share("", Location(storage)), resource_key(storage)
        built = Place("x", share, storage, ".skycap-0123456789abcdef", f"{key}/x")
        note = books.swaps.note(Place("t", share, storage, "t", f"{key}/t"), built=built)
        mend([share], books)
        assert not (tmp_path / "t").exists()  # this process lives, and may be at it
        text = Path(note.path).read_text()
        Path(note.path).write_text(text.replace(f'"pid": {os.getpid()}', '"pid": 0'))
        mend([share], books)
        assert (tmp_path / "t").read_text() == "whole"


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_swap_that_ends_leaves_no_note(port: int, folder: Path, tmp_path: Path, method: str) -> None:
    with served(port, {"": Local(folder)}, tmp_path / "state") as client:
        assert client.move("/new", "/old", method).status == 204
        assert client.move("/old", "/old/a", method).status == 403
    assert list((tmp_path / "state" / "webdav-swaps").iterdir()) == []
    assert tree(Local(folder)) == REPLACED | (NEW if method == "COPY" else {})
