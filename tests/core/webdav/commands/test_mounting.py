"""How to mount is told for each system, with the address, the user and the certificate of the server."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from skycap.core.webdav.commands.mounting import SYSTEMS, Target, command, instructions
from tests.core.cli.conftest import Skycap
from tests.core.webdav.commands.servers import serving

PLAIN = Target("http://127.0.0.1:8080/", "")
LOGIN = Target("http://127.0.0.1:8080/", "me")
SECURE = Target("https://box.example:8443/", "me", "/state/ca.crt")


def told(system: str, target: Target) -> str:
    return "\n".join(instructions(system, target))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("system", "address"),
    [
        ("macos", "https://box.example:8443/"),
        ("windows", "\\\\box.example@SSL@8443\\DavWWWRoot"),
        ("gnome", "davs://box.example:8443/"),
        ("kde", "webdavs://box.example:8443/"),
        ("davfs2", "mount -t davfs -o username=me https://box.example:8443/ FOLDER"),
        ("rclone", "rclone config create skycap webdav url=https://box.example:8443/ vendor=rclone user=me"),
    ],
)
def test_each_system_has_the_address_in_its_own_spelling(system: str, address: str) -> None:
    assert address in told(system, SECURE)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_certificate_of_ours_must_be_trusted_first(system: str) -> None:
    assert "/state/ca.crt" in told(system, SECURE)
    assert "ca.crt" not in told(system, LOGIN)


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_password_stands_in_a_command(system: str) -> None:
    lines = [line for line in instructions(system, SECURE) if line.startswith("  ")]
    assert lines
    assert not any("pass=" in line or ":me:" in line for line in lines)


def test_windows_is_warned_that_it_sends_no_password_without_tls() -> None:
    assert "BasicAuthLevel /t" in told("windows", LOGIN)
    assert "BasicAuthLevel /t" not in told("windows", SECURE)
    assert "BasicAuthLevel /t" not in told("windows", PLAIN)
    assert Target("https://box/a/b/", "me").unc == "\\\\box@SSL\\DavWWWRoot\\a\\b"


def test_a_guest_is_asked_for_nothing() -> None:
    assert "Choose Guest." in told("macos", PLAIN)
    assert "Log in as USER." in told("macos", Target("http://h/", None))
    assert command("gnome", PLAIN, "x") == ["gio", "mount", "--anonymous", "dav://127.0.0.1:8080/"]
    assert command("macos", PLAIN, "x") == ["mount_webdav", "-v", "skycap", "http://127.0.0.1:8080/", "x"]
    assert command("windows", LOGIN, "Z:") == ["net", "use", "Z:", "http://127.0.0.1:8080/", "/user:me", "*"]
    assert "Enter twice" in told("davfs2", PLAIN)
    assert command("kde", PLAIN, "x") is None


def test_a_running_server_tells_how_to_mount_it(skycap: Skycap, folder: Path) -> None:
    with serving(folder, "--anonymous") as server:
        every = skycap("webdav", "mount").out
        assert all(title in every for title in ("macOS:", "Windows:", "GNOME:", "KDE:", "davfs2", "rclone:"))
        assert server.url in every
        one = skycap("webdav", "mount", "--system", "gnome").out
        assert f"gio mount --anonymous dav://127.0.0.1:{server.port}/" in one
        assert "Finder" not in one
        records = skycap("webdav", "mount", "--json").records
        assert [record["system"] for record in records] == list(SYSTEMS)
        assert skycap("webdav", "mount", "--system", "plan9").status == 2
        assert skycap("webdav", "mount", "--system", "kde", "--run", folder).status == 7
    assert skycap("webdav", "mount").status == 4


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
def test_it_mounts_where_the_program_is_and_says_what_to_install_where_not(
    skycap: Skycap, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    with serving(folder, "--anonymous") as server:
        monkeypatch.setenv("PATH", str(programs))
        outcome = skycap("webdav", "mount", "--system", "gnome", "--run", folder)
        assert outcome.status == 10
        assert "apt install gvfs-backends" in outcome.err
        gio = programs / "gio"
        gio.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n[ ! -e {tmp_path}/broken ]\n')
        gio.chmod(gio.stat().st_mode | stat.S_IXUSR)
        outcome = skycap("webdav", "mount", "--run", folder)
        assert outcome.status == 0, outcome.err
        assert (tmp_path / "called").read_text() == f"mount --anonymous dav://127.0.0.1:{server.port}/\n"
        (tmp_path / "broken").touch()
        assert "gio ended with status 1" in skycap("webdav", "mount", "--run", folder).err


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
def test_davfs2_is_for_root_and_a_folder_that_is_there(
    skycap: Skycap, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("mount", "mount.davfs"):
        (programs / name).write_text(f'#!/bin/sh\nread user\nread password\necho "$@" > {tmp_path}/called\n')
        (programs / name).chmod(0o700)
    with serving(folder, "--anonymous") as server:
        monkeypatch.setenv("PATH", str(programs))
        outcome = skycap("webdav", "mount", "--run", folder)
        if os.geteuid() != 0:
            assert outcome.status == 6
            return
        assert outcome.status == 0, outcome.err
        assert (tmp_path / "called").read_text() == f"-t davfs {server.url} {folder}\n"
        assert skycap("webdav", "mount", "--run", tmp_path / "none").status == 4
