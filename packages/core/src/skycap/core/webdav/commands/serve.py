"""`skycap webdav serve`: in the foreground until a signal comes, or in the background."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click.core import ParameterSource

from skycap.core.cli.complete import complete_place
from skycap.core.cli.options import takes
from skycap.core.cli.session import Session, session
from skycap.core.errors import Interrupted, UsageError
from skycap.core.webdav.assembling import require_extra
from skycap.core.webdav.commands import background, telling
from skycap.core.webdav.commands.choosing import register
from skycap.core.webdav.commands.flags import ServeFlags
from skycap.core.webdav.commands.sharing import named, opened

if TYPE_CHECKING:
    import ssl

    from skycap.core.crypto.secret import Secret
    from skycap.core.server.access_log import AccessLog
    from skycap.core.server.binding import Binding
    from skycap.core.server.digest import DigestAdmission
    from skycap.core.server.logins import Logins
    from skycap.core.server.tls import TlsFiles
    from skycap.core.webdav.serving import HttpServer
    from skycap.core.webdav.shares import Share

_STANDARD_ERROR = "-"


@takes(ServeFlags)
def serve(
    context: typer.Context,
    locations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOCATION...",
            help="Folders and remotes; one alone is the top of all URLs.",
            autocompletion=complete_place,
        ),
    ] = None,
    *,
    flags: ServeFlags,
) -> int:
    """Serve places over WebDAV until Ctrl-C. Prints one line when it is ready.

    \b
    Examples:
      skycap webdav serve photos: --user me --password-file ~/password
      skycap webdav serve --mount docs=./docs --mount box=s3://box --anonymous --background
    """
    run = session()
    binding = flags.check()
    places = named(locations or [], flags.mount or [])
    from_environment = context.get_parameter_source("locks") is ParameterSource.ENVIRONMENT
    locks = _locks(run, flags.locks, from_environment=from_environment)
    require_extra(flags.server)
    if flags.background:
        started = background.start(run, places, flags, _password(flags))
        telling.ready(run, started)
        return 0
    return _Foreground(run, flags, binding, places, locks).run()


def _password(flags: ServeFlags) -> Secret[str] | None:
    if flags.password_file is None:
        return None
    from skycap.core.server import read_password

    return read_password(flags.password_file)


def _locks(run: Session, text: str | None, *, from_environment: bool) -> str | Secret[str] | None:
    """The URL of the store of locks. A password in it is taken from where nobody else sees it only."""
    from urllib.parse import urlsplit

    from skycap.core.auth.references import Secrets
    from skycap.core.crypto.secret import Secret

    if text is None:
        return None
    if Secrets.is_reference(text):
        return run.opener.secrets.fetch(text, where="--locks")
    try:
        has_password = urlsplit(text).password is not None or "password=" in text
    except ValueError:
        has_password = False
    if has_password and not from_environment:
        raise UsageError(
            "a password in --locks can be seen by others",
            hint="Give a reference, as in --locks file:PATH or env:VARIABLE, or set SKYCAP_WEBDAV_LOCKS.",
        )
    return Secret(text)


class _Foreground:
    """One server, from opening to its end."""

    def __init__(
        self,
        run: Session,
        flags: ServeFlags,
        binding: Binding,
        places: dict[str, str],
        locks: str | Secret[str] | None,
    ) -> None:
        self._run = run
        self._flags = flags
        self._binding = binding
        self._places = places
        self._locks = locks
        self._files: TlsFiles | None = None

    def run(self) -> int:
        """Serve until a signal comes; the exit status."""
        from skycap.core.server.stopping import stopping
        from skycap.core.webdav.assembling import assembled
        from skycap.core.webdav.serving import bind

        flags, binding = self._flags, self._binding
        logins = self._logins()
        shares = opened(self._run, self._places, read_only=flags.read_only)
        tls = self._tls()
        with assembled(
            shares,
            logins=logins,
            junk=flags.junk,
            locks=self._locks,
            log=self._access_log(),
            local_only=logins is None and binding.is_loopback and not flags.insecure,
        ) as app:
            server = bind(flags.server, app, binding.host, binding.port, tls=tls)
            with stopping(lambda: self._stop(server)) as came:
                self._serve(server, shares)
        return Interrupted.exit_status if came and came[0] == signal.SIGINT else 0

    def _serve(self, server: HttpServer, shares: Sequence[Share]) -> None:
        from skycap.core.webdav.sweeping import sweep

        serving = False
        try:
            with ExitStack() as stack:
                running = register(stack, self._flags.name, self._urls(server), shares, self._facts(shares))
                telling.ready(self._run, running)
                telling.notes(self._run, running)
                sweep(shares, self._tell)
                serving = True
                server.serve()
        finally:
            if not serving:  # it holds its port until it is served to its end
                server.stop()
                server.serve()

    def _stop(self, server: HttpServer) -> None:
        self._tell("Finishing what is in flight; once more stops now.")
        server.stop()

    def _tell(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever read standard error may be gone
            self._run.note(text)

    def _logins(self) -> Logins | DigestAdmission | None:
        from skycap.core.server import Logins
        from skycap.core.server.digest import DigestAdmission

        flags = self._flags
        if flags.digest is not None:
            return DigestAdmission(os.path.expanduser(flags.digest))
        if flags.users is not None:
            return Logins.of_file(os.path.expanduser(flags.users))
        password = _password(flags)
        return None if flags.user is None or password is None else Logins.of_user(flags.user, password)

    def _tls(self) -> ssl.SSLContext | None:
        from skycap.core.server import renewed_context, tls_files

        setting = self._flags.tls
        if setting is None:
            return None

        def files() -> TlsFiles:
            self._files = tls_files(setting, host=self._binding.host)
            return self._files

        return renewed_context(files)

    def _access_log(self) -> AccessLog | None:
        from skycap.core.server import AccessLog

        path = self._flags.access_log
        if path is None:
            return None
        return AccessLog(None if path == _STANDARD_ERROR else os.path.expanduser(path))

    def _urls(self, server: HttpServer) -> list[str]:
        return self._binding.at(server.port).urls("http" if self._flags.tls is None else "https")

    def _facts(self, shares: Sequence[Share]) -> dict[str, str]:
        """What `status`, `mount` and `test` need to know."""
        flags = self._flags
        ca = None if self._files is None else self._files.ca
        log = flags.access_log
        return {
            "server": flags.server,
            "user": flags.user or "",
            "login": "no" if flags.anonymous else "yes",
            "ca": "" if ca is None else ca.path,
            "ca_sha256": "" if ca is None else ca.sha256,
            "access_log": os.path.abspath(os.path.expanduser(log))
            if log not in (None, _STANDARD_ERROR)
            else "",
            "shares": json.dumps(
                [
                    {"name": one.name, "location": one.location.shown(), "read_only": one.read_only}
                    for one in shares
                ]
            ),
        }
