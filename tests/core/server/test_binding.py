"""A server is reached by this machine alone, unless it has a login and TLS, or somebody forces it."""

from __future__ import annotations

import socket
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import UsageError
from skycap.core.server.binding import FORCE_FLAG, Binding

LOOPBACK = [
    "127.0.0.1",
    "127.8.9.10",
    "::1",
    "[::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "::ffff:127.0.0.1",
]
OUTSIDE = [
    "",
    "0.0.0.0",
    "::",
    "10.0.0.7",
    "fe80::1%eth0",
    "box.example.org",
    "127.0.0.1.example.org",
    "127.1",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_needs_neither_login_nor_tls(host: str) -> None:
    assert Binding.of(host, 8080, has_login=False, has_tls=False).is_loopback


@pytest.mark.parametrize("host", OUTSIDE)
@pytest.mark.parametrize(("has_login", "has_tls"), [(False, False), (True, False), (False, True)])
def test_others_reach_it_only_with_both(host: str, has_login: bool, has_tls: bool) -> None:
    with pytest.raises(UsageError) as caught:
        Binding.of(host, 8080, has_login=has_login, has_tls=has_tls)
    hint = caught.value.hint or ""
    assert ("a login" in str(caught.value)) is not has_login
    assert ("without TLS" in str(caught.value)) is not has_tls
    assert ("--password-file" in hint) is not has_login
    assert ("--tls" in hint) is not has_tls
    assert FORCE_FLAG in hint
    assert not Binding.of(host, 8080, has_login=has_login, has_tls=has_tls, force=True).is_loopback


@pytest.mark.parametrize("host", OUTSIDE)
def test_with_both_it_may_be_reached(host: str) -> None:
    assert Binding.of(host, 8080, has_login=True, has_tls=True).host == host


@pytest.mark.parametrize("host", ["a b", "me@box", "box/path", "box:80", "http://box", "x\n", "-", "::1::"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="neither a host name nor an address"):
        Binding.of(host, 1, has_login=True, has_tls=True, force=True)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(UsageError, match="no port"):
        Binding.of("127.0.0.1", port, has_login=True, has_tls=True)


def test_a_free_port_is_known_once_the_system_chose() -> None:
    binding = Binding.of("127.0.0.1", 0, has_login=False, has_tls=False)
    assert binding.at(4711).url("http") == "http://127.0.0.1:4711/"


@pytest.mark.parametrize(
    ("host", "port", "scheme", "url"),
    [
        ("::1", 80, "http", "http://[::1]/"),
        ("::1", 443, "http", "http://[::1]:443/"),
        ("localhost", 443, "https", "https://localhost/"),
        ("0.0.0.0", 1, "http", "http://127.0.0.1:1/"),
        ("::", 1, "http", "http://[::1]:1/"),
        ("", 1, "http", "http://127.0.0.1:1/"),
        ("fe80::1%eth0", 1, "http", "http://[fe80::1%25eth0]:1/"),
    ],
)
def test_a_url_works_on_this_machine(host: str, port: int, scheme: str, url: str) -> None:
    assert Binding(host, port).url(scheme) == url


def test_for_every_address_others_are_told_the_name_of_the_machine() -> None:
    assert Binding("127.0.0.1", 1).urls("http", "a") == ["http://127.0.0.1:1/a"]
    assert Binding("", 1).urls("http", "a") == ["http://127.0.0.1:1/a", f"http://{socket.gethostname()}:1/a"]


@given(st.text(st.characters(codec="utf-8")))
def test_a_path_comes_back_out_of_its_url(path: str) -> None:
    url = Binding("127.0.0.1", 8080).url("http", path)
    assert url.isascii()
    assert unquote(urlsplit(url).path) == "/" + path.lstrip("/")
    assert urlsplit(url).query == urlsplit(url).fragment == ""
