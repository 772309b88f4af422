"""S3 listings that break, TLS and proxies."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skycap.cloudproviders.s3.buckets import Buckets
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import (
    ConfigInvalid,
    DownloadFailed,
    Error,
    NotFound,
    ProviderError,
    ScanFailed,
    TransferFailed,
)
from skycap.core.retry import Policies, Policy
from skycap.core.storage import Kind
from skycap.core.storage.overlays import Retrying
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


# Listings


def page(*keys: str, prefixes: tuple[str, ...] = (), token: str = "") -> bytes:
    from urllib.parse import quote

    contents = "".join(
        f"<Contents><Key>{quote(key)}</Key><LastModified>2023-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>&quot;{'0' * 32}&quot;</ETag><Size>{0 if key.endswith('/') else 1}</Size></Contents>"
        for key in keys
    )
    common = "".join(f"<CommonPrefixes><Prefix>{quote(p)}</Prefix></CommonPrefixes>" for p in prefixes)
    more = (
        f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
        if token
        else ""
    )
    body = f"<EncodingType>url</EncodingType>{more}{contents}{common}"
    return f"<ListBucketResult>{body}</ListBucketResult>".encode()


def test_keys_that_are_no_paths_fail_the_listing_after_all_others_have_come(over: Over) -> None:
    keys = ["/abs", "a//b", "a/../b", "./x", "dir/", "good", "nul\0", "../../etc/passwd", "z"]
    with Stub(lambda _: Reply(body=page(*keys))) as stub:
        entries = over(stub.url).scan_all("")
        assert [next(entries).path for _ in range(2)] == ["good", "z"]
        with pytest.raises(ScanFailed, match=r"6 keys .*'/abs'") as caught:
            next(entries)
    assert not caught.value.retryable


def test_a_prefix_that_is_no_path_fails_the_listing_after_all_others_have_come(over: Over) -> None:
    reply = Reply(body=page("b", prefixes=("/", "a//", "ok/", "../")))
    with Stub(lambda _: reply) as stub:
        entries = over(stub.url).scan("")
        found = [(entry.path, entry.kind) for entry in (next(entries), next(entries))]
        with pytest.raises(ScanFailed, match="3 keys"):
            next(entries)
    assert found == [("b", Kind.FILE), ("ok", Kind.DIRECTORY)]


_PORTAL = b"<!DOCTYPE html><html><body>Log in</body></html>"
_NO_ANSWERS = [
    _PORTAL,
    b"",
    b"garbage < garbage",
    b"<ListBucketResult/>",
    b"<ListAllMyBucketsResult></ListAllMyBucketsResult>",
    b"<?xml version='1.0'?><ListBucketResult><Contents><Key>a</Key>",
    b"<Error><Code>InternalError</Code></Error>",
    b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    b"<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
    b"<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
]


@pytest.mark.parametrize("body", _NO_ANSWERS)
def test_what_is_no_listing_is_never_an_empty_bucket(over: Over, body: bytes) -> None:
    with Stub(lambda _: Reply(body=body)) as stub:
        storage = over(stub.url)
        calls: list[Callable[[], Any]] = [
            lambda: list(storage.scan_all("")),
            lambda: list(storage.scan("")),
            lambda: storage.remove_tree("d"),
        ]
        for call in calls[: 2 if b"IsTruncated" in body or b"Size" in body else 3]:
            with pytest.raises(Error):
                call()


@pytest.mark.parametrize("second", [_PORTAL, page("b")[:-5], page("b", token="1")])
def test_a_listing_whose_second_page_is_none_is_an_error_after_the_first(over: Over, second: bytes) -> None:
    def answer(request: Request) -> Reply:
        return Reply(body=second if "continuation-token" in request.query else page("a", token="1"))

    with Stub(answer) as stub:
        entries = over(stub.url).scan_all("")
        assert next(entries).path == "a"
        with pytest.raises((ProviderError, DownloadFailed)):
            assert [entry.path for entry in entries] == ["b", "never the end"]


def raised(error: Error | None) -> None:
    if error is not None:
        raise error


def test_a_web_page_in_place_of_any_other_answer_is_an_error_to_try_again(over: Over) -> None:
    with Stub(lambda _: Reply(body=_PORTAL, headers={"etag": '"e"', "content-type": "text/html"})) as stub:
        storage = over(stub.url)
        calls: list[Callable[[], Any]] = [
            lambda: raised(next(iter(storage.remove_many(["a"])))[1]),
            lambda: list(storage.versions().list("a")),
            lambda: list(storage.cleanup(older_than_s=1)),
            lambda: storage.begin_upload("a"),
            lambda: storage.copy("a", "b"),
            lambda: list(Buckets(storage.options, client=storage.client).scan("")),
        ]
        for call in calls:
            with pytest.raises(ProviderError, match="a web page") as caught:
                call()
            assert caught.value.retryable


def test_a_completed_upload_without_an_etag_is_an_error(over: Over) -> None:
    def answer(request: Request) -> Reply:
        name = (
            "InitiateMultipartUploadResult" if "uploads" in request.query else "CompleteMultipartUploadResult"
        )
        inner = "<UploadId>u</UploadId>" if "uploads" in request.query else ""
        return Reply(body=f"<{name}>{inner}</{name}>".encode(), headers={"etag": '"e"'})

    with Stub(answer) as stub:
        upload = over(stub.url).begin_upload("a", size=1)
        upload.put_part(0, b"x", last=True)
        with pytest.raises(ProviderError, match="no ETag"):
            upload.complete()


def test_pages_are_asked_for_as_they_are_needed(over: Over) -> None:
    def answer(request: Request) -> Reply:
        token = int(request.query.get("continuation-token", "0"))
        return Reply(body=page(f"k{token}", token=str(token + 1) if token < 4 else ""))

    with Stub(answer) as stub:
        entries = over(stub.url).scan_all("")
        assert next(entries).path == "k0"
        assert len(stub.requests) == 1
        assert [entry.path for entry in entries] == ["k1", "k2", "k3", "k4"]


def test_a_kms_bucket_claims_no_md5(over: Over) -> None:
    with Stub(lambda _: Reply(body=page("a"))) as stub:
        assert next(over(stub.url, sse="aws:kms").scan_all("")).hashes is None
        assert next(over(stub.url, etags="opaque").scan_all("")).hashes is None
        assert next(over(stub.url, etags="md5", sse="aws:kms").scan_all("")).hashes is not None
        assert next(over(stub.url).scan_all("")).hashes == {"md5": "0" * 32}


@pytest.mark.parametrize(
    ("reply", "md5"),
    [
        (Reply(body=b"<R><SSEAlgorithm>AES256</SSEAlgorithm></R>"), True),
        (Reply(body=b"<R><SSEAlgorithm>aws:kms</SSEAlgorithm></R>"), False),
        (refusal("ServerSideEncryptionConfigurationNotFoundError", 404), True),
        (refusal("NoSuchBucket", 404), False),
        (refusal("AccessDenied", 403), False),
    ],
)
def test_aws_is_asked_once_what_its_etags_are(
    over: Over, monkeypatch: pytest.MonkeyPatch, reply: Reply, md5: bool
) -> None:
    with Stub(lambda _: reply) as stub:
        storage = over(stub.url, addressing_style="path")
        # The stub stands where AWS is.
        monkeypatch.setattr(type(storage.client.endpoint), "custom", False)
        for _ in range(2):
            assert storage.etag_is_md5 is md5
        assert ("hashes" in storage.facts.scan_fields) is md5
        assert [request.query for request in stub.requests] == [{"encryption": ""}]


def test_leftovers_are_listed_page_by_page(over: Over) -> None:
    def answer(request: Request) -> Reply:
        if request.method == "DELETE":
            return refusal("NoSuchUpload", 404) if request.path.endswith("k2") else Reply(204)
        if "uploadId" in request.query:
            return refusal("NoSuchUpload", 404)
        first = "key-marker" not in request.query
        key = "k1" if first else "k2"
        began = "<Initiated>2020-01-01T00:00:00Z</Initiated>"
        upload = f"<Upload><Key>{key}</Key><UploadId>u</UploadId>{began}</Upload>"
        markers = "<NextKeyMarker>k1</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"
        more = f"<IsTruncated>true</IsTruncated>{markers}" if first else ""
        return Reply(body=f"<ListMultipartUploadsResult>{more}{upload}</ListMultipartUploadsResult>".encode())

    with Stub(answer) as stub:
        found = list(over(stub.url).cleanup(older_than_s=1))
    assert [(leftover.path, leftover.size) for leftover in found] == [("k1", None)]


def test_what_could_not_be_removed_is_told(over: Over) -> None:
    listings = iter([page("d/a", "d/b"), page("d/a")])

    def answer(request: Request) -> Reply:
        if request.method == "GET":
            return Reply(body=next(listings))
        if request.method == "POST":
            assert request.headers["content-md5"]
            error = "<Error><Key>d/a</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
            gone = "<Error><Key>d/b</Key><Code>NoSuchKey</Code></Error>"
            return Reply(body=f"<DeleteResult>{error}{gone}</DeleteResult>".encode())
        return Reply(204 if request.method == "DELETE" else 404)

    with Stub(answer) as stub, pytest.raises(Error, match="1 objects could not be removed"):
        over(stub.url).remove_tree("d")


def test_history_goes_on_over_pages(over: Over) -> None:
    def answer(request: Request) -> Reply:
        first = "key-marker" not in request.query
        number = 1 if first else 2
        state = f"<Key>a</Key><VersionId>{number}</VersionId><ETag>&quot;{number}&quot;</ETag>"
        markers = "<NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>"
        more = f"<IsTruncated>true</IsTruncated>{markers}" if first else ""
        return Reply(
            body=f"<ListVersionsResult>{more}<Version>{state}</Version></ListVersionsResult>".encode()
        )

    with Stub(answer) as stub:
        found = [state.entry.version for state in over(stub.url).versions().list("a")]
    assert found == ['"1"', '"2"']


# TLS and proxies


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A certificate that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(chain), str(private)


def test_a_certificate_is_checked_unless_it_is_said_not_to(over: Over, certificate: tuple[str, str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    reply = Reply(headers={"etag": '"e"'})
    with Stub(lambda _: reply, tls=context) as stub:
        url = stub.url.replace("http://127.0.0.1", "https://localhost")
        for call in (lambda s: s.stat("a"), lambda s: s.write("a", b"x")):
            with pytest.raises(ConfigInvalid, match="certificate") as caught:
                call(over(url))
            assert "ca_bundle" in (caught.value.hint or "")
            call(over(url, ca_bundle=certificate[0]))
            call(over(url, verify_tls=False))


def test_requests_go_through_the_proxy_of_the_environment(
    over: Over, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse() -> None:
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(65536).split(b"\r\n")[0])
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(TransferFailed):
            over("https://store.invalid").stat("a")
        thread.join()
    assert asked == [b"CONNECT store.invalid:443 HTTP/1.0"]
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(ConfigInvalid, match="proxies"):
        over("https://store.invalid").stat("a")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Stub(lambda _: Reply(headers={"etag": '"e"'})) as stub:
        assert over(stub.url).stat("a").version == '"e"'


def test_a_child_process_does_not_use_its_parents_connections(over: Over) -> None:
    with Stub(lambda _: Reply(headers={"etag": '"e"'})) as stub:
        storage = over(stub.url)
        storage.stat("a")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if storage.stat("a").version == '"e"' else 1
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert storage.stat("a").version == '"e"'


def test_more_connections_than_are_kept_are_closed(over: Over) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Stub(lambda _: Reply(headers={"etag": '"e"'})) as stub:
        storage = over(stub.url, connections=1)
        with ThreadPoolExecutor(4) as pool:
            assert all(entry.version for entry in pool.map(storage.stat, "abcdefgh"))


def test_an_absent_object_is_told_from_an_absent_version(over: Over) -> None:
    def answer(request: Request) -> Reply:
        if request.method == "GET":
            return Reply(body=b"<ListVersionsResult></ListVersionsResult>")
        return Reply(412)

    with Stub(answer) as stub, pytest.raises(NotFound, match="version"):
        over(stub.url).head("a", '"old"')


def test_the_environment_does_not_lead_obstore_elsewhere(over: Over, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_UNSIGNED_PAYLOAD", "true")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with Stub(lambda _: Reply(headers={"etag": '"e"'})) as stub:
        storage = over(stub.url)
        assert storage.fast.put("a", b"x", None, None) == '"e"'
        assert storage.write("a", b"x").version == '"e"'
    for request in stub.requests:
        assert request.path == "/bucket/a"
        assert request.headers["x-amz-content-sha256"] == hashlib.sha256(b"x").hexdigest()


def test_an_error_is_never_its_own_cause(over: Over) -> None:
    with Stub(lambda _: refusal("NoSuchKey", 404)) as stub:
        storage = over(stub.url)
        calls: list[Callable[[], Any]] = [
            lambda: storage.write("a", b"x"),
            lambda: storage.write("a", Path(__file__)),
            lambda: storage.read("a").__enter__(),
            lambda: storage.stat("a"),
            lambda: list(storage.scan("")),
            lambda: list(storage.versions().list("a")),
            lambda: storage.copy("a", "b"),
        ]
        for call in calls:
            with pytest.raises(NotFound) as caught:
                call()
            assert caught.value.__cause__ is not caught.value


def test_a_page_in_the_middle_is_asked_for_again_and_those_before_it_are_not(over: Over) -> None:
    refused = ["", "second", "third", "third"]

    def answer(request: Request) -> Reply:
        token = request.query.get("continuation-token", "")
        if token in refused:
            refused.remove(token)
            return refusal("SlowDown", 503)
        pages = {"": page("a", "b", token="second"), "second": page("c", token="third"), "third": page("d")}
        return Reply(200, pages[token])

    with Stub(answer) as stub:
        policies = Policies(list=Policy(attempts=3, base_s=0.0, cap_s=0.0))
        found = [entry.path for entry in Retrying(over(stub.url), policies).scan_all("")]
    assert found == ["a", "b", "c", "d"]
    asked = [request.query.get("continuation-token", "") for request in stub.requests]
    assert asked == ["", "", "second", "second", "third", "third", "third"]


def test_a_page_that_never_comes_ends_the_listing(over: Over) -> None:
    def answer(request: Request) -> Reply:
        return refusal("SlowDown", 503) if request.query.get("continuation-token") else Reply(200, first)

    first = page("a", token="second")
    found = []
    with Stub(answer) as stub:
        policies = Policies(list=Policy(attempts=3, base_s=0.0, cap_s=0.0))
        with pytest.raises(Error):
            found.extend(entry.path for entry in Retrying(over(stub.url), policies).scan_all(""))
    assert len(stub.requests) == 4
