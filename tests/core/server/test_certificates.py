"""A CA that can sign for this machine alone, and leaves that clients take; renewed in time, never half."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from skycap.core.errors import ConfigInvalid, StateReadFailed, StateWriteFailed
from skycap.core.server.certificates import Certificates, tls_folder
from skycap.core.server.issuing import make_leaf, names_of, permits
from skycap.core.server.tls import server_context, tls_files
from tests.core.server.greeting import greet, served


class Calendar:
    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def certificates(tmp_path: Path, calendar: Calendar) -> Certificates:
    return Certificates(str(tmp_path / "tls"), machine="Box", now=calendar)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "box", "box.local", "192.0.2.7"])
def test_a_client_that_trusts_the_ca_trusts_the_server(certificates: Certificates, name: str) -> None:
    files = tls_files("self-signed", host="192.0.2.7", certificates=certificates)
    with served(server_context(files)) as port:
        seen = greet(port, certificates.ca_path, name)
    assert seen.greeting == b"hello"
    assert seen.version in {"TLSv1.2", "TLSv1.3"}
    assert seen.protocol == "http/1.1"


def test_a_client_that_does_not_trust_it_refuses(certificates: Certificates, tmp_path: Path) -> None:
    files = tls_files("self-signed", certificates=certificates)
    other = Certificates(str(tmp_path / "other"))
    other.ready()
    with served(server_context(files)) as port, pytest.raises(ssl.SSLCertVerificationError):
        greet(port, other.ca_path, "localhost")


def test_the_ca_cannot_vouch_for_the_internet(certificates: Certificates, tmp_path: Path) -> None:
    certificates.ready()
    ca = certificates._load("ca.pem")
    assert not permits(ca.certificate, "example.org")
    assert not permits(ca.certificate, "93.184.216.34")
    assert permits(ca.certificate, "192.168.7.7")
    leaf = make_leaf(ca, ["example.org"], datetime.now(UTC))
    path = tmp_path / "forged.pem"
    path.write_bytes(leaf.pem(ca.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with served(context) as port, pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        greet(port, certificates.ca_path, "example.org")


def test_a_leaf_is_used_again_while_it_is_good(certificates: Certificates, calendar: Calendar) -> None:
    first = certificates.ready("localhost")
    assert first.new_ca
    assert first.leaf.not_after - calendar.now == timedelta(days=397)
    assert first.ca.not_after - calendar.now > timedelta(days=3650)
    again = certificates.ready("127.0.0.1")
    assert again.leaf == first.leaf
    assert not again.new_ca


def test_a_leaf_is_renewed_with_under_thirty_days_left(
    certificates: Certificates, calendar: Calendar
) -> None:
    first = certificates.ready()
    calendar.now += timedelta(days=366)
    assert certificates.ready().leaf == first.leaf
    calendar.now += timedelta(days=2)
    second = certificates.ready()
    assert second.leaf.sha256 != first.leaf.sha256
    assert second.ca == first.ca
    assert not second.new_ca


def test_the_ca_is_renewed_before_a_leaf_would_outlive_it(
    certificates: Certificates, calendar: Calendar
) -> None:
    first = certificates.ready()
    calendar.now += timedelta(days=3652 - 390)
    second = certificates.ready()
    assert second.new_ca
    assert second.ca.sha256 != first.ca.sha256
    assert second.leaf.not_after <= second.ca.not_after


def test_another_host_gets_a_leaf_that_names_it_and_a_private_one_needs_no_new_ca(
    certificates: Certificates,
) -> None:
    first = certificates.ready()
    private = certificates.ready("192.168.1.5")
    assert "192.168.1.5" in private.leaf.names
    assert not private.new_ca
    named = certificates.ready("Files.Example.org.")
    assert "files.example.org" in named.leaf.names
    assert named.new_ca, "the one before may not sign for it"
    assert certificates.ready("files.example.org").leaf == named.leaf
    back = certificates.ready()
    assert not back.new_ca
    assert back.ca == named.ca
    assert back.leaf.sha256 != first.leaf.sha256
    everywhere = certificates.ready("0.0.0.0")
    assert "0.0.0.0" not in everywhere.leaf.names


def test_a_machine_that_got_another_name_keeps_its_ca(tmp_path: Path) -> None:
    first = Certificates(str(tmp_path), machine="box").ready()
    renamed = Certificates(str(tmp_path), machine="box-2")
    assert "box" in first.leaf.names
    again = renamed.ready()
    assert not again.new_ca
    assert "box-2" not in again.leaf.names
    everywhere = renamed.ready("0.0.0.0")
    assert everywhere.new_ca, "others reach it by its name alone"
    assert {"box-2", "box-2.local"} <= set(everywhere.leaf.names)
    assert renamed.ready("").leaf == everywhere.leaf


def test_two_hosts_do_not_take_turns_with_the_ca(certificates: Certificates) -> None:
    certificates.ready("a.example.org")
    certificates.ready("b.example.org")
    assert not certificates.ready("a.example.org").new_ca
    assert not certificates.ready("b.example.org").new_ca


def test_a_host_beyond_ascii_is_told_how_it_is_written(certificates: Certificates) -> None:
    with pytest.raises(ConfigInvalid, match="no certificate can name") as caught:
        certificates.ready("bücher.example")
    assert "xn--" in (caught.value.hint or "")


def test_show_tells_what_is_there_and_makes_nothing(certificates: Certificates, tmp_path: Path) -> None:
    shown = certificates.show()
    assert shown.ca is None
    assert shown.leaves == ()
    assert not (tmp_path / "tls").exists()
    ready = certificates.ready()
    shown = certificates.show()
    assert shown.ca == ready.ca
    assert shown.leaves == (ready.leaf,)
    der = ssl.PEM_cert_to_DER_cert(Path(certificates.ca_path).read_text())
    import hashlib

    assert ready.ca.sha256.replace(":", "").lower() == hashlib.sha256(der).hexdigest()


def test_regenerating_replaces_the_leaf_and_the_ca_only_when_asked(certificates: Certificates) -> None:
    first = certificates.ready()
    second = certificates.regenerate()
    assert second.ca == first.ca
    assert not second.new_ca
    assert [leaf.sha256 for leaf in certificates.show().leaves] == [second.leaf.sha256]
    assert second.leaf.sha256 != first.leaf.sha256
    third = certificates.regenerate(with_ca=True)
    assert third.new_ca
    assert third.ca.sha256 != first.ca.sha256


def test_old_leaves_do_not_pile_up(certificates: Certificates) -> None:
    for number in range(12):
        certificates.ready(f"10.0.0.{number}")
    assert len(certificates.show().leaves) == 8


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_keys_are_for_their_owner_and_the_ca_certificate_for_all(certificates: Certificates) -> None:
    ready = certificates.ready()
    folder = Path(ready.leaf.path).parent
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes.pop("ca.crt") == 0o644
    assert set(modes.values()) == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert "PRIVATE" not in Path(certificates.ca_path).read_text()


def test_a_lost_or_older_public_copy_of_the_ca_is_written_again(certificates: Certificates) -> None:
    ready = certificates.ready()
    content = Path(certificates.ca_path).read_bytes()
    Path(certificates.ca_path).write_text("old")
    certificates.ready()
    assert Path(certificates.ca_path).read_bytes() == content
    Path(certificates.ca_path).unlink()
    assert certificates.ready().ca == ready.ca
    assert Path(certificates.ca_path).read_bytes() == content


def test_a_leaf_of_another_ca_is_not_served(certificates: Certificates, tmp_path: Path) -> None:
    other = Certificates(str(tmp_path / "other"), machine="box").ready()
    certificates.ready()
    certificates.regenerate()
    for leaf in certificates.show().leaves:
        os.unlink(leaf.path)
    (tmp_path / "tls" / Path(other.leaf.path).name).write_bytes(Path(other.leaf.path).read_bytes())
    assert certificates.ready().leaf.sha256 != other.leaf.sha256


@pytest.mark.parametrize("content", [b"", b"nonsense", b"mixed"])
def test_a_broken_file_is_told_and_not_replaced(
    certificates: Certificates, tmp_path: Path, content: bytes
) -> None:
    ready = certificates.ready()
    if content == b"mixed":
        raw = Path(ready.leaf.path).read_bytes()
        other = Certificates(str(tmp_path / "other")).ready()
        key = raw[: raw.index(b"-----BEGIN CERT")]
        content = key + Path(other.ca.path).read_bytes()
    Path(ready.leaf.path).write_bytes(content)
    with pytest.raises(StateReadFailed, match="broken") as caught:
        certificates.ready()
    assert caught.value.where == ready.leaf.path
    assert Path(ready.leaf.path).read_bytes() == content


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateWriteFailed):
        Certificates(str(tmp_path / "file" / "tls")).ready()


def test_a_lock_that_cannot_be_taken_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(StateWriteFailed):
        Certificates(str(tmp_path)).ready()


def test_many_at_once_agree_on_one_pair(tmp_path: Path) -> None:
    folder = str(tmp_path / "tls")
    with ThreadPoolExecutor(8) as pool:
        ready = list(pool.map(lambda _: Certificates(folder).ready(), range(8)))
    assert len({one.leaf.sha256 for one in ready}) == 1
    assert len({one.ca.sha256 for one in ready}) == 1
    assert sum(one.new_ca for one in ready) == 1


def test_processes_at_once_agree_on_one_pair(tmp_path: Path) -> None:
    code = (
        "import sys; from skycap.core.server.certificates import Certificates; "
        "from skycap.core.server.tls import server_context, tls_files; "
        "c = Certificates(sys.argv[1]); server_context(tls_files('self-signed', certificates=c)); "
        "print(c.ready().leaf.sha256)"
    )
    folder = str(tmp_path / "tls")
    started = [
        subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(set(said)) == 1


def test_by_itself_it_lies_in_the_state_folder() -> None:
    ready = Certificates().ready()
    assert os.path.dirname(ready.leaf.path) == tls_folder()
    assert tls_folder().startswith(os.environ["SKYCAP_STATE"])
    assert names_of(Certificates()._load("ca.pem").certificate) == ()
