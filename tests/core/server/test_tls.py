"""Files of one's own are looked at before anybody connects, and what is wrong is said in words."""

from __future__ import annotations

import logging
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from skycap.core.errors import AccessDenied, ConfigInvalid, NotFound, UsageError
from skycap.core.server.certificates import Certificates
from skycap.core.server.issuing import Issued
from skycap.core.server.tls import TlsFiles, server_context, tls_files


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Issued:
    certificates = Certificates(str(tmp_path_factory.mktemp("tls")))
    return certificates._load(os.path.basename(certificates.ready().leaf.path))


def key_pem(issued: Issued, password: bytes | None = None) -> bytes:
    from cryptography.hazmat.primitives import serialization

    sealing = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return issued.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)


@pytest.fixture
def pair(tmp_path: Path, issued: Issued) -> tuple[Path, Path]:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(issued.pem().removeprefix(key_pem(issued)))
    key.write_bytes(key_pem(issued))
    key.chmod(0o600)
    return certificate, key


def test_a_pair_that_fits_is_taken(pair: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = pair
    files = tls_files(f"{certificate}, {key}")
    assert files == TlsFiles(str(certificate), str(key))
    context = server_context(files)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert not caplog.records


def test_one_file_may_hold_both(tmp_path: Path, issued: Issued) -> None:
    path = tmp_path / "both.pem"
    path.write_bytes(issued.pem())
    path.chmod(0o600)
    server_context(tls_files(f"{path},{path}"))


@pytest.mark.parametrize("setting", ["", "on", "cert.pem", "cert.pem,", ",key.pem"])
def test_another_setting_is_told_what_it_may_be(setting: str) -> None:
    with pytest.raises(UsageError) as caught:
        tls_files(setting)
    assert "self-signed" in (caught.value.hint or "")


def test_a_file_that_is_not_there_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    gone = tmp_path / "gone.pem"
    with pytest.raises(NotFound, match="the certificate is not there"):
        tls_files(f"{gone},{key}")
    with pytest.raises(NotFound, match="the key is not there"):
        tls_files(f"{certificate},{gone}")
    with pytest.raises(AccessDenied, match="cannot be read"):
        tls_files(f"{tmp_path},{key}")


def test_what_is_no_pem_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    other = tmp_path / "other.pem"
    other.write_bytes(b"\x30\x82nonsense")
    other.chmod(0o600)
    with pytest.raises(ConfigInvalid, match="no certificate in PEM"):
        tls_files(f"{other},{key}")
    with pytest.raises(ConfigInvalid, match="no private key in PEM"):
        tls_files(f"{certificate},{other}")
    with pytest.raises(ConfigInvalid, match="no certificate in PEM"):
        tls_files(f"{key},{certificate}")


def test_a_key_of_another_certificate_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = Certificates(str(tmp_path / "other")).ready().leaf.path
    with pytest.raises(ConfigInvalid, match="belongs to another certificate"):
        tls_files(f"{pair[0]},{other}")


def test_a_certificate_out_of_its_time_is_refused_with_dates(pair: tuple[Path, Path]) -> None:
    setting = f"{pair[0]},{pair[1]}"
    late = datetime.now(UTC) + timedelta(days=398)
    with pytest.raises(ConfigInvalid, match=rf"expired on \d{{4}}-.* it is {late:%Y-%m-%d}"):
        tls_files(setting, now=lambda: late)
    early = datetime.now(UTC) - timedelta(days=2)
    with pytest.raises(ConfigInvalid, match=rf"begins on \d{{4}}-.* it is {early:%Y-%m-%d}"):
        tls_files(setting, now=lambda: early)


def test_an_encrypted_key_is_refused_and_nobody_is_asked(pair: tuple[Path, Path], issued: Issued) -> None:
    certificate, key = pair
    key.write_bytes(key_pem(issued, b"hunter2"))
    with pytest.raises(ConfigInvalid, match="encrypted"):
        tls_files(f"{certificate},{key}")
    with pytest.raises(ConfigInvalid, match="neither the certificate nor its key"):
        server_context(TlsFiles(str(certificate), str(key)))


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_a_key_that_others_may_read_is_warned_of(
    pair: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    pair[1].chmod(0o644)
    tls_files(f"{pair[0]},{pair[1]}")
    assert f"{pair[1]} can be read by others" in caplog.text


def test_a_new_ca_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificates = Certificates(str(tmp_path))
    with caplog.at_level(logging.INFO):
        files = tls_files("self-signed", certificates=certificates)
        assert files.ca is not None
        assert caplog.text.count(files.ca.path) == 1
        tls_files("self-signed", certificates=certificates)
        assert caplog.text.count(files.ca.path) == 1
