"""Starts the same server once more as a process of its own, and waits until that is ready."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from skycap.core.cli.session import Session
from skycap.core.webdav.commands.choosing import free_name
from skycap.core.webdav.commands.flags import ServeFlags

if TYPE_CHECKING:
    from skycap.core.crypto.secret import Secret
    from skycap.core.server import Running


def start(
    run: Session, places: Mapping[str, str], flags: ServeFlags, password: Secret[str] | None
) -> Running:
    """The server when it is ready; the errors of `daemon.start`. The password goes through standard input."""
    from skycap.core.server import daemon

    name = flags.name or free_name()
    argv = [sys.executable, "-m", "skycap.core", "webdav", "serve", *_words(run, places, flags, name)]
    environ = {**run.environ, "SKYCAP_CONFIG": run.config_path}
    if flags.locks is not None:
        environ["SKYCAP_WEBDAV_LOCKS"] = flags.locks  # it may hold a password
    return daemon.start(name, argv, secret=password, environ=environ)


def _words(run: Session, places: Mapping[str, str], flags: ServeFlags, name: str) -> Iterator[str]:
    yield from ("--foreground", "--name", name, "--server", flags.server, "--junk", flags.junk)
    yield from ("--host", flags.host, "--port", str(flags.port))
    if flags.user is not None:
        yield from ("--user", flags.user, "--password-file", "-")
    for flag, value in (
        ("--users", flags.users),
        ("--digest", flags.digest),
        ("--tls", flags.tls),
        ("--access-log", flags.access_log),
    ):
        if value is not None:
            yield from (flag, value)
    for flag, given in (
        ("--anonymous", flags.anonymous),
        ("--read-only", flags.read_only),
        ("--insecure", flags.insecure),
    ):
        if given:
            yield flag
    yield from ["-v"] * run.verbosity if run.verbosity > 0 else ["-q"] * -run.verbosity
    for share, place in places.items():
        if share:
            yield from ("--mount", f"{share}={place}")
    if "" in places:
        yield from ("--", places[""])
