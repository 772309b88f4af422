"""The WebDAV servers that run: how they are known, and which one is meant."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skycap.core.errors import Locked, NotFound, UsageError
from skycap.core.server import Running, find, log_path, registered, running

if TYPE_CHECKING:
    from skycap.core.webdav.shares import Share

KIND = "webdav"


def complete_server(incomplete: str) -> list[str]:
    """Names of servers that run."""
    return [one.name for one in servers() if one.name.startswith(incomplete)]


ServerName = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="Which server; needed where several run.", autocompletion=complete_server
    ),
]


@dataclass(frozen=True, slots=True)
class Served:
    """A share of a running server, as it was written down."""

    name: str
    location: str
    read_only: bool


def served(server: Running) -> list[Served]:
    """The shares of a server."""
    return [Served(**one) for one in json.loads(server.facts["shares"])]


def servers() -> list[Running]:
    """Those that run, by name; servers of other kinds are left out."""
    return sorted((one for one in running() if one.facts.get("kind") == KIND), key=lambda one: one.name)


def choose(name: str | None) -> Running:
    """The server of this name, or the only one there is; `NotFound`, or `UsageError` where several run."""
    found = servers()
    if name is not None:
        for one in found:
            if one.name == name:
                return one
        raise NotFound("no WebDAV server of this name runs", where=name, hint="skycap webdav status")
    if not found:
        raise NotFound("no WebDAV server runs", hint="skycap webdav serve starts one.")
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise UsageError(f"several servers run: {names}", hint="Say which one by its name.")
    return found[0]


def free_name() -> str:
    """The first name that no server has."""
    return next(name for name in _names() if find(name) is None)


def register(
    stack: ExitStack,
    name: str | None,
    urls: Sequence[str],
    shares: Sequence[Share],
    facts: Mapping[str, str],
) -> Running:
    """Be known until `stack` is left, under this name or the first that is free; `Locked` if it is taken."""
    serves = [
        f"{share.name}={share.location.shown()}" if share.name else share.location.shown() for share in shares
    ]
    for one in [name] if name is not None else _names():
        try:
            return stack.enter_context(
                registered(one, urls, serves=serves, log=_own_log(one), facts={"kind": KIND, **facts})
            )
        except Locked:
            if name is not None:
                raise
    raise AssertionError("the names never end")


def _names() -> Iterator[str]:
    yield KIND
    for number in count(2):
        yield f"{KIND}-{number}"


def _own_log(name: str) -> str | None:
    """The log that this process writes to, when it runs in the background."""
    path = log_path(name)
    try:
        return path if os.path.samestat(os.fstat(2), os.stat(path)) else None
    except OSError:
        return None


def record(server: Running, kind: str) -> dict[str, Any]:
    """The JSON object of a server."""
    facts = server.facts
    return {
        "type": kind,
        "name": server.name,
        "url": server.urls[0],
        "urls": server.urls,
        "pid": server.pid,
        "server": facts["server"],
        "since": server.since,
        "shares": json.loads(facts["shares"]),
        "user": facts["user"] or None,
        "login": facts["login"] == "yes",
        "ca": facts["ca"] or None,
        "log": server.log,
        "access_log": facts["access_log"] or None,
    }
