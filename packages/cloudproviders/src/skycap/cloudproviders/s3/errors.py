"""The edge: what the store, obstore, botocore or the network said becomes an error of ours, here only."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from html import unescape

from skycap.cloudproviders.s3.codes import SKEWED, meaning_of
from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    AuthMissing,
    ConfigInvalid,
    DependencyMissing,
    DownloadFailed,
    Error,
    IntegrityError,
    NotFound,
    ProviderError,
    Timeout,
    TransferFailed,
    UploadFailed,
    UsageError,
)
from skycap.core.paths import printable

_FIELD = re.compile(r"<(Code|Message|Region|BucketName|RequestId|Key|ServerTime|Endpoint)>([^<]*)</\1>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_TLS_WORDS = ("certificate", "UnknownIssuer", "InvalidCertificate", "tls handshake", "CertNotValid")
NO_CREDENTIALS = (
    "Set access_key_id and secret_access_key on the remote, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
    "or name a profile (profile, AWS_PROFILE), after `aws configure` or `aws sso login`. "
    "For a public bucket set anonymous = true."
)
SIGN_IN = "Sign in again: `aws sso login`, with --profile for a profile of its own."


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a store answered instead of doing it: the fields of its error document, and the headers."""

    status: int
    code: str = ""
    message: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def region(self) -> str | None:
        """The region the bucket is in, where the answer says so."""
        return self.headers.get("x-amz-bucket-region") or self.fields.get("Region") or None

    @property
    def request_id(self) -> str | None:
        """What support asks for."""
        return self.headers.get("x-amz-request-id") or self.fields.get("RequestId")


def refusal_of(status: int, body: bytes | str, headers: Mapping[str, str]) -> Refusal:
    """From an answer; a body that is no error document counts as none."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    fields = {name: unescape(value) for name, value in _FIELD.findall(text[:16_384])}
    return Refusal(status, fields.get("Code", ""), fields.get("Message", ""), fields, headers)


def error_of(refusal: Refusal, where: str, *, now: float | None = None) -> Error:
    """The error of ours for what a store answered about the place `where`."""
    found = meaning_of(refusal.code, refusal.status)
    cls, hint = found.cls, found.hint
    if cls is AccessDenied and "kms" in refusal.message.lower():
        hint = "Check the policy of the KMS key: it must allow this identity to use it."
    said = printable(refusal.message).strip(". ")[:300]
    message = found.message
    if refusal.code in SKEWED and (skew := _skew(refusal, now)):
        message = f"this machine's clock is {skew}"
    elif said:
        message = f"{message} ({refusal.code}: {said})" if refusal.code else f"{message} ({said})"
    elif refusal.code or refusal.status:
        message = f"{message} ({refusal.code or refusal.status})"
    if cls is ConfigInvalid and refusal.region:
        hint = f"Set region = {printable(refusal.region)!r}."
    error = cls(message, where=where, hint=hint, retryable=found.retryable)
    if (after := _retry_after(refusal.headers)) is not None and found.retryable:
        error.retry_after = after
    if refusal.request_id:
        error.add_note(f"request id {printable(refusal.request_id)}")
    return error


def not_the_store(message: str, where: str) -> ProviderError:
    """The error for an answer that is good by its status, and that no store gives."""
    return ProviderError(
        message,
        where=where,
        hint="Check the endpoint; a proxy or the login page of a network may have answered in its place.",
        retryable=True,
    )


def etag_of(headers: Mapping[str, str], where: str) -> str:
    """The ETag that every store gives with an object; `ProviderError` where there is none."""
    if etag := headers.get("etag", "").strip():
        return etag
    raise no_etag(where)


def no_etag(where: str) -> ProviderError:
    """The error for an answer about an object that does not say which state of it."""
    return not_the_store("the store answered without an ETag", where)


def is_web_page(body: bytes | str) -> bool:
    """Whether this is what people are shown, and not a program."""
    start = body[:200] if isinstance(body, str) else body[:200].decode("utf-8", "replace")
    return start.lstrip("\ufeff \t\r\n").lower().startswith(("<!doctype html", "<html"))


# What OpenSSL makes of an answer in plain text.
_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}
)


def date_of(headers: Mapping[str, str]) -> float | None:
    """The server's clock, in seconds since the epoch."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None


def _skew(refusal: Refusal, now: float | None) -> str | None:
    server = date_of(refusal.headers)
    if server is None:
        return None
    seconds = (time.time() if now is None else now) - server
    minutes = abs(seconds) / 60
    shown = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
    return f"{shown} {'ahead' if seconds > 0 else 'behind'}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return float(text) if text.isdigit() else None


def network_error(error: Exception, where: str, endpoint: str) -> Error:
    """The error of ours for a connection that failed or broke off."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(where, endpoint, getattr(error, "verify_message", "") or str(error))
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", None) in _NOT_TLS:
        return ConfigInvalid(
            f"{endpoint} does not speak TLS", where=where, hint="Write the endpoint with http:// instead."
        )
    if isinstance(error, ssl.SSLError):
        return _untrusted(where, endpoint, getattr(error, "reason", "") or str(error))
    if isinstance(error, TimeoutError):
        return Timeout(f"{endpoint} did not answer in time", where=where)
    if isinstance(error, http.client.HTTPException):
        return TransferFailed(f"{endpoint} broke off its answer", where=where)
    reason = str(getattr(error, "strerror", None) or error).lower()
    failed = TransferFailed(
        f"{endpoint} cannot be reached ({printable(reason)})",
        where=where,
        hint="Check the endpoint, the network and the proxy.",
    )
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        failed.unreached = endpoint
    return failed


def _untrusted(where: str, endpoint: str, reason: str) -> Error:
    return ConfigInvalid(
        f"the certificate of {endpoint} is not trusted ({printable(reason)})",
        where=where,
        hint="Name the certificate of its authority as ca_bundle, or as AWS_CA_BUNDLE.",
    )


def obstore_error(error: Exception, where: str, endpoint: str, *, writing: bool) -> Error:
    """The error of ours for what obstore raised: it carries the store's answer as text."""
    text = str(error)
    status = _STATUS.search(text)
    if status is not None:
        return error_of(refusal_of_obstore(error), where)
    if "MissingEtag" in text:
        return no_etag(where)
    if "NotPartial" in text:
        return not_the_store("the store does not heed ranges", where)
    name = type(error).__name__
    short = text.partition("\n\nDebug source")[0]
    if is_tls_failure(error):
        return _untrusted(where, endpoint, "the connection could not be secured")
    if "TimedOut" in text or "operation timed out" in text:
        return Timeout(f"{endpoint} did not answer in time", where=where)
    if "Connect" in text or "dns error" in text or "ConnectionRefused" in text:
        return network_error(OSError(_reason(text)), where, endpoint)
    if name == "NotFoundError" or isinstance(error, FileNotFoundError):
        return NotFound("no such object", where=where)
    cls = UploadFailed if writing else DownloadFailed
    return cls(f"the transfer broke off ({printable(_reason(short))})", where=where)


def is_no_connection(error: Exception) -> bool:
    """Whether obstore says that the server takes no connection, or that its name is not known."""
    text = str(error)
    return any(words in text for words in ("ConnectionRefused", "Connection refused", "dns error"))


def is_tls_failure(error: Exception) -> bool:
    """Whether obstore does not trust the server. OpenSSL may: they differ in what they accept."""
    text = str(error)
    return any(word in text for word in _TLS_WORDS)


def refusal_of_obstore(error: Exception) -> Refusal:
    """What the store answered, as far as obstore tells."""
    text = str(error)
    status = _STATUS.search(text)
    return refusal_of(int(status.group(1)) if status else 0, text.partition("\n\nDebug source")[0], {})


def _reason(text: str) -> str:
    found = re.search(r'(?:message|error): "([^"]{1,200})"', text)
    return found.group(1) if found else text.splitlines()[0][:200]


_SIGNED_OUT = {"SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError", "LoginTokenLoadError"}
_NOT_CONFIGURED = {"ProfileNotFound", "ConfigParseError", "ConfigNotFound", "NoRegionError"} | {
    "InvalidConfigError",
    "InfiniteLoopConfigError",
    "UnknownCredentialError",
    "PartialCredentialsError",
}
_NOT_THERE = {"NoCredentialsError", "CredentialRetrievalError", "MetadataRetrievalError"}
_NETWORK = {"EndpointConnectionError", "ConnectionClosedError", "ProxyConnectionError"} | {
    "IncompleteReadError",
    "ResponseStreamingError",
    "HTTPClientError",
    "ConnectionError",
}
_SLOW = {"ConnectTimeoutError", "ReadTimeoutError"}
_USAGE = {"ParamValidationError", "EndpointResolutionError"}


def botocore_error(error: Exception, where: str) -> Error:
    """The error of ours for what botocore raised."""
    names = [cls.__name__ for cls in type(error).__mro__]
    if type(error).__name__ == "S3UploadFailedError" and (inner := error.__cause__ or error.__context__):
        return botocore_error(inner, where) if isinstance(inner, Exception) else TransferFailed(where=where)
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return error_of(_refusal_of_botocore(response), where)
    text = printable(str(error))
    kinds: tuple[tuple[set[str], Callable[[], Error]], ...] = (
        (_SIGNED_OUT, lambda: AuthExpired(text, where=where, hint=SIGN_IN)),
        (_NOT_THERE, lambda: AuthMissing(text, where=where, hint=NO_CREDENTIALS)),
        (_NOT_CONFIGURED, lambda: ConfigInvalid(text, where=where, hint="Look at the AWS configuration.")),
        (_SLOW, lambda: Timeout(text, where=where)),
        ({"SSLError"}, lambda: _untrusted(where, "the service", text)),
        (_NETWORK, lambda: TransferFailed(text, where=where, hint="Check the network and the proxy.")),
        ({"FlexibleChecksumError"}, lambda: IntegrityError(text, where=where, retryable=True)),
        ({"MissingDependencyException"}, lambda: DependencyMissing(text, where=where)),
        (_USAGE, lambda: UsageError(text, where=where)),
    )
    for known, make in kinds:
        if known.intersection(names):
            return make()
    return AuthMissing(f"no credentials could be had ({text})", where=where, hint=NO_CREDENTIALS)


def _refusal_of_botocore(response: Mapping[str, Mapping[str, object]]) -> Refusal:
    found = {name: str(value) for name, value in response["Error"].items()}
    about = response.get("ResponseMetadata", {})
    headers = about.get("HTTPHeaders", {})
    status = about.get("HTTPStatusCode", 0)
    return Refusal(
        status if isinstance(status, int) else 0,
        found.get("Code", ""),
        found.get("Message", ""),
        found,
        headers if isinstance(headers, Mapping) else {},
    )
