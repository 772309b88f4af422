"""The command line: parse, start, tell, serve until SIGTERM."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from pathlib import Path

from skycap.internxt.emulator.accounts import Login
from skycap.internxt.emulator.faults import Fault, words
from skycap.internxt.emulator.settings import DEFAULTS, TIERS, Settings


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. 0 then; 1 if it cannot listen; 2 for arguments that cannot be."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        settings, logins, faults = understood(given)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    try:  # here, so that `--help` and mistakes need nothing of the extra
        from skycap.internxt.emulator.app import open_services
        from skycap.internxt.emulator.serving import address, listen, make_server
    except ModuleNotFoundError as error:
        print(f"{error.name} is missing: pip install 'skycap-internxt[emulator]'", file=sys.stderr)
        return 1
    try:
        listeners = [listen(settings.host, settings.port)]
        if given.socket_fd is not None:
            listeners.append(socket.socket(fileno=given.socket_fd))
    except OSError as error:
        print(f"cannot listen on {settings.host}:{settings.port}: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):  # the server raises them again when it has stopped
        signal.signal(number, lambda *_: None)
    services = open_services(settings, logins, faults)
    try:
        server = make_server(services)
        # Whoever reads this line may connect: the socket listens already.
        print(f"ready {address(listeners[0], tls=settings.certificate is not None)}", flush=True)
        server.run(sockets=listeners)
    finally:
        services.database.close()
        for listener in listeners:
            listener.close()
    return 0


def parse(arguments: list[str]) -> tuple[Settings, list[Login], list[Fault]]:
    """What some arguments mean; `ValueError` or `OSError` for what cannot be."""
    return understood(_parser().parse_args(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m skycap.internxt.emulator",
        description="An emulator of Internxt's servers, for tests: Drive API, Network API, object storage and"
        " login page below one address. Unofficial, and not affiliated with Internxt.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="0, the default, takes a free one")
    add("--host", default=DEFAULTS.host)
    add("--data", type=Path, required=True, help="folder that everything is kept in")
    add(
        "--account", action="append", default=[], metavar="EMAIL:PASSWORD[:TOTPSECRET]", help="a test account"
    )
    add("--account-file", type=Path, metavar="FILE", help="the same, one a line")
    add("--socket-fd", type=int, metavar="FD", help="serve on this inherited listening socket too")
    add("--tls", metavar="CERT,KEY", help="PEM files to serve TLS with")
    add("--public-url", metavar="URL", help="what links begin with, if not with the address that was asked")
    add(
        "--admin-token",
        metavar="TOKEN",
        help="what admin routes want; without it they answer to loopback only",
    )
    add(
        "--tier", default="full", help=f"{', '.join(TIERS)}; or changes, as in full,cli=false,max_upload=1000"
    )
    add("--fault", action="append", default=[], help="as in: method=PUT path=/objects status=503 count=2")
    add("--quota", type=int, metavar="BYTES", default=DEFAULTS.quota)
    add("--put-delay-ms", type=int, metavar="MS", default=0, help="hold back the answer to uploaded bytes")
    add("--folder-delay-ms", type=int, metavar="MS", default=0, help="keep new folders invisible for a while")
    add(
        "--search-delay-ms",
        type=int,
        metavar="MS",
        default=0,
        help="keep new items out of the search for a while",
    )
    add(
        "--purge-delay-ms",
        type=int,
        metavar="MS",
        default=0,
        help="keep objects after their file was deleted",
    )
    add("--link-lifetime-s", type=int, metavar="S", default=DEFAULTS.link_lifetime_s)
    add("--login-lifetime-s", type=int, metavar="S", default=DEFAULTS.login_lifetime_s)
    add("--refresh-lifetime-s", type=int, metavar="S", default=DEFAULTS.refresh_lifetime_s)
    add("--starts-per-minute", type=int, metavar="N", help="more are refused with 429")
    add("--search-by-get", action="store_true", help="search as old servers do")
    return parser


def understood(given: argparse.Namespace) -> tuple[Settings, list[Login], list[Fault]]:
    """The same of parsed ones."""
    lines = list(given.account)
    if given.account_file:
        lines += [line for line in given.account_file.read_text().splitlines() if line.strip()]
    settings = Settings(given.data.absolute(), given.host, given.port, given.public_url)
    if given.tls:
        certificate, comma, key = given.tls.partition(",")
        if not comma:
            raise ValueError("--tls: CERT,KEY")
        settings.certificate, settings.key = Path(certificate), Path(key)
        for path in (settings.certificate, settings.key):
            path.open("rb").close()
    settings.admin_token = given.admin_token
    name, *changes = given.tier.split(",")
    tier = words(" ".join(changes))
    settings.change({"tier": name})
    settings.change({"tier": tier})
    for name in (
        "quota",
        "put_delay_ms",
        "folder_delay_ms",
        "search_delay_ms",
        "purge_delay_ms",
        "link_lifetime_s",
        "login_lifetime_s",
        "refresh_lifetime_s",
        "starts_per_minute",
        "search_by_get",
    ):
        setattr(settings, name, getattr(given, name))
    return settings, [Login.parse(line) for line in lines], [Fault.parse(text) for text in given.fault]
