"""Stores and networks that misbehave: nothing wrong is taken for right, and nothing is lost silently."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.reading import FIRST, RANGE
from skycap.cloudproviders.s3.storage import S3
from skycap.cloudproviders.s3.upload import S3Upload
from skycap.core.errors import (
    DownloadFailed,
    Error,
    IntegrityError,
    ProviderError,
    Timeout,
    TransferFailed,
)
from skycap.core.retry import Caller, Policy
from skycap.core.storage import BinaryReader
from tests.cloudproviders.stub import Reply, Request, Stub, refusal

_CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def over() -> Iterator[Callable[..., S3]]:
    """A storage over something that answers."""
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> S3:
            given = {"endpoint": url, "access_key_id": "AK", "secret_access_key": "SK", **options}
            return stack.enter_context(S3(S3Options.parse(given, where="test"), "bucket"))

        yield make


Over = Callable[..., S3]


def ranged(request: Request, content: bytes, **headers: str) -> Reply:
    """What a store answers to GET and HEAD of an object."""
    about = {"etag": '"e"', "last-modified": "Mon, 02 Jan 2023 03:04:05 GMT", **headers}
    if request.method == "HEAD":
        return Reply(headers={**about, "content-length": str(len(content))})
    span = request.headers.get("range")
    if span is None:
        return Reply(200, content, about)
    first, _, last = span.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(content)), len(content) - 1)
    if start >= len(content):
        return refusal("InvalidRange", 416)
    return Reply(
        206, content[start : end + 1], {**about, "content-range": f"bytes {start}-{end}/{len(content)}"}
    )


# Downloads


@pytest.mark.parametrize("kept", [0, 1, 100_000, len(_CONTENT) - 1])
def test_a_stream_that_breaks_off_raises(over: Over, kept: int) -> None:
    reply = Reply(200, _CONTENT, {"etag": '"e"'}, cut=kept)
    with Stub(lambda _: reply) as stub:
        with over(stub.url).read("a") as reader, pytest.raises(DownloadFailed) as caught:
            drain(reader)
        assert caught.value.retryable
        with over(stub.url).read("a") as reader, pytest.raises(DownloadFailed):
            reader.read()


def drain(reader: BinaryReader) -> None:
    while reader.read(7_000):
        pass


@pytest.mark.parametrize("kept", [0, 100_000])
def test_a_file_that_breaks_off_raises(over: Over, tmp_path: Path, kept: int) -> None:
    local = tmp_path / "local"
    local.touch()

    def answer(request: Request) -> Reply:
        reply = ranged(request, _CONTENT)
        reply.cut = kept if request.method == "GET" else None
        return reply

    with Stub(answer) as stub:
        for version in (None, '"e"'):  # by obstore, and without
            with pytest.raises(TransferFailed) as caught:
                over(stub.url).read_file("a", str(local), version=version)
            assert caught.value.retryable


def test_a_range_that_breaks_off_raises(over: Over, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.touch()
    large = bytes(FIRST + 5_000_000)

    def answer(request: Request) -> Reply:
        reply = ranged(request, large)
        reply.cut = 1_000 if request.headers["range"] == f"bytes={FIRST}-{len(large) - 1}" else None
        return reply

    with Stub(answer) as stub, pytest.raises(DownloadFailed, match="broke off"):
        over(stub.url).read_file("a", str(local))


def test_an_object_replaced_while_it_is_read_is_not_mixed(over: Over, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.touch()
    large = bytes(RANGE * 3)

    def answer(request: Request) -> Reply:
        if "versions" in request.query:
            return Reply(body=b"<ListVersionsResult></ListVersionsResult>")
        if request.headers.get("if-match"):
            return refusal("PreconditionFailed", 412)
        return ranged(request, large)

    with Stub(answer) as stub, pytest.raises(DownloadFailed, match="replaced") as caught:
        over(stub.url).read_file("a", str(local))
    assert caught.value.retryable


def test_content_that_does_not_fit_its_checksum_raises(over: Over) -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    right = base64.b64encode(hashlib.sha256(_CONTENT).digest()).decode()
    for checksum, fits in ((wrong, False), (right, True)):
        with Stub(lambda r, c=checksum: ranged(r, _CONTENT, **{"x-amz-checksum-sha256": c})) as stub:  # type: ignore[misc]
            with over(stub.url).read("a") as reader:
                if fits:
                    assert reader.read() == _CONTENT
                else:
                    with pytest.raises(IntegrityError):
                        reader.read()
            assert stub.requests[0].headers["x-amz-checksum-mode"] == "ENABLED"


def test_a_store_that_does_not_heed_ranges_is_noticed(over: Over, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.touch()
    reply = Reply(200, _CONTENT, {"etag": '"e"'})
    with Stub(lambda _: reply) as stub:
        with pytest.raises(ProviderError, match="ranges"), over(stub.url).read("a", offset=5):
            pass
        with pytest.raises(Error):
            over(stub.url).read_file("a", str(local), version='"e"')


def test_a_store_that_does_not_answer_is_waited_for_no_longer_than_said(over: Over) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        storage = over(url, read_timeout="200ms", connect_timeout="1s")
        with pytest.raises(Timeout):
            storage.stat("a")
        with pytest.raises(Timeout):
            storage.write("a", b"x")


def test_a_try_with_a_limit_waits_no_longer_for_a_silent_store(over: Over) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        storage = over(f"http://127.0.0.1:{silent.getsockname()[1]}", read_timeout="30s")
        call = Caller(Policy(attempts=1, per_try_timeout_s=0.2))
        calls: list[Callable[[], object]] = [
            lambda: storage.stat("a"),
            lambda: storage.write("a", b"x"),
            lambda: list(storage.scan_all("")),
        ]
        started = time.monotonic()
        for one in calls:
            with pytest.raises(Timeout):
                call(one)
        assert time.monotonic() - started < 20


def test_nonsense_instead_of_http_is_a_failed_transfer(over: Over) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-hello\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TransferFailed):
            over(f"http://127.0.0.1:{server.getsockname()[1]}").stat("a")
        thread.join()


# Uploads


def test_a_part_that_arrives_with_another_checksum_is_refused(over: Over) -> None:
    def answer(request: Request) -> Reply:
        if request.method == "POST":
            return Reply(
                body=b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            )
        return Reply(headers={"etag": '"e"', "x-amz-checksum-sha256": "AAAA"})

    with Stub(answer) as stub:
        upload = over(stub.url).begin_upload("a", size=1)
        with pytest.raises(IntegrityError):
            upload.put_part(0, b"x", last=True)
        assert upload.done == {}


def test_an_upload_without_a_name_is_refused(over: Over) -> None:
    body = b"<InitiateMultipartUploadResult></InitiateMultipartUploadResult>"
    with Stub(lambda _: Reply(body=body)) as stub, pytest.raises(ProviderError, match="no UploadId"):
        over(stub.url).begin_upload("a")


def test_parts_are_listed_page_by_page(over: Over) -> None:
    def answer(request: Request) -> Reply:
        number = int(request.query.get("part-number-marker", "0")) + 1
        part = (
            f"<Part><PartNumber>{number}</PartNumber><Size>5</Size><ETag>&quot;e{number}&quot;</ETag></Part>"
        )
        more = "true" if number < 3 else "false"
        after = f"<NextPartNumberMarker>{number}</NextPartNumberMarker>"
        body = f"<ListPartsResult><IsTruncated>{more}</IsTruncated>{after}{part}</ListPartsResult>"
        return Reply(body=body.encode())

    state = {
        "bucket": "bucket", "path": "a", "upload_id": "u", "part_size": 5, "size": 15, "metadata": None,
        "parts": {str(i): [5, "0", f'"e{i + 1}"'] for i in range(3)}, "last": 2,
    }  # fmt: skip
    with Stub(answer) as stub:
        assert over(stub.url).resume_upload(state).done == {0: 5, 1: 5, 2: 5}
        assert len(stub.requests) == 3


_PORTAL = b"<!DOCTYPE html><html><body>Log in</body></html>"


@pytest.mark.parametrize("status", [200, 206])
def test_an_answer_without_an_etag_is_no_answer_about_an_object(
    over: Over, tmp_path: Path, status: int
) -> None:
    """A captive portal says 200 to everything. Nothing is stored there, and nothing is read from it."""
    local = str(tmp_path / "local")
    Path(local).touch()
    span = {"content-range": f"bytes 0-{len(_PORTAL) - 1}/{len(_PORTAL)}"} if status == 206 else {}
    uploading = {
        "bucket": "bucket", "path": "a", "upload_id": "u", "part_size": 5, "size": 1, "metadata": None,
    }  # fmt: skip
    with Stub(lambda _: Reply(status, _PORTAL, {"content-type": "text/html", **span})) as stub:
        storage = over(stub.url)
        upload = S3Upload(storage, "a", "u", uploading)
        calls: dict[str, Callable[[], object]] = {
            "write, by obstore": lambda: storage.write("a", b"x"),
            "write, signed": lambda: over(stub.url, acl="private").write("a", b"x"),
            "part": lambda: upload.put_part(0, b"x", last=True),
            "stat": lambda: storage.stat("a"),
            "read": lambda: storage.read("a").__enter__(),
            "read a range": lambda: storage.read("a", offset=1).__enter__(),
            "read, by obstore": lambda: storage.read("a", length=100).__enter__(),
            "read_file, by obstore": lambda: storage.read_file("a", local),
            "read_file, signed": lambda: storage.read_file("a", local, version='"e"'),
            "remove": lambda: storage.remove("a"),
        }
        for name, call in calls.items():
            with pytest.raises(ProviderError, match=r"without an ETag|a web page|ranges") as caught:
                call()
            assert caught.value.retryable, name
            assert "proxy" in (caught.value.hint or ""), name
        assert upload.done == {}
        assert Path(local).read_bytes() == b""


def test_a_web_page_with_an_etag_is_no_stored_object(over: Over) -> None:
    with Stub(lambda _: Reply(200, _PORTAL, {"etag": '"e"'})) as stub:
        storage = over(stub.url, acl="private")
        for call in (lambda: storage.write("a", b"x"), lambda: storage.remove("a")):
            with pytest.raises(ProviderError, match="a web page") as caught:
                call()
            assert caught.value.retryable


def test_options_reach_the_wire(over: Over) -> None:
    options = {"acl": "public-read", "sse": "aws:kms", "sse_kms_key_id": "k1", "storage_class": "GLACIER"}
    with Stub(lambda _: Reply(headers={"etag": '"e"'})) as stub:
        over(stub.url, **options).write("a", b"x")
        over(stub.url, sse="AES256").write("a", b"x")
    first, second = (request.headers for request in stub.requests)
    assert first["x-amz-acl"] == "public-read"
    assert first["x-amz-server-side-encryption-aws-kms-key-id"] == "k1"
    assert first["x-amz-storage-class"] == "GLACIER"
    assert (first["x-amz-server-side-encryption"], second["x-amz-server-side-encryption"]) == (
        "aws:kms",
        "AES256",
    )
    assert first["x-amz-checksum-sha256"] == second["x-amz-checksum-sha256"]
