"""What is sent, and what an error had to say: bodies on their way out and in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from skycap.core.errors import Error, Timeout, UploadFailed
from skycap.core.http.message import Reader
from skycap.core.http.redact import redact
from skycap.core.retry import remaining

if TYPE_CHECKING:
    import httpx

_SENT_AT_ONCE = 256 * 1024
_ERROR_BODY = 64 * 1024


def is_reader(content: object) -> bool:
    """Whether it is read as it is sent, and so cannot be sent twice."""
    return hasattr(content, "read")


def arguments(
    params: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
    content: bytes | memoryview | Reader | None,
    size: int | None,
    json: Any,
    form: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The parts of a request, ready to be sent more than once where they can be."""
    found = dict(headers or {})
    if size is not None and is_reader(content):
        found["content-length"] = str(size)
    body = bytes(content) if isinstance(content, memoryview) else content
    return {
        "params": params,
        "headers": found,
        "content": body,
        "size": size,
        "json": json,
        "data": form,
    }


def chunks(reader: Reader, size: int | None, where: str) -> Iterator[bytes]:
    """The pieces of `reader`; the last is held back until it is known that no other follows it."""
    left = size
    held = b""
    while data := reader.read(_SENT_AT_ONCE):
        if remaining() == 0:
            raise Timeout("sending took too long", where=redact(where), hint="Raise --timeout.")
        if left is not None:
            left -= len(data)
            if left < 0:
                raise UploadFailed(f"the source holds more than {size} bytes", where=redact(where))
        if held:
            yield held
        held = data
    if left:
        raise UploadFailed(f"the source ended {left} bytes before its end", where=redact(where))
    if held:
        yield held


def said(answer: httpx.Response) -> str:
    """The beginning of an error's body, if it is text for people."""
    import httpx

    kind = answer.headers.get("content-type", "")
    if not kind.startswith(("text/plain", "application/json", "application/problem+json")):
        return ""
    found = b""
    try:
        for chunk in answer.iter_bytes():
            found += chunk
            if len(found) > _ERROR_BODY:
                break
    except (httpx.HTTPError, httpx.StreamError, Error):
        return ""  # the status alone says enough, and is not to be lost for its explanation
    return found.decode("utf-8", "replace")
