"""Files that other programs leave in the folder of a vault: told once, left alone, and in nobody's way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap, contents

FOREIGN = (".DS_Store", "desktop.ini", "Thumbs.db", "notes", "@eaDir/thumb.jpg", "lost+found/0", "README.md")
HEADER = ".skycap-crypt"


@pytest.fixture
def vault(home: Path, tree: Path, skycap: Skycap) -> Path:
    """The folder of a vault that holds the same as `tree`."""
    (home / "key").write_bytes(bytes(range(32)))
    skycap("remote", "add", "vault", "crypt", f"remote={home / 'sealed'}", f"key_file={home / 'key'}")
    assert skycap("sync", "--yes", tree, "vault:").status == 0
    return home / "sealed"


@pytest.fixture
def littered(vault: Path) -> list[Path]:
    """Foreign files in its root and in each folder of it."""
    folders = [vault, *(path for path in vault.rglob("*") if path.is_dir())]
    made = [folder / name for folder in folders for name in FOREIGN]
    for path in made:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"of another program")
    return made


def test_a_sync_goes_on_and_removes(tree: Path, littered: list[Path], skycap: Skycap) -> None:
    (tree / "a.txt").unlink()
    outcome = skycap("sync", "--yes", tree, "vault:")
    assert outcome.status == 0, outcome.err
    warnings = [line for line in outcome.err.splitlines() if "warning" in line]
    assert len(warnings) == 1
    assert "was not made by this remote" in warnings[0]
    assert skycap("ls", "-R", "vault:").out == skycap("ls", "-R", tree).out
    assert skycap("check", tree, "vault:").status == 0
    assert all(path.exists() for path in littered)


def test_what_was_fetched_is_what_was_stored(
    tree: Path, home: Path, littered: list[Path], skycap: Skycap
) -> None:
    (home / "back").mkdir()
    (home / "back" / "too much").write_text("x")
    assert skycap("sync", "--yes", "vault:", home / "back").status == 0
    assert contents(home / "back") == contents(tree)


@pytest.mark.parametrize("end", [" (conflicted copy)", ".tmp", "~1", "0"])
def test_a_name_of_the_vault_that_was_changed_stays_an_error(
    end: str, tree: Path, home: Path, vault: Path, skycap: Skycap
) -> None:
    (sealed,) = (path for path in vault.iterdir() if path.is_file() and path.name != HEADER)
    sealed.rename(sealed.with_name(sealed.name + end))
    assert skycap("check", tree, "vault:").status not in {0, 3}
    (home / "back").mkdir()
    (home / "back" / "a.txt").write_text("the only other copy")
    assert skycap("sync", "--yes", "vault:", home / "back").status != 0
    assert (home / "back" / "a.txt").exists()


def test_a_folder_that_cannot_go_for_one_says_where_it_is(
    tree: Path, vault: Path, littered: list[Path], skycap: Skycap
) -> None:
    shutil.rmtree(tree / "sub" / "deep")
    outcome = skycap("sync", "--yes", tree, "vault:")
    assert outcome.status == 16
    (named,) = (line for line in outcome.err.splitlines() if "Another program left" in line)
    (deepest,) = {
        path.parent for path in littered if len(path.relative_to(vault).parts) == 3 and path.name == "notes"
    }
    assert str(deepest) in named
    for path in littered:
        if deepest in path.parents:
            path.unlink()
            if path.parent != deepest:
                path.parent.rmdir()
    assert skycap("sync", "--yes", tree, "vault:").status == 0
    assert skycap("check", tree, "vault:").status == 0
