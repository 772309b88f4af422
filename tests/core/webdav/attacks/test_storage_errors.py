"""What goes wrong in a storage is told by the status that makes a client do the right thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skycap.core import errors
from skycap.core.storage.entry import Entry
from skycap.core.storage.memory import Memory
from skycap.core.webdav.methods import COPY, DELETE, GET, MKCOL, PROPFIND, PUT
from tests.core.webdav.attacks.raw import ask, head, quiet, whole, wire
from tests.core.webdav.served import fill, served, tree

WHERE = "s3://bucket-of-ours/inner/files"
FILES = {"a": "A", "d/x": "X"}


class Broken(Memory):
    """Fails each verb that changes or reads with one error, once told which."""

    error: errors.Error | None = None

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def read(self, path: str, *args: Any, **options: Any) -> Any:
        self._fail()
        return super().read(path, *args, **options)

    def write(self, path: str, source: Any, **options: Any) -> Entry:
        self._fail()
        return super().write(path, source, **options)

    def copy(self, source: str, target: str, **options: Any) -> Entry:
        self._fail()
        return super().copy(source, target, **options)

    def remove(self, path: str, **options: Any) -> None:
        self._fail()
        super().remove(path, **options)

    def make_dir(self, path: str, **options: Any) -> Any:
        self._fail()
        return super().make_dir(path, **options)

    def scan(self, path: str = "", **options: Any) -> Any:
        self._fail()
        return super().scan(path, **options)


TOLD = {
    "not found": (errors.NotFound, {}, 404),
    "a conflict": (errors.Conflict, {}, 412),
    "no room": (errors.OutOfSpace, {}, 507),
    "no right": (errors.AccessDenied, {}, 403),
    "too fast": (errors.RateLimited, {"retry_after": 17.2}, 503),
    "no login of ours": (errors.AuthMissing, {}, 502),
    "a login that ended": (errors.AuthExpired, {}, 502),
    "too slow": (errors.Timeout, {}, 503),
    "connection lost in an upload": (errors.UploadFailed, {"retryable": True}, 503),
    "connection lost in a download": (errors.DownloadFailed, {"retryable": True}, 503),
    "an answer that makes no sense": (errors.ProviderError, {}, 502),
    "what it cannot do": (errors.Unsupported, {}, 403),
    "what is locked there": (errors.Locked, {}, 423),
    "a name it cannot have": (errors.PathInvalid, {}, 400),
}
OTHERWISE = {
    ("not found", DELETE): 204,  # gone is gone
    ("not found", PROPFIND): 207,
    ("not found", GET): 503,  # it is there, as was said a moment before
    ("a conflict", GET): 503,
    ("a conflict", DELETE): 409,
}
REQUESTS = {
    GET: whole(GET, "/a"),
    PUT: whole(PUT, "/a", b"new"),
    MKCOL: whole(MKCOL, "/n"),
    DELETE: whole(DELETE, "/a"),
    COPY: whole(COPY, "/a", b"", "Destination: /n"),
    PROPFIND: whole(PROPFIND, "/", b"", "Depth: 1"),
}


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("case", TOLD)
def test_an_error_of_the_storage_is_a_status_and_leaves_all_as_it_was(
    port: int, tmp_path: Path, case: str, method: str
) -> None:
    kind, options, status = TOLD[case]
    storage = Broken()
    fill(storage, FILES)
    with served(port, {"": storage}, tmp_path / "state") as client, wire(port) as line:
        storage.error = kind("it went wrong", where=WHERE, hint=WHERE, **options)
        line.send(REQUESTS[method])
        heard = line.heard(method)
        storage.error = None
        assert heard is not None
        status = OTHERWISE.get((case, method), status)
        assert heard.status == status
        assert WHERE not in heard.text
        assert "WWW-Authenticate".lower() not in heard.headers
        assert ("retry-after" in heard.headers) == (status == 503)
        if case == "too fast":
            assert heard.headers["retry-after"] == "17"
        assert client("GET", "/a").body == b"A"
        assert ask(port, head("GET", "/d/x")).body == b"X"
    assert tree(storage) == FILES


def test_an_error_that_a_retry_cannot_help_is_500_and_without_a_word_of_our_inside(
    port: int, tmp_path: Path
) -> None:
    storage = Broken()
    fill(storage, FILES)
    with served(port, {"": storage}, tmp_path / "state"):
        storage.error = errors.IntegrityError("the bytes are others", where=WHERE)
        with wire(port) as line:
            line.send(whole(PUT, "/a", b"new"))
            heard = line.heard()
        assert heard is not None
        assert heard.status == 500
        assert "retry-after" not in heard.headers
        assert WHERE not in heard.text
        storage.error = None
        quiet(ask(port, head("GET", "/a")))
