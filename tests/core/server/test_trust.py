"""The CA goes into the trust store of each system, and out again; who may not is told the exact command."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from skycap.core.errors import AccessDenied, DependencyMissing, Error, NotFound, Unsupported
from skycap.core.server.certificates import Certificate, Certificates
from skycap.core.server.trust import browser_databases, install, is_installed, uninstall
from skycap.core.server.trust_plan import System, plan

DEBIAN = 'NAME="Debian GNU/Linux"\nID=debian\n'
UBUNTU_LIKE = "ID=mint\nID_LIKE='ubuntu debian'\n"
FEDORA, ROCKY, ARCH = "ID=fedora\n", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', "ID=arch\n"
SUSE = 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n'


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificates(str(tmp_path_factory.mktemp("tls"))).ready().ca


def short(ca: Certificate) -> str:
    return "skycap-" + ca.sha256.replace(":", "")[:16].lower()


@pytest.mark.parametrize(
    ("release", "folder", "command"),
    [
        (DEBIAN, "/usr/local/share/ca-certificates", ("update-ca-certificates",)),
        (UBUNTU_LIKE, "/usr/local/share/ca-certificates", ("update-ca-certificates",)),
        (FEDORA, "/etc/pki/ca-trust/source/anchors", ("update-ca-trust", "extract")),
        (ROCKY, "/etc/pki/ca-trust/source/anchors", ("update-ca-trust", "extract")),
        (ARCH, "/etc/ca-certificates/trust-source/anchors", ("trust", "extract-compat")),
        (SUSE, "/etc/pki/trust/anchors", ("update-ca-certificates",)),
    ],
)
def test_linux_has_a_file_and_a_command_for_root(
    ca: Certificate, release: str, folder: str, command: tuple[str, ...]
) -> None:
    system = System("linux", release)
    target = f"{folder}/{short(ca)}.crt"
    adding = plan(system, ca)
    assert adding.copies == ((ca.path, target),)
    assert adding.system == (command,)
    assert adding.needs_root
    assert (
        adding.sudo
        == f"sudo install -D -m 0644 {shlex.quote(ca.path)} {target} && sudo {shlex.join(command)}"
    )
    removing = plan(system, ca, "uninstall")
    assert removing.removes == (target,)
    assert removing.copies == ()
    assert removing.sudo.startswith(f"sudo rm -f {target} && sudo {command[0]}")


def test_macos_has_the_login_keychain(ca: Certificate) -> None:
    system = System("darwin", home="/home/me")
    keychain = "/home/me/Library/Keychains/login.keychain-db"
    adding, removing = plan(system, ca), plan(system, ca, "uninstall")
    assert adding.user == (("security", "add-trusted-cert", "-r", "trustRoot", "-k", keychain, ca.path),)
    assert removing.user == (
        ("security", "delete-certificate", "-t", "-Z", ca.sha1.replace(":", ""), keychain),
    )
    assert not adding.needs_root
    assert adding.by_root == removing.by_root == ()


def test_windows_has_the_root_store_of_the_user(ca: Certificate) -> None:
    system = System("win32")
    assert plan(system, ca).user == (("certutil", "-user", "-addstore", "Root", ca.path),)
    assert plan(system, ca, "uninstall").user == (
        ("certutil", "-user", "-delstore", "Root", ca.sha1.replace(":", "")),
    )


def test_browsers_of_linux_have_stores_of_their_own(ca: Certificate) -> None:
    system = System("linux", DEBIAN)
    folder = "/home/me/.pki/nssdb"
    where = ("-d", f"sql:{folder}", "-n", short(ca))
    adding = plan(system, ca, browsers=[folder])
    assert adding.user == (("certutil", "-A", *where, "-t", "C,,", "-i", ca.path),)
    assert adding.notes == ()
    assert plan(system, ca, "uninstall", browsers=[folder]).user == (("certutil", "-D", *where),)
    assert "Firefox" in plan(system, ca).notes[0]


@pytest.mark.parametrize("system", [System("linux", "ID=nixos\n"), System("linux"), System("freebsd14")])
def test_a_system_that_is_not_known_is_told_which_file_to_add(ca: Certificate, system: System) -> None:
    with pytest.raises(Unsupported) as caught:
        install(ca, system)
    assert caught.value.where == ca.path
    assert not is_installed(ca, system)


def test_this_system_is_found() -> None:
    here = System.here()
    assert here.home == os.path.expanduser("~")
    assert here.root == "/"
    if os.path.exists("/etc/os-release"):
        assert here.release == Path("/etc/os-release").read_text(errors="replace")


def program(folder: Path, name: str, body: str = "") -> Path:
    """A program that notes how it was called."""
    path = folder / name
    path.write_text(
        f'#!/bin/sh\necho "$(basename "$0") $*" >> {shlex.quote(str(folder / "calls"))}\n{body}\n'
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that is searched first, and the system's basics after it; nothing else."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("basename", "sh"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def calls(programs: Path) -> list[str]:
    path = programs / "calls"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def image(tmp_path: Path) -> System:
    """A Debian whose files begin in a folder of its own, with a browser in the home."""
    home = tmp_path / "home"
    for folder in (".pki/nssdb", ".mozilla/firefox/abc.default", ".mozilla/firefox/none"):
        (home / folder).mkdir(parents=True)
    (home / ".pki/nssdb/cert9.db").touch()
    (home / ".mozilla/firefox/abc.default/cert9.db").touch()
    return System("linux", DEBIAN, str(tmp_path / "root"), str(home))


needs_posix = pytest.mark.skipif(os.name == "nt", reason="its programs are shell scripts")


@needs_posix
class TestDoing:
    def test_it_is_installed_and_taken_out(self, ca: Certificate, programs: Path, image: System) -> None:
        program(programs, "update-ca-certificates")
        program(programs, "certutil")
        target = Path(image.root) / "usr/local/share/ca-certificates" / f"{short(ca)}.crt"
        assert not is_installed(ca, image)
        install(ca, image)
        assert is_installed(ca, image)
        assert target.read_bytes() == Path(ca.path).read_bytes()
        assert target.stat().st_mode & 0o777 == 0o644
        done = calls(programs)
        assert [line.split()[0] for line in done] == ["certutil", "certutil", "update-ca-certificates"]
        assert f"--localcertsdir {target.parent}" in done[-1]
        uninstall(ca, image)
        assert not is_installed(ca, image)
        assert not target.exists()
        assert "--fresh" in calls(programs)[-1]

    def test_what_is_done_already_is_not_done_again(
        self, ca: Certificate, programs: Path, image: System
    ) -> None:
        program(programs, "update-ca-certificates")
        image = replace(image, home="/nonexistent")
        install(ca, image)
        assert "already" in install(ca, image).notes[0]
        uninstall(ca, image)
        assert "already" in uninstall(ca, image).notes[0]
        assert len(calls(programs)) == 2

    def test_who_is_not_root_is_told_the_command(
        self, ca: Certificate, programs: Path, image: System
    ) -> None:
        program(programs, "certutil")
        system = replace(image, root="/")
        with pytest.raises(AccessDenied) as caught:
            install(ca, system)
        assert caught.value.hint == f"Run: {plan(system, ca).sudo}"
        assert len(calls(programs)) == 2, "the browsers are the user's, and are done"

    def test_without_certutil_browsers_are_spoken_of(
        self, ca: Certificate, programs: Path, image: System
    ) -> None:
        program(programs, "update-ca-certificates")
        (note,) = install(ca, image).notes
        assert "libnss3-tools" in note
        assert ca.path in note

    def test_a_program_that_is_missing_is_told_and_nothing_counts_as_done(
        self, ca: Certificate, programs: Path, image: System
    ) -> None:
        with pytest.raises(DependencyMissing, match="update-ca-certificates"):
            install(ca, image)
        assert not is_installed(ca, image)

    def test_a_program_that_fails_is_told_with_what_it_said(
        self, ca: Certificate, programs: Path, image: System
    ) -> None:
        program(programs, "update-ca-certificates", "echo the disk is full >&2; exit 3")
        with pytest.raises(Error, match="ended with status 3: the disk is full"):
            install(ca, image)
        assert not is_installed(ca, image)

    def test_a_browser_that_never_had_it_is_no_failure_when_taking_it_out(
        self, ca: Certificate, programs: Path, image: System
    ) -> None:
        program(programs, "certutil", "exit 255")
        uninstall(ca, image)
        with pytest.raises(Error, match="certutil ended with status 255"):
            install(ca, image)

    def test_a_folder_that_cannot_be_written_is_told(
        self, ca: Certificate, programs: Path, image: System, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(AccessDenied, match="cannot be changed"):
            install(ca, replace(image, root=str(tmp_path / "file"), home="/nonexistent"))

    def test_a_ca_that_is_not_made_yet_is_told(self, ca: Certificate, image: System) -> None:
        with pytest.raises(NotFound):
            install(replace(ca, path=ca.path + ".none"), image)

    def test_macos_and_windows_are_asked_whether_they_hold_it(self, ca: Certificate, programs: Path) -> None:
        plain = ca.sha1.replace(":", "")
        assert not is_installed(ca, System("darwin"))
        program(programs, "security", f'[ "$1" != find-certificate ] || echo "SHA-1 hash: {plain}"')
        program(programs, "certutil", f"echo 'Cert Hash(sha1): {plain.lower()}'")
        assert is_installed(ca, System("darwin"))
        assert is_installed(ca, System("win32"))
        assert not is_installed(replace(ca, sha1="00:11"), System("darwin"))
        install(ca, System("darwin", home="/home/me"))
        uninstall(ca, System("win32"))
        assert calls(programs)[-2].startswith("security add-trusted-cert")
        assert calls(programs)[-1] == f"certutil -user -delstore Root {plain}"

    def test_other_families_run_their_program_inside_of_the_image(
        self, ca: Certificate, programs: Path, image: System
    ) -> None:
        program(programs, "chroot")
        install(ca, replace(image, release=ARCH, home="/nonexistent"))
        assert calls(programs) == [f"chroot {image.root} trust extract-compat"]


def test_browser_databases_are_found_where_they_are(image: System) -> None:
    found = [os.path.relpath(path, image.home) for path in browser_databases(image.home)]
    assert found == [".mozilla/firefox/abc.default", ".pki/nssdb"]


@pytest.mark.foreign
def test_the_program_of_debian_takes_it_into_the_bundle(ca: Certificate, image: System) -> None:
    """The real program, over a root in a temporary folder."""
    root = Path(image.root)
    (root / "etc/ssl/certs").mkdir(parents=True)
    (root / "etc/ca-certificates/update.d").mkdir(parents=True)
    (root / "usr/share/ca-certificates").mkdir(parents=True)
    (root / "etc/ca-certificates.conf").write_text("other.crt\n")
    other = Path(Certificates(str(root / "other")).ready().ca.path).read_text()
    (root / "usr/share/ca-certificates/other.crt").write_text(other)
    image = replace(image, home="/nonexistent")
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    install(ca, image)
    assert Path(ca.path).read_text() in bundle.read_text()
    assert any(path.name == f"{short(ca)}.pem" for path in bundle.parent.iterdir())
    uninstall(ca, image)
    assert bundle.read_text() == other
    assert not any(path.name == f"{short(ca)}.pem" for path in bundle.parent.iterdir())
