"""gvfs, through which GNOME's programs reach a server: its daemon on a message bus of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.interop.webdav.names import ODD
from tests.interop.webdav.places import Served, both_servers

pytestmark = pytest.mark.foreign


def gio(served: Served, folder: Path, script: str) -> str:
    """What a shell says in a session in which the server is mounted; `$url` is its top. It must succeed."""
    url = served.url.replace("http:", "dav:")
    runtime = folder / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-euc", f'url="{url}"; gio mount "$url"; {script}'],
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(runtime),
            "LC_ALL": "C.UTF-8",
            "GVFS_DISABLE_FUSE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def content(served: Served, path: str) -> bytes:
    with served.storage.read(path) as reader:
        return reader.read()


@both_servers
@pytest.mark.parametrize("kind", ["local", "memory"])
def test_files_and_folders_are_made_copied_moved_and_removed(served: Served, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 1000)
    said = gio(
        served,
        tmp_path,
        """
        gio mkdir "${url}folder"
        gio copy a.bin "${url}folder/a.bin"
        gio copy "${url}folder/a.bin" "${url}folder/b.bin"
        gio move "${url}folder/b.bin" "${url}folder/c.bin"
        gio rename "${url}folder" renamed
        echo saved | gio save "${url}renamed/saved.txt"
        gio copy "${url}renamed/c.bin" back.bin
        gio list "${url}renamed"
        gio info -a standard::size "${url}renamed/a.bin"
        gio remove "${url}renamed/a.bin"
        """,
    )
    assert {"a.bin", "c.bin", "saved.txt"} <= set(said.split())
    assert "size:  256000" in said
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "a.bin").read_bytes()
    assert {entry.path for entry in served.storage.scan("renamed")} == {"renamed/c.bin", "renamed/saved.txt"}
    assert content(served, "renamed/saved.txt") == b"saved\n"


def test_odd_names_are_kept(served: Served, tmp_path: Path) -> None:
    for number, name in enumerate(ODD):
        (tmp_path / f"{number}.txt").write_text(name)
    copies = "".join(
        f'gio copy {number}.txt "$url"{quote(name, safe="")!r};' for number, name in enumerate(ODD)
    )
    said = gio(served, tmp_path, copies + 'gio list -h "$url"')
    assert set(said.splitlines()) == set(ODD)
    for name in ODD:
        assert content(served, name) == name.encode()
