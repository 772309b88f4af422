"""Logging in through the web page, for any second factor and without a password on this machine.

The page is told where to come back to: an address of this machine, with a random part that nobody else knows.
It comes back with the recovery phrase and a token, each in base64. So the address is answered with a redirect
at once, and does not stay in the history of the browser; and what comes without the random part, or for
another host, is not looked at. Nothing else in this protocol says that the answer belongs to the question;
that the token is good, and whose it is, the server is asked.
"""

from __future__ import annotations

import base64
import binascii
import queue
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, UsageError
from skycap.core.http import register_secret
from skycap.internxt.crypto.keys import require_mnemonic
from skycap.internxt.login.account import Account, Kept
from skycap.internxt.login.gate import Gate

PATIENCE_S = 600.0
_LAST_PAGE_S = 5.0
_IDLE_S = 10.0
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>skycap</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 4em auto"><h1>{title}</h1><p>{text}</p>"""


@dataclass(frozen=True)
class _Reply:
    status: int
    title: str
    text: str
    location: str | None = None


_DONE = _Reply(200, "Logged in", "skycap is logged in to Internxt. You can close this page.")
_FAILED = _Reply(200, "Not logged in", "It did not work; the terminal tells why. You can close this page.")


@dataclass(frozen=True)
class Answer:
    """What the page came back with."""

    mnemonic: Secret[str]
    token: Secret[str]


class Callback:
    """The place on this machine where the browser comes back to; open while its block runs.

    Only one answer is taken. `port` 0 takes any free one. `UsageError` if the port cannot be had.
    """

    def __init__(self, port: int = 0) -> None:
        self._state = secrets.token_urlsafe(24)
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._taken = threading.Lock()
        self._told = threading.Event()
        self._shown = threading.Event()
        self.succeeded = False
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"nothing can listen on port {port} of this machine ({error})",
                hint="--port names another one; 0 takes any that is free.",
            ) from None
        self._server.callback = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tell(succeeded=False)
        if self._taken.locked():
            self._shown.wait(_LAST_PAGE_S)  # the browser is on its way to the last page
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address that the page is told."""
        return f"http://127.0.0.1:{self.port}/{self._state}/callback"

    def wait(self, timeout_s: float) -> Answer:
        """What came back; `AuthMissing` if nothing does."""
        try:
            return self._answers.get(timeout=timeout_s)
        except queue.Empty:
            raise AuthMissing(
                "nobody came back from the web page in time",
                hint="The browser has to run on this machine, or reach its port: --port keeps it the same.",
            ) from None

    def tell(self, *, succeeded: bool) -> None:
        """Let the browser know what came of it; the first word counts."""
        if not self._told.is_set():
            self.succeeded = succeeded
            self._told.set()

    # What a request of the browser becomes

    def respond(self, target: str, host: str) -> _Reply:
        """The reply to a request for `target`, a path with its query, at `host`."""
        nothing = _Reply(404, "Nothing is here", "This address belongs to a login that is not yours.")
        if host not in {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}:
            return nothing
        parts = urlsplit(target)
        state, _, place = parts.path.removeprefix("/").partition("/")
        if not secrets.compare_digest(state.encode(), self._state.encode()):
            return nothing
        if place == "callback":
            return self._come_back(parts.query)
        if place == "end" and self._taken.locked():
            self._told.wait()
            return _DONE if self.succeeded else _FAILED
        return nothing

    def sent(self, reply: _Reply) -> None:
        """A reply has left."""
        if reply in {_DONE, _FAILED}:
            self._shown.set()

    def _come_back(self, query: str) -> _Reply:
        answer = _read(query)
        if answer is None:
            return _Reply(400, "Something is missing", "The page came back without what a login needs.")
        if self._taken.acquire(blocking=False):
            self._answers.put(answer)
        return _Reply(303, "Wait a moment", "", location=f"/{self._state}/end")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = False
    callback: Callback


class _Handler(BaseHTTPRequestHandler):
    timeout = _IDLE_S
    server_version = "skycap"
    sys_version = ""

    def do_GET(self) -> None:
        server: Any = self.server
        reply = server.callback.respond(self.path, self.headers.get("host", ""))
        body = _PAGE.format(title=reply.title, text=reply.text).encode("utf-8")
        self.send_response(reply.status)
        for name, value in {
            **({"location": reply.location} if reply.location else {}),
            "content-type": "text/html; charset=utf-8",
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
            "connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        server.callback.sent(reply)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the address that it would write down holds the recovery phrase."""


def log_in(
    gate: Gate,
    web: str,
    tell: Callable[[str], None],
    *,
    port: int = 0,
    opens: bool = True,
    wanted: str | None = None,
    timeout_s: float = PATIENCE_S,
) -> Kept:
    """Log in through the page at `web`. `tell` is given its address, which is opened here if `opens`.

    `AuthMissing` if nobody comes back within `timeout_s` seconds, or another account than the `wanted` one;
    `AuthExpired` if the token is not good.
    """
    with Callback(port) as callback:
        url = page_address(web, callback.url)
        for line in ("Log in on this page:", "", url, ""):
            tell(line)
        if opens and _opened(url):
            tell("It should open in your browser by itself.")
        else:
            tell(
                f"On another machine, first let its port {callback.port} lead here: "
                f"ssh -L {callback.port}:127.0.0.1:{callback.port} THIS-MACHINE"
            )
        answer = callback.wait(timeout_s)
        kept = _checked(gate, answer, wanted)
        callback.tell(succeeded=True)
        return kept


def page_address(web: str, callback: str) -> str:
    """The address of the page that comes back to `callback`."""
    there = base64.b64encode(callback.encode("ascii")).decode("ascii")
    return f"{web}/login?{urlencode({'universalLink': 'true', 'redirectUri': there})}"


def _checked(gate: Gate, answer: Answer, wanted: str | None) -> Kept:
    entered = gate.refresh(answer.token)
    email = str(entered.user.get("email") or "the account")
    if wanted is not None and wanted.strip().lower() != email.lower():
        raise AuthMissing(
            f"the browser logged in {email}, and {wanted} was wanted",
            hint="Log out on the web page first, and try again.",
        )
    mnemonic = require_mnemonic(answer.mnemonic, where=email)
    return Kept(Account.of_user(entered.user, mnemonic, where=email), entered.token)


def _read(query: str) -> Answer | None:
    found = parse_qs(query)
    mnemonic, token = (_decoded(found.get(name, [""])[0]) for name in ("mnemonic", "newToken"))
    if not mnemonic or not token:
        return None
    register_secret(mnemonic, token)
    return Answer(mnemonic, token)


def _decoded(text: str) -> Secret[str] | None:
    """The text behind base64 of either alphabet, whose plus signs may have come as blanks."""
    plain = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        return Secret(raw.decode("utf-8"))
    except (binascii.Error, ValueError):
        return None


def _opened(url: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
