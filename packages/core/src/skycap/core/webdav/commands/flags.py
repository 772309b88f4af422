"""The flags of `skycap webdav serve`, and which of them do not go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from skycap.core.cli.complete import complete_local
from skycap.core.errors import UsageError
from skycap.core.server.binding import FORCE_FLAG, Binding

_WHO = (
    "--user NAME --password-file FILE (or --users FILE) lets those in whose password is right, "
    "--digest FILE does so for clients of Digest, --anonymous lets in everybody who reaches it."
)

ServerFlag = Annotated[
    Literal["cheroot", "waitress"],
    typer.Option(
        "--server", help="cheroot streams uploads; waitress takes each whole first, on disk. No TLS with it."
    ),
]
UsersFile = Annotated[
    str | None,
    typer.Option(
        "--users", metavar="FILE", autocompletion=complete_local, help="A file of users and their hashes."
    ),
]
DigestFile = Annotated[
    str | None,
    typer.Option(
        "--digest",
        metavar="FILE",
        autocompletion=complete_local,
        help="A file of users for Digest; what is in it is as good as their passwords.",
    ),
]
Login = Annotated[str | None, typer.Option("--user", metavar="NAME", help="The name to log in with.")]
PasswordFile = Annotated[
    str | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        autocompletion=complete_local,
        help="Its first line is the password; - is standard input.",
    ),
]


@dataclass(frozen=True, slots=True)
class ServeFlags:
    """How to serve."""

    mount: Annotated[
        list[str] | None,
        typer.Option(
            "--mount", metavar="NAME=LOCATION", help="Serve a place below this name; as often as needed."
        ),
    ] = None
    server: ServerFlag = "cheroot"
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen on.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port; 0 is a free one.")
    ] = 0
    user: Login = None
    password_file: PasswordFile = None
    users: UsersFile = None
    digest: DigestFile = None
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Let everybody in who reaches it.")] = False
    tls: Annotated[
        str | None,
        typer.Option(
            "--tls",
            metavar="self-signed|CERT,KEY",
            help="Encrypt, by a CA of this machine or by files of yours.",
        ),
    ] = None
    read_only: Annotated[bool, typer.Option("--read-only", help="Let nobody change anything.")] = False
    background: Annotated[
        bool,
        typer.Option(
            "--background/--foreground",
            show_default=False,
            help="Return when it is ready, and let it run on.",
        ),
    ] = False
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="What the server is called. Default: `webdav`, `webdav-2`, …"
        ),
    ] = None
    junk: Annotated[
        Literal["auto", "store", "side", "refuse"],
        typer.Option(
            "--junk",
            help="What desktops leave beside files goes to the storage, to a store of its own, or nowhere; "
            "auto: to the storage if that is on this machine, else beside.",
        ),
    ] = "auto"
    locks: Annotated[
        str | None,
        typer.Option(
            "--locks",
            metavar="URL",
            help="A store of locks that machines share: postgresql://…, or a reference to a secret.",
        ),
    ] = None
    access_log: Annotated[
        str | None,
        typer.Option(
            "--access-log",
            metavar="FILE",
            autocompletion=complete_local,
            help="One JSON line a request; - is standard error.",
        ),
    ] = None
    insecure: Annotated[
        bool, typer.Option(FORCE_FLAG, help="Let others reach it without a login, or without TLS.")
    ] = False

    def check(self) -> Binding:
        """Where it is to listen; `UsageError` for flags that do not go together. Nothing is opened yet."""
        who = [name for name, given in self._who().items() if given]
        if not who:
            raise UsageError("nobody said who may come in", hint=_WHO)
        if len(who) > 1:
            raise UsageError(f"{' and '.join(who)} exclude each other", hint=_WHO)
        if (self.user is None) != (self.password_file is None):
            raise UsageError("--user and --password-file belong together", hint=_WHO)
        if self.tls is not None and self.server == "waitress":
            raise UsageError(
                "waitress speaks no TLS",
                hint="Take --server cheroot, or put a proxy that does in front of it.",
            )
        return Binding.of(
            self.host,
            self.port,
            has_login=not self.anonymous,
            has_tls=self.tls is not None,
            force=self.insecure,
        )

    def _who(self) -> dict[str, bool]:
        return {
            "--user": self.user is not None or self.password_file is not None,
            "--users": self.users is not None,
            "--digest": self.digest is not None,
            "--anonymous": self.anonymous,
        }
