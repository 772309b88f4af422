"""What Finder, Explorer, Office and others say, said again: they hear what they need."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import pytest

from skycap.core.storage.interface import Storage
from skycap.core.webdav.junk import Policy
from skycap.core.webdav.serving import ServerName
from tests.core.webdav.sequences import explorer, finder, linux, office, transfer
from tests.core.webdav.sequences.player import Player
from tests.core.webdav.sequences.step import Step
from tests.core.webdav.served import make_store
from tests.interop.webdav.places import SERVERS, Served, serving

SEQUENCES = {
    "davfs2": linux.DAVFS2,
    "gvfs": linux.GVFS,
    "KIO": linux.KIO,
    "Cyberduck": transfer.CYBERDUCK,
    "ownCloud": transfer.OWNCLOUD,
    "npm webdav": transfer.NPM_WEBDAV,
}


@pytest.fixture(params=["local", "memory", "prefixes"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """A folder, a store with directories, and one without any that are empty."""
    with make_store(request.param, tmp_path / "served") as opened:
        yield opened


@pytest.fixture
def junk() -> Policy:
    return "store"


@pytest.fixture(params=SERVERS)
def served(
    request: pytest.FixtureRequest, storage: Storage, junk: Policy, tmp_path: Path
) -> Iterator[Served]:
    name: ServerName = request.param
    with serving(name, storage, tmp_path / "state", junk=junk) as found:
        yield found


@pytest.fixture
def player(served: Served) -> Player:
    return Player(served.port)


def files(storage: Storage, path: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in storage.scan(path):
        if entry.is_dir:
            found |= files(storage, entry.path)
        else:
            with storage.read(entry.path) as reader:
                found[entry.path] = reader.read()
    return found


def test_the_finder_mounts_copies_in_renames_and_removes(served: Served, player: Player) -> None:
    player.play(finder.MOUNT)
    player.play(finder.COPY_IN)
    assert files(served.storage) == {"To be.txt": finder.CONTENT, "._To be.txt": finder.APPLE_DOUBLE}
    player.play(finder.FOLDER_STATE)
    player.play(finder.NEW_FOLDER)
    assert player.play(finder.RENAME) == finder.CONTENT
    player.play(finder.TO_THE_BIN)
    assert files(served.storage) == {"._To be.txt": finder.APPLE_DOUBLE, ".DS_Store": finder.DS_STORE}


def test_a_name_that_the_finder_spells_in_pieces_is_found_again(served: Served, player: Player) -> None:
    player.play(finder.DECOMPOSED_NAME)
    name = unquote(finder.DECOMPOSED.strip("/"))
    assert name == unicodedata.normalize("NFD", name) != unicodedata.normalize("NFC", name)
    assert files(served.storage) == {name: finder.CONTENT}


def test_a_copy_of_the_finder_that_is_cut_short_leaves_the_old_file(served: Served, player: Player) -> None:
    player.play(finder.CUT_SHORT)
    assert files(served.storage) == {"a.txt": b"what was there"}


@pytest.mark.parametrize("storage", ["memory"], indirect=True)
@pytest.mark.parametrize("junk", get_args(Policy))
def test_what_the_finder_leaves_beside_files_goes_where_the_policy_says(served: Served, junk: Policy) -> None:
    player = Player(served.port, refuses_junk=junk == "refuse")
    for sequence in (finder.MOUNT, finder.COPY_IN, finder.FOLDER_STATE, finder.NEW_FOLDER, finder.RENAME):
        player.play(sequence)
    stored = files(served.storage)
    assert stored.pop("Plays/Hamlet.txt") == finder.CONTENT
    beside = {"._To be.txt": finder.APPLE_DOUBLE, ".DS_Store": finder.DS_STORE}
    assert stored == (beside if junk == "store" else {})
    for path, content in beside.items():  # read again, wherever it is
        missing = junk == "refuse"
        step = Step(f"GET /{path.replace(' ', '%20')}", 404 if missing else 200)
        assert missing or player.play((step,)) == content
        if missing:
            player.play((step,))


def test_explorer_mounts_copies_in_with_its_times_renames_and_removes(served: Served, player: Player) -> None:
    player.play(explorer.MOUNT)
    player.play(explorer.COPY_IN)
    assert player.play(explorer.READ) == explorer.CONTENT
    served.storage.write("taken.xls", b"taken")
    player.play(explorer.RENAME)
    assert files(served.storage) == {"New folder/Sums.xls": explorer.CONTENT, "taken.xls": b"taken"}
    player.play(explorer.REMOVE)
    assert files(served.storage) == {"taken.xls": b"taken"}


@pytest.mark.parametrize("storage", ["local", "memory"], indirect=True)
def test_the_time_that_explorer_sets_is_that_of_the_file(served: Served, player: Player) -> None:
    player.play(explorer.COPY_IN)
    entry = served.storage.stat("New file.xls")
    assert entry is not None
    assert entry.mtime_ns == explorer.MODIFIED_S * 10**9


@pytest.mark.parametrize("server", SERVERS)
def test_explorer_finds_the_top_of_the_server_though_it_mounts_a_share(
    server: ServerName, tmp_path: Path
) -> None:
    with (
        make_store("local", tmp_path / "served") as storage,
        serving(server, storage, tmp_path / "state", share="Docs") as served,
    ):
        player = Player(served.port)
        player.play(explorer.MOUNT)
        player.play(finder.MOUNT)


def test_office_looks_locks_edits_and_saves(served: Served, player: Player) -> None:
    served.storage.write("docs/Report 2.docx", office.BEFORE)
    player.play(office.DISCOVER)
    assert office.BEFORE not in player.play(office.EDIT)
    assert Player(served.port).play(office.SOMEBODY_ELSE) == office.BEFORE
    player.play(office.SAVE)
    assert files(served.storage) == {"docs/Report 2.docx": office.AFTER}


def test_office_saves_through_a_drive_by_renaming(served: Served, player: Player) -> None:
    served.storage.write("docs/Report 2.docx", office.BEFORE)
    player.play(office.SAVE_BY_RENAMING)
    assert files(served.storage) == {"docs/Report 2.docx": office.AFTER}


@pytest.mark.parametrize("client", SEQUENCES)
def test_others_hear_what_they_need(client: str, player: Player) -> None:
    player.play(SEQUENCES[client])


def test_the_last_bytes_and_the_time_of_a_synchronising_client_stay(served: Served, player: Player) -> None:
    player.play(transfer.OWNCLOUD)
    assert files(served.storage) == {"a.bin": transfer.CONTENT + b"!"}
    entry = served.storage.stat("a.bin")
    assert entry is not None
    if entry.mtime_ns is not None:
        assert entry.mtime_ns == transfer.MODIFIED_S * 10**9 + 5 * 10**8
