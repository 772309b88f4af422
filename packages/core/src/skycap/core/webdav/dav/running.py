"""WsgiDAV's request server, called for one request: what it is given, and what its answer becomes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import quoteattr

from wsgidav.dav_error import DAVError
from wsgidav.request_server import RequestServer

from skycap.core.webdav.answers import Answer, Headers, Refusal
from skycap.core.webdav.dav.provider import Provider
from skycap.core.webdav.dav.work import CURRENT, Work, opaque
from skycap.core.webdav.properties import patching

_KEPT = frozenset({"content-type", "lock-token"})
"""What is taken over of WsgiDAV's headers: not the date nor the length, which are the server's."""


class Runner:
    """Runs requests. One is enough for all of them."""

    def __init__(self) -> None:
        self._provider = Provider()
        self._server = RequestServer(self._provider)

    def run(self, work: Work, body: bytes = b"") -> Answer:
        """The answer of WsgiDAV, put right. `Refusal` where there is none."""
        token = CURRENT.set(work)
        try:
            answer = self._call(self._environ(work, body))
        except DAVError as error:
            raise _refusal(error) from None
        finally:
            CURRENT.reset(token)
        if work.refused is not None:
            raise work.refused
        if answer.status == 204 and work.target is not None and work.there is None:
            answer.status = 201
        if work.changes:
            answer = patching.answer(work.changes, work.href(work.place))
        if answer.status < 207 and work.request.method != "LOCK":
            answer.body, answer.headers = b"", []
        answer.headers += work.headers
        return answer

    def _environ(self, work: Work, body: bytes) -> dict[str, Any]:
        request = work.request
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": opaque(work.place.url),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "here",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgidav.config": {},
            "wsgidav.verbose": 1,
            "wsgidav.app": self._provider,
            "wsgidav.provider": self._provider,
            "wsgidav.auth.user_name": request.user,
            "wsgidav.conditions.if": {},  # they were checked before, and it must not try
            "wsgidav.ifLockTokenList": _shown(work),
        }
        if (value := request.header("DEPTH")) is not None:
            environ["HTTP_DEPTH"] = value.strip()
        if request.method == "PROPPATCH":
            environ["HTTP_DEPTH"] = "0"  # some clients send another, and it means nothing here
        if work.target is not None:
            environ["HTTP_DESTINATION"] = opaque(work.target.url)
            # What is there can be the source itself, by another spelling.
            environ["HTTP_OVERWRITE"] = "T" if request.overwrite or work.there is None else "F"
        if (said := request.header("LOCK_TOKEN")) is not None:
            environ["HTTP_LOCK_TOKEN"] = said.strip()
        return environ

    def _call(self, environ: dict[str, Any]) -> Answer:
        status: list[str] = []
        headers: Headers = []

        def start_response(line: str, told: Headers, _exc_info: Any = None) -> None:
            status.append(line)
            headers.extend((name, value) for name, value in told if name.lower() in _KEPT)

        body: Iterable[bytes] = self._server(environ, start_response)
        content = b"".join(body)
        return Answer(int(status[-1].partition(" ")[0]), headers, content)


def _shown(work: Work) -> list[str]:
    """The tokens of the If header; of several, for a refresh, the one that is a lock here."""
    if work.request.method == "LOCK":
        here = [lock.token for lock in work.locking.covering(work.place) if lock.token in work.tokens]
        if here:
            return here[-1:]
    return sorted(work.tokens)


def _refusal(error: DAVError) -> Refusal:
    condition = getattr(error, "err_condition", None)
    code = condition.condition_code.rpartition("}")[2] if condition is not None else ""
    return Refusal(error.value, str(error.context_info or ""), precondition=f"<D:{code}/>" if code else "")


def names_only(changes: Iterable[patching.Change]) -> bytes:
    """A `propertyupdate` with the names of what is to be changed, for WsgiDAV to go through."""
    each = "".join(f"<D:set><D:prop>{_element(change.name)}</D:prop></D:set>" for change in changes)
    return f'<D:propertyupdate xmlns:D="DAV:">{each}</D:propertyupdate>'.encode()


def _element(name: str) -> str:
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    return f"<{local} xmlns={quoteattr(namespace)}/>"
