"""The end of a server, as whoever runs it in a thread sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from skycap.core.webdav.serving import ServerName, bind


def _nothing_there(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


@pytest.mark.parametrize("name", ["cheroot", "waitress"])
def test_stopping_once_more_when_it_has_ended_is_fine(name: ServerName) -> None:
    server = bind(name, _nothing_there, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    server.stop()
    thread.join()
    server.stop()
