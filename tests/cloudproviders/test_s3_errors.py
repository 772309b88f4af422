"""What stores, obstore, botocore and networks say becomes errors of ours, with a hint and the right class."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from skycap.cloudproviders.s3.codes import CODES, NoSuchBucket
from skycap.cloudproviders.s3.errors import (
    Refusal,
    botocore_error,
    error_of,
    network_error,
    obstore_error,
    refusal_of,
)
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    AuthMissing,
    ConfigInvalid,
    Conflict,
    DependencyMissing,
    DownloadFailed,
    Error,
    IntegrityError,
    NotFound,
    OutOfSpace,
    PathInvalid,
    ProviderError,
    RateLimited,
    Timeout,
    TransferFailed,
    Unsupported,
    UploadFailed,
    UsageError,
)
from tests.cloudproviders.stub import Reply, Request, Stub, refusal

_TABLE: dict[tuple[type[Error], bool], str] = {
    (AccessDenied, False): "AccessDenied AllAccessDisabled AccountProblem KMS.DisabledException "
    "KMS.NotFoundException KMS.KMSInvalidStateException KMS.SomethingNew",
    (AuthMissing, False): "InvalidAccessKeyId NotSignedUp SignatureDoesNotMatch",
    (AuthExpired, True): "ExpiredToken ExpiredTokenException InvalidToken TokenRefreshRequired",
    (AuthMissing, True): "RequestTimeTooSkewed RequestExpired",
    (NoSuchBucket, False): "NoSuchBucket",
    (NotFound, False): "NoSuchKey NoSuchVersion NoSuchUpload NoSuchBucketPolicy "
    "NoSuchLifecycleConfiguration NoSuchTagSet NoSuchCORSConfiguration "
    "ServerSideEncryptionConfigurationNotFoundError NoSuchPublicAccessBlockConfiguration "
    "OwnershipControlsNotFoundError",
    (Conflict, False): "BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty PreconditionFailed "
    "RestoreAlreadyInProgress",
    (Conflict, True): "ConditionalRequestConflict OperationAborted",
    (PathInvalid, False): "InvalidBucketName KeyTooLongError InvalidURI",
    (ConfigInvalid, False): "PermanentRedirect AuthorizationHeaderMalformed "
    "IllegalLocationConstraintException",
    (TransferFailed, True): "TemporaryRedirect IncompleteBody MissingContentLength InternalError",
    (ProviderError, False): "EntityTooLarge EntityTooSmall InvalidPart InvalidPartOrder TooManyParts "
    "InvalidRange InvalidObjectState MalformedXML InvalidArgument InvalidRequest",
    (IntegrityError, True): "BadDigest InvalidDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch",
    (Timeout, True): "RequestTimeout",
    (RateLimited, True): "SlowDown ServiceUnavailable TooManyRequests TooManyRequestsException Throttling "
    "ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
    "RequestLimitExceeded BandwidthLimitExceeded ThrottlingOfAnotherName",
    (UsageError, False): "MalformedPolicy MalformedACLError",
    (Unsupported, False): "AccessControlListNotSupported MethodNotAllowed NotImplemented",
    (OutOfSpace, False): "QuotaExceeded StorageFull InsufficientStorage",
}
_ROWS = [(code, cls, again) for (cls, again), codes in _TABLE.items() for code in codes.split()]


@pytest.mark.parametrize(("code", "cls", "retryable"), _ROWS, ids=[row[0] for row in _ROWS])
def test_each_code_becomes_its_error(code: str, cls: type[Error], retryable: bool) -> None:
    body = f"<Error><Code>{code}</Code><Message>the store&apos;s words</Message></Error>".encode()
    error = error_of(refusal_of(400, body, {"x-amz-request-id": "R1"}), "s3://b/k")
    assert type(error) is cls
    assert error.retryable is retryable
    assert error.where == "s3://b/k"
    assert "request id R1" in error.__notes__
    assert code in error.message
    assert "the store's words" in error.message


def test_no_code_of_the_table_is_left_out_here() -> None:
    assert set(CODES) - {row[0] for row in _ROWS} == set()


@pytest.mark.parametrize(
    ("status", "cls", "retryable"),
    [
        (301, ConfigInvalid, False),
        (307, TransferFailed, True),
        (400, ProviderError, False),
        (401, AuthMissing, False),
        (403, AccessDenied, False),
        (404, NotFound, False),
        (405, Unsupported, False),
        (408, Timeout, True),
        (409, Conflict, True),
        (411, TransferFailed, True),
        (412, Conflict, False),
        (413, ProviderError, False),
        (416, ProviderError, False),
        (418, ProviderError, False),
        (429, RateLimited, True),
        (500, TransferFailed, True),
        (501, Unsupported, False),
        (502, TransferFailed, True),
        (503, RateLimited, True),
        (504, TransferFailed, True),
        (507, OutOfSpace, False),
        (599, TransferFailed, True),
    ],
)
def test_an_answer_without_a_document_is_told_by_its_status(
    status: int, cls: type[Error], retryable: bool
) -> None:
    error = error_of(refusal_of(status, b"<html>a proxy</html>", {}), "s3://b/k")
    assert (type(error), error.retryable) == (cls, retryable)
    assert str(status) in error.message


def test_the_region_is_named_where_the_store_names_it() -> None:
    by_header = error_of(Refusal(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-3"}), "b")
    by_body = error_of(refusal_of(400, "<Error><Region>ap-east-1</Region></Error>", {}), "b")
    assert by_header.hint == "Set region = 'eu-west-3'."
    assert type(by_body) is ProviderError
    malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>ap-east-1</Region></Error>"
    assert error_of(refusal_of(400, malformed, {}), "b").hint == "Set region = 'ap-east-1'."


@pytest.mark.parametrize(("ahead", "words"), [(3600, "60 minutes ahead"), (-90_000, "25.0 hours behind")])
def test_a_wrong_clock_is_told_with_the_difference(ahead: int, words: str) -> None:
    headers = {"date": "Mon, 02 Jan 2023 03:04:05 GMT"}
    error = error_of(
        Refusal(403, "RequestTimeTooSkewed", "m", headers=headers), "b", now=1_672_628_645.0 + ahead
    )
    assert words in error.message
    assert error.hint == "Set the clock and run it again."


def test_a_wrong_clock_without_a_date_is_told_too() -> None:
    assert (
        "clock" in error_of(Refusal(403, "RequestTimeTooSkewed", "m", headers={"date": "soon"}), "b").message
    )


def test_slowing_down_carries_how_long() -> None:
    assert error_of(Refusal(503, "SlowDown", headers={"retry-after": "7"}), "b").retry_after == 7.0
    assert error_of(Refusal(503, "SlowDown"), "b").retry_after is None


def test_a_denied_kms_key_is_hinted_at() -> None:
    error = error_of(Refusal(403, "AccessDenied", "not authorized to perform: kms:GenerateDataKey"), "b")
    assert error.hint is not None
    assert "KMS" in error.hint


def test_what_a_store_says_cannot_forge_a_line() -> None:
    error = error_of(Refusal(400, "InvalidRequest", "a\r\nb\x1b[31m"), "b")
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    ("error", "cls", "retryable"),
    [
        (TimeoutError("timed out"), Timeout, True),
        (ConnectionRefusedError(111, "Connection refused"), TransferFailed, True),
        (OSError(-2, "Name or service not known"), TransferFailed, True),
        (http.client.IncompleteRead(b"x", 5), TransferFailed, True),
        (ssl.SSLCertVerificationError(1, "self-signed"), ConfigInvalid, False),
        (ssl.SSLError(1, "wrong version number"), ConfigInvalid, False),
    ],
)
def test_a_broken_network_is_told(error: Exception, cls: type[Error], retryable: bool) -> None:
    found = network_error(error, "s3://b/k", "https://store")
    assert (type(found), found.retryable) == (cls, retryable)
    assert "https://store" in found.message


def _response(code: str, status: int) -> dict[str, Any]:
    return {
        "Error": {"Code": code, "Message": "m"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"retry-after": "3"}},
    }


_E = pytest.importorskip("botocore.exceptions")


@pytest.mark.parametrize(
    ("error", "cls", "retryable"),
    [
        (_E.NoCredentialsError(), AuthMissing, False),
        (_E.PartialCredentialsError(provider="env", cred_var="x"), ConfigInvalid, False),
        (_E.CredentialRetrievalError(provider="process", error_msg="x"), AuthMissing, False),
        (_E.ProfileNotFound(profile="x"), ConfigInvalid, False),
        (_E.ConfigParseError(path="x"), ConfigInvalid, False),
        (_E.InvalidConfigError(error_msg="x"), ConfigInvalid, False),
        (_E.SSOTokenLoadError(error_msg="x"), AuthExpired, False),
        (_E.UnauthorizedSSOTokenError(), AuthExpired, False),
        (_E.TokenRetrievalError(provider="sso", error_msg="x"), AuthExpired, False),
        (_E.MetadataRetrievalError(error_msg="x"), AuthMissing, False),
        (_E.NoRegionError(), ConfigInvalid, False),
        (_E.EndpointConnectionError(endpoint_url="x"), TransferFailed, True),
        (_E.ConnectTimeoutError(endpoint_url="x"), Timeout, True),
        (_E.ReadTimeoutError(endpoint_url="x"), Timeout, True),
        (_E.ConnectionClosedError(endpoint_url="x"), TransferFailed, True),
        (_E.ProxyConnectionError(proxy_url="x"), TransferFailed, True),
        (_E.IncompleteReadError(actual_bytes=1, expected_bytes=2), TransferFailed, True),
        (_E.ResponseStreamingError(error="x"), TransferFailed, True),
        (_E.SSLError(endpoint_url="x", error="y"), ConfigInvalid, False),
        (_E.ParamValidationError(report="x"), UsageError, False),
        (_E.EndpointResolutionError(msg="x"), UsageError, False),
        (_E.MissingDependencyException(msg="x"), DependencyMissing, False),
        (_E.FlexibleChecksumError(error_msg="x"), IntegrityError, True),
        (_E.ClientError(_response("SlowDown", 503), "GetObject"), RateLimited, True),
        (_E.ClientError(_response("AccessDenied", 403), "AssumeRole"), AccessDenied, False),
        (ValueError("something of its own"), AuthMissing, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_botocore_raises_becomes_ours(error: Exception, cls: type[Error], retryable: bool) -> None:
    found = botocore_error(error, "credentials")
    assert (type(found), found.retryable) == (cls, retryable)
    assert found.where == "credentials"


def test_an_error_inside_a_failed_boto3_upload_is_found() -> None:
    from boto3.exceptions import S3UploadFailedError

    outer = S3UploadFailedError("it failed")
    outer.__cause__ = _E.ClientError(_response("NoSuchBucket", 404), "PutObject")
    assert type(botocore_error(outer, "b")) is NoSuchBucket


_O = pytest.importorskip("obstore.exceptions")


@pytest.mark.parametrize(
    ("error", "cls"),
    [
        (_O.GenericError('x status code: 503\n\nDebug source:\nerror: "Connect"'), TransferFailed),
        (
            _O.GenericError(
                "Server returned non-2xx status code: 503 : <Error><Code>SlowDown</Code></Error>"
            ),
            RateLimited,
        ),
        (_O.GenericError("error sending request\n\nDebug source: TimedOut"), Timeout),
        (_O.GenericError('dns error\n\nDebug source: error: "no such host"'), TransferFailed),
        (_O.GenericError("invalid peer certificate: UnknownIssuer"), ConfigInvalid),
        (_O.NotFoundError("gone"), NotFound),
        (FileNotFoundError("gone"), NotFound),
        (_O.GenericError("something else"), UploadFailed),
    ],
)
def test_what_obstore_raises_becomes_ours(error: Exception, cls: type[Error]) -> None:
    assert type(obstore_error(error, "s3://b/k", "https://store", writing=True)) is cls


def test_a_failed_read_of_obstore_is_a_failed_download() -> None:
    error = obstore_error(_O.GenericError("something else"), "s3://b/k", "https://store", writing=False)
    assert type(error) is DownloadFailed


Open = Callable[..., S3]


@pytest.fixture
def over() -> Open:
    """A storage over a stub."""

    def make(stub: Stub, **options: Any) -> S3:
        given = {"endpoint": stub.url, "access_key_id": "AK", "secret_access_key": "SK", **options}
        return S3(S3Options.parse(given, where="test"), "bucket")

    return make


@pytest.mark.parametrize(
    "verb", ["write", "write large", "stat", "read", "read_file", "scan", "remove", "copy"]
)
@pytest.mark.parametrize(
    ("code", "status", "cls"),
    [
        ("AccessDenied", 403, AccessDenied),
        ("SlowDown", 503, RateLimited),
        ("InternalError", 500, TransferFailed),
    ],
)
def test_every_verb_raises_errors_of_ours(
    over: Open, tmp_path: Any, verb: str, code: str, status: int, cls: type[Error]
) -> None:
    local = tmp_path / "local"
    local.touch()
    calls: dict[str, Callable[[S3], Any]] = {
        "write": lambda s: s.write("a", b"x"),
        "write large": lambda s: s.write("a", bytes(17 * 1024 * 1024)),
        "stat": lambda s: s.stat("a"),
        "read": lambda s: s.read("a").__enter__(),
        "read_file": lambda s: s.read_file("a", str(local)),
        "scan": lambda s: list(s.scan("a")),
        "remove": lambda s: s.remove("a"),
        "copy": lambda s: s.copy("a", "b"),
    }
    with Stub(lambda _: refusal(code, status)) as stub, over(stub) as storage:
        with pytest.raises(Error) as caught:
            calls[verb](storage)
        assert type(caught.value) is cls
        # What does not help at once is for the caller to try again. But a HEAD gets no code, and learns it.
        learning = [request for request in stub.requests if request.headers.get("range") == "bytes=0-0"]
        assert len(stub.requests) == 1 + len(learning)
        assert len(learning) == (status == 403 and stub.requests[0].method == "HEAD")


def test_an_unreachable_store_is_told_by_every_way(over: Open) -> None:
    with Stub(lambda _: Reply()) as stub:
        storage = over(stub)
    for call in (lambda: storage.write("a", b"x"), lambda: storage.stat("a")):
        with pytest.raises(TransferFailed, match="cannot be reached"):
            call()


def test_an_error_after_a_good_status_is_an_error(over: Open) -> None:
    def answer(request: Request) -> Reply:
        if request.method == "HEAD":
            return Reply(headers={"etag": '"e"', "content-length": "3"})
        return Reply(body=b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>")

    with Stub(answer) as stub, over(stub) as storage, pytest.raises(TransferFailed):
        storage.copy("a", "b")


def test_a_bucket_in_another_region_is_found_there(over: Open) -> None:
    def answer(request: Request) -> Reply:
        if "/eu-west-9/" in request.headers["authorization"]:
            return Reply(headers={"etag": '"e"'})
        return refusal("AuthorizationHeaderMalformed", 400, x_amz_bucket_region="eu-west-9")

    with Stub(answer) as stub, over(stub) as storage:
        assert storage.write("a", b"x").version == '"e"'
        assert storage.stat("a").version == '"e"'
        before = len(stub.requests)
        storage.write("b", b"x")
        assert len(stub.requests) == before + 1


def test_a_clock_that_is_off_is_put_right_once(over: Open, caplog: pytest.LogCaptureFixture) -> None:
    def answer(request: Request) -> Reply:
        if request.headers["x-amz-date"].startswith("20300102"):
            return Reply(headers={"etag": '"e"'})
        return refusal("RequestTimeTooSkewed", 403, date="Wed, 02 Jan 2030 03:04:05 GMT")

    with Stub(answer) as stub, over(stub) as storage:
        storage.stat("a")  # which gets no code, for a HEAD has no body
        storage.write("a", b"x")
        assert len(stub.requests) == 3
    assert "clock" in caplog.text


def test_a_clock_that_cannot_be_put_right_ends_it(over: Open) -> None:
    reply = refusal("RequestTimeTooSkewed", 403, date="Wed, 02 Jan 2030 03:04:05 GMT")
    with Stub(lambda _: reply) as stub, over(stub) as storage:
        with pytest.raises(AuthMissing, match="clock"):
            list(storage.scan(""))
        assert len(stub.requests) == 2


def test_a_server_without_tls_is_told_from_one_that_is_not_trusted(over: Open) -> None:
    with Stub(lambda _: Reply()) as stub:
        storage = over(stub, endpoint=stub.url.replace("http:", "https:"))
        with storage, pytest.raises(ConfigInvalid, match="does not speak TLS"):
            storage.stat("a")


def test_a_kept_connection_that_was_dropped_is_replaced(over: Open) -> None:
    reply = Reply(headers={"etag": '"e"', "content-length": "0"}, cut=0)
    with Stub(lambda _: reply) as stub, over(stub) as storage:
        for _ in range(3):
            assert storage.stat("a").version == '"e"'
