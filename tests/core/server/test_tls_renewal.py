"""A certificate that is renewed while the server runs is what the next client sees."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.errors import NotFound
from skycap.core.server.certificates import Certificates
from skycap.core.server.tls import TlsFiles, tls_files
from skycap.core.server.tls_renewal import renewed_context
from skycap.core.testing.clock import ManualClock
from tests.core.server.greeting import greet, served


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def seen(context: ssl.SSLContext, ca: str) -> str:
    with served(context) as port:
        return greet(port, ca, "localhost").serial


def test_the_next_client_sees_the_leaf_that_was_renewed(tmp_path: Path, clock: ManualClock) -> None:
    certificates = Certificates(str(tmp_path))
    context = renewed_context(
        lambda: tls_files("self-signed", certificates=certificates), clock=clock.monotonic
    )
    first = seen(context, certificates.ca_path)
    certificates.regenerate()
    assert seen(context, certificates.ca_path) == first, "it does not look at every client"
    clock.advance(301)
    assert seen(context, certificates.ca_path) != first


def own(tmp_path: Path) -> tuple[Callable[[], TlsFiles], Path]:
    path = tmp_path / "both.pem"

    def renew() -> None:
        path.write_bytes(Path(Certificates(str(tmp_path / "tls")).regenerate().leaf.path).read_bytes())
        path.chmod(0o600)

    renew()
    return lambda: tls_files(f"{path},{path}"), path


def test_files_that_are_replaced_are_read_again_and_broken_ones_are_not(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    files, path = own(tmp_path)
    ca = str(tmp_path / "tls/ca.crt")
    context = renewed_context(files, clock=clock.monotonic)
    first = seen(context, ca)
    path.write_text("half of it")
    clock.advance(301)
    assert seen(context, ca) == first
    assert "the certificate of before stays" in caplog.text
    path.unlink()
    clock.advance(301)
    assert seen(context, ca) == first
    files, path = own(tmp_path)
    clock.advance(301)
    with caplog.at_level(logging.INFO):
        second = seen(context, ca)
    assert second != first
    assert "another from now on" in caplog.text
    clock.advance(301)
    assert seen(context, ca) == second


def test_what_is_broken_at_first_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        renewed_context(lambda: tls_files(f"{tmp_path}/none,{tmp_path}/none"))
