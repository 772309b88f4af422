"""The command line: parse, start, tell, serve until SIGTERM."""

from __future__ import annotations

import argparse
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
        settings, logins, faults = _understood(given)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    try:
        listener = _listen(settings.host, settings.port)
    except OSError as error:
        print(f"cannot listen on {settings.host}:{settings.port}: {error}", file=sys.stderr)
        return 1
    serve(settings, logins, faults, listener)
    return 0


def serve(settings: Settings, logins: list[Login], faults: list[Fault], listener: socket.socket) -> None:
    """Serve on a listening socket, which is closed in the end."""
    import uvicorn

    from skycap.internxt.emulator.app import build, open_services
    from skycap.internxt.emulator.protocol import Protocol

    services = open_services(settings, logins, faults)
    try:
        config = uvicorn.Config(
            build(services),
            http=Protocol,
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
            timeout_keep_alive=60,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
        )
        scheme = "https" if settings.certificate else "http"
        host, port = listener.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        # Whoever reads this line may connect: the socket listens already.
        print(f"ready {scheme}://{host}:{port}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        services.database.close()
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio lets small answers go at once; else each would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


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


def _understood(given: argparse.Namespace) -> tuple[Settings, list[Login], list[Fault]]:
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
