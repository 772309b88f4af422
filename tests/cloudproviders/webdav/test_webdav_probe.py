"""What a server is: found out without writing to it, once, and remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from skycap.cloudproviders.webdav.address import Place
from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.storage import WebDav
from skycap.core.storage import Capability
from tests.cloudproviders.stub import Reply, Request, Stub
from tests.cloudproviders.webdav.answers import FOLDER, item, multi


def test_what_a_server_can_is_asked_once_and_remembered(dav: Callable[..., Any]) -> None:
    reply = {"allow": "OPTIONS, PROPFIND, MOVE", "server": "Apache"}

    def answer(request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200, headers=reply)
        quota = (
            "<D:quota-used-bytes>7</D:quota-used-bytes><D:quota-available-bytes>-3</D:quota-available-bytes>"
        )
        return multi(item(request.path, FOLDER, more=quota))

    storage, stub = dav(answer, vendor="auto")
    assert storage.can(Capability.RENAME, Capability.QUOTA)
    assert not storage.can(Capability.COPY)
    assert (storage.quota().used, storage.quota().free, storage.quota().total) == (7, None, None)
    asked = len(stub.requests)
    again = WebDav(storage.options, storage.dav.place)
    assert again.can(Capability.RENAME)
    assert not again.can(Capability.COPY)
    again.close()
    assert len(stub.requests) == asked


def test_what_a_folder_does_not_tell_before_it_is_made_is_asked_again(dav: Callable[..., Any]) -> None:
    there = False

    def answer(request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200)
        more = "<D:quota-used-bytes>7</D:quota-used-bytes>"
        return multi(item(request.path, FOLDER, more=more)) if there else Reply(404)

    storage, _ = dav(answer, vendor="auto")
    assert not storage.can(Capability.QUOTA)
    there = True
    with WebDav(storage.options, storage.dav.place) as again:
        assert again.can(Capability.QUOTA)


@pytest.mark.parametrize(
    ("headers", "status", "vendor"),
    [
        ({"server": "rclone/v1.70"}, b"", "rclone"),
        ({"server": "skycap"}, b"", "skycap"),
        ({"microsoftsharepointteamservices": "16"}, b"", "sharepoint"),
        ({}, b'{"productname": "ownCloud"}', "owncloud"),
        ({}, b'{"productname": "Infinite Scale"}', "infinitescale"),
        ({}, b'{"productname": "Nextcloud Hub"}', "nextcloud"),
        ({}, b"[1]", "generic"),
        ({}, b"<html>", "generic"),
    ],
)
def test_a_server_is_known_by_what_it_says(
    dav: Callable[..., Any], headers: dict[str, str], status: bytes, vendor: str
) -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/status.php":
            return Reply(200, status)
        if request.method == "OPTIONS":
            return Reply(405, headers=headers)
        return Reply(404)

    with Stub(answer) as stub:
        url = f"{stub.url}/remote.php/dav/files/ada"
        with WebDav(WebDavOptions.parse({"url": url}, where="test"), Place.parse(url)) as storage:
            assert storage.traits.vendor == vendor
            assert storage.facts.name_max in {250, 255}
