"""Whom the client trusts, and what it shows of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, TransferFailed
from skycap.core.http import Client, Tls

OK = (200, {}, b"fine")


def test_a_certificate_nobody_vouched_for_is_refused_with_a_hint(tls_server: Any) -> None:
    with Client(tls_server.url) as client, pytest.raises(TransferFailed) as caught:
        client.request("GET", "/")
    assert "not trusted" in caught.value.message
    assert "ca_bundle" in (caught.value.hint or "")
    assert not caught.value.retryable
    assert tls_server.seen == []


def test_a_bundle_of_ones_own_is_trusted(tls_server: Any, certificate: Any) -> None:
    tls_server.on("/", OK)
    with Client(tls_server.url, tls=Tls(ca_bundle=certificate.cert)) as client:
        assert client.request("GET", "/").body == b"fine"


def test_a_bundle_that_vouches_for_another_name_is_not_enough(tls_server: Any, certificate: Any) -> None:
    other = tls_server.url.replace("127.0.0.1", "localhost")
    with (
        Client(other, tls=Tls(ca_bundle=certificate.cert)) as client,
        pytest.raises(TransferFailed) as caught,
    ):
        client.request("GET", "/")
    assert "not trusted" in caught.value.message


def test_nothing_is_checked_only_when_asked_for_and_with_a_warning(
    tls_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tls_server.on("/", OK)
    with Client(tls_server.url, tls=Tls(insecure=True)) as client:
        assert client.request("GET", "/").body == b"fine"
    assert "not checked" in caplog.text


def test_a_client_certificate_is_shown(shy_server: Any, certificate: Any, tmp_path: Path) -> None:
    shy_server.on("/", OK)
    tls = Tls(
        ca_bundle=certificate.cert,
        client_cert=str(tmp_path / "client.pem"),
        client_key=str(tmp_path / "client.key"),
        client_key_password=Secret("sesame"),
    )
    assert "sesame" not in repr(tls)
    with Client(shy_server.url, tls=tls) as client:
        assert client.request("GET", "/").body == b"fine"
    with Client(shy_server.url, tls=Tls(ca_bundle=certificate.cert)) as client, pytest.raises(TransferFailed):
        client.request("GET", "/")


def test_a_key_whose_password_is_wrong_is_a_fault_of_the_configuration(
    new_certificate: Any, server: Any
) -> None:
    mine = new_certificate("client", "sesame")
    for password in (None, Secret("wrong")):
        tls = Tls(client_cert=mine.cert, client_key=mine.key, client_key_password=password)
        with pytest.raises(ConfigInvalid):
            tls.context()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_bundle_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(ConfigInvalid) as caught:
        Tls(ca_bundle=str(bundle)).context()
    assert str(bundle) in str(caught.value)


def test_speaking_plainly_to_a_tls_port_and_the_other_way_round_says_so(server: Any, tls_server: Any) -> None:
    with Client(server.url.replace("http:", "https:")) as client, pytest.raises(TransferFailed) as caught:
        client.request("GET", "/")
    assert "secure" in caught.value.message
    with Client(tls_server.url.replace("https:", "http:")) as client, pytest.raises(TransferFailed):
        client.request("GET", "/")
