"""The emulator under the name of the real gateway, for programs that have that name compiled in.

They run in namespaces of Linux of their own: there `/etc/hosts` says that the gateway is this machine, and
its port 443 is a socket that the emulator outside listens on. The emulator's certificate is from an authority
that lives as long as the test, and that they trust by `SSL_CERT_FILE`. Nothing of the machine itself is
changed, and where the kernel lets anybody make namespaces no rights are needed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from skycap.core.server.issuing import make_ca, make_leaf
from skycap.internxt.emulator.running import Emulator, running

HOST = "gateway.internxt.com"
_HOLDER = """
import fcntl, socket, struct, subprocess, sys
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/hosts"], check=True)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:  # loopback is down in a new namespace
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 443))
listener.listen(128)
outside = socket.socket(fileno=int(sys.argv[2]))
socket.send_fds(outside, [b"x"], [listener.fileno()])
outside.recv(1)
"""


@dataclass(frozen=True)
class Gateway:
    """An emulator that is `https://gateway.internxt.com` for whoever runs by `inside` and with `env`."""

    emulator: Emulator
    ca: Path
    inside: list[str]
    env: dict[str, str]


@dataclass(frozen=True)
class Rclone:
    """rclone with its own Internxt backend as the remote `ix:`."""

    inside: list[str]
    env: dict[str, str] = field(repr=False)

    def try_(self, *args: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run it."""
        program = Path(sys.executable).with_name("rclone")
        return subprocess.run(
            [*self.inside, program, "--retries", "1", *map(str, args)],
            input=stdin,
            capture_output=True,
            env=self.env,
            timeout=240,
            check=False,
        )

    def __call__(self, *args: str | Path, stdin: bytes = b"") -> bytes:
        """Run it; it must succeed. What it wrote."""
        done = self.try_(*args, stdin=stdin)
        assert done.returncode == 0, (args, done.stdout, done.stderr)
        return done.stdout


@contextlib.contextmanager
def gateway(folder: Path, accounts: Sequence[str], **options: object) -> Iterator[Gateway]:
    """Start an emulator and the way to it; skips where the kernel refuses. `options` as of `running`."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    ca = make_ca([HOST], "skycap tests", now)
    leaf = make_leaf(ca, [HOST, "127.0.0.1"], now)
    key, authority = folder / "server.pem", folder / "ca.pem"
    key.write_bytes(leaf.pem(ca.certificate))
    authority.write_bytes(ca.pem().partition(b"-----END PRIVATE KEY-----\n")[2])
    with contextlib.ExitStack() as stack:
        inside, listener = stack.enter_context(_namespace(folder))
        more = {"tls": f"{key},{key}", "socket_fd": listener.fileno()} | options
        emulator = stack.enter_context(running(folder / "data", accounts, **more))
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "SSL_CERT_FILE": str(authority)}
        yield Gateway(emulator, authority, inside, env)


def rclone_of(gate: Gateway, email: str, password: str) -> Rclone:
    """rclone, logged in: it keeps the token and the mnemonic in a configuration of its own."""
    config = gate.ca.parent / f"{email}.conf"
    rclone = Rclone(gate.inside, gate.env | {"RCLONE_CONFIG": str(config)})
    account = ("email", email, "pass", password)
    rclone("config", "create", "ix", "internxt", *account, "--obscure", "--non-interactive")
    return rclone


@contextlib.contextmanager
def _namespace(folder: Path) -> Iterator[tuple[list[str], socket.socket]]:
    """What to put before a command that shall run in the namespaces, and the socket of port 443 there."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {HOST}\n")
    as_root = os.geteuid() == 0
    kinds = ["-m", "-n"] if as_root else ["-r", "-m", "-n"]
    ours, theirs = socket.socketpair()
    with ours, (folder / "holder.log").open("w+b") as log:
        with theirs:
            holder = subprocess.Popen(
                ["unshare", *kinds, sys.executable, "-c", _HOLDER, hosts, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        with holder:
            _, handles, _, _ = socket.recv_fds(ours, 1, 1)
            if not handles:
                holder.wait(30)
                said = (folder / "holder.log").read_text().strip()
                pytest.skip(f"the kernel lets this user make no namespaces: {said[-200:]}")
            with socket.socket(fileno=handles[0]) as listener:
                as_they = [] if as_root else ["-U", "--preserve-credentials"]
                try:
                    yield ["nsenter", "-t", str(holder.pid), "-m", "-n", *as_they], listener
                finally:
                    ours.sendall(b"x")
