"""Where the services are looked for."""

from __future__ import annotations

import pytest

from skycap.core.errors import ConfigInvalid
from skycap.internxt.endpoints import Endpoints, is_open, resolve
from skycap.internxt.options import InternxtOptions

HERE = {
    "DRIVE_NEW_API_URL": "http://127.0.0.1:9/drive",
    "NETWORK_URL": "http://127.0.0.1:9/network/",
    "DRIVE_WEB_URL": "http://127.0.0.1:9/web",
}


def test_without_a_word_they_are_those_of_internxt() -> None:
    assert resolve(environ={}) == Endpoints(
        "https://gateway.internxt.com/drive",
        "https://gateway.internxt.com/network",
        "https://drive.internxt.com",
    )


def test_the_variables_of_the_official_client_count() -> None:
    base = "http://127.0.0.1:9"
    assert resolve(environ=HERE) == Endpoints(f"{base}/drive", f"{base}/network", f"{base}/web")


def test_the_remote_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HERE.items():
        monkeypatch.setenv(name, value)
    options = InternxtOptions.parse({"drive_url": "drive.example.com/api/"}, where="test")
    assert options.endpoints.drive == "https://drive.example.com/api"
    assert options.endpoints.network == "http://127.0.0.1:9/network"


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "http://", "http://x:port", "https://me:pw@x", "https://x/?a=b", "https://x/#y", "http://["],
)
def test_what_is_no_address_is_refused_by_its_name(url: str) -> None:
    with pytest.raises(ConfigInvalid, match="no address") as caught:
        resolve(environ={"NETWORK_URL": url})
    assert caught.value.where == "environment NETWORK_URL"
    with pytest.raises(ConfigInvalid) as caught:
        resolve(drive=url, environ={})
    assert caught.value.where == "option drive_url"
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "is_so"),
    [
        ("http://gateway.example.com/drive", True),
        ("http://192.168.1.4:8000", True),
        ("https://gateway.example.com/drive", False),
        ("http://127.0.0.1:4000/drive", False),
        ("http://[::1]:4000/drive", False),
        ("http://localhost", False),
    ],
)
def test_an_address_on_which_others_can_read_along_is_known(url: str, is_so: bool) -> None:
    assert is_open(url) is is_so


def test_the_options_say_what_is_trusted_and_how_long_is_waited() -> None:
    options = InternxtOptions.parse(
        {"verify_tls": "no", "read_timeout": "2m", "ca_bundle": "/x"}, where="test"
    )
    assert options.tls.insecure
    assert options.tls.ca_bundle == "/x"
    assert options.timeouts.idle_s == 120
