"""An emulator in a process of its own, for tests of clients.

```python
with running(tmp_path, ["user@example.com:Test-Passw0rd!"], put_delay_ms=50) as emulator:
    client = Client(drive=emulator.drive, network=emulator.network)
    emulator.fault(path="/objects/", method="PUT", status=503, count=2)
    assert not emulator.state()["orphans"]
```
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


class Emulator:
    """The process, and its admin routes. Use `running`, or `start` and `stop`."""

    def __init__(
        self,
        data: str | os.PathLike[str],
        accounts: Sequence[str],
        faults: Sequence[str] = (),
        **options: object,
    ) -> None:
        self.data = Path(data)
        self._accounts = list(accounts)
        self._faults = list(faults)
        self._options: dict[str, object] = {"port": 0} | options
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    @property
    def drive(self) -> str:
        """The base of the Drive API."""
        return f"{self.url}/drive"

    @property
    def network(self) -> str:
        """The base of the Network API."""
        return f"{self.url}/network"

    @property
    def web(self) -> str:
        """The base of the login page and of share links."""
        return f"{self.url}/web"

    @property
    def env(self) -> dict[str, str]:
        """What points the official clients, and ours, at it."""
        return {"DRIVE_NEW_API_URL": self.drive, "NETWORK_URL": self.network, "DRIVE_WEB_URL": self.web}

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None  # noqa: S101
        return self._process.pid

    def start(self) -> Emulator:
        """Start it, and wait until it can be asked. After a first start it keeps its port."""
        arguments = [sys.executable, "-m", "skycap.internxt.emulator", "--data", str(self.data)]
        for name, values in (("--account", self._accounts), ("--fault", self._faults)):
            for value in values:
                arguments += [name, value]
        for option, setting in self._options.items():
            if setting is not None and setting is not False:
                arguments.append("--" + option.replace("_", "-"))
                arguments += [] if setting is True else [str(setting)]
        inherited = self._options.get("socket_fd")
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[inherited] if isinstance(inherited, int) else [],
        )
        assert self._process.stdout is not None  # noqa: S101
        line = self._process.stdout.readline()
        if not line.startswith("ready "):
            self.kill()
            raise RuntimeError("the emulator did not start; standard error says why")
        self.url = line.split()[1]
        self._options["port"] = self.url.rpartition(":")[2]
        return self

    def stop(self) -> int:
        """End it with SIGTERM. Its exit status."""
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            status = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        self._close()
        return status

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def restart(self) -> Emulator:
        """Stop it and start it on the same port, with the same data."""
        self.stop()
        return self.start()

    def state(self) -> dict[str, Any]:
        """`orphans` (ids), and counts: `entries`, `objects`, `bytes`, `uploads`, `files`, `folders` …"""
        return self.admin("GET", "/state")  # type: ignore[no-any-return]

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """What was asked since the request of this number: `method`, `path`, `query`, `status`, …"""
        return self.admin("GET", f"/requests?after={after}")  # type: ignore[no-any-return]

    def fault(self, **fault: object) -> int:
        """Arm a fault, with the fields of `skycap.internxt.emulator.faults.Fault`. Its number."""
        return int(self.admin("POST", "/faults", fault)["number"])

    def faults(self) -> list[dict[str, Any]]:
        """All that are armed, each with how often it was `met`."""
        return self.admin("GET", "/faults")  # type: ignore[no-any-return]

    def clear_faults(self) -> None:
        """Disarm all."""
        self.admin("DELETE", "/faults")

    def set(self, **settings: object) -> dict[str, Any]:
        """Change settings: `quota`, `tier={"versioning": False}`, `clock_ahead_s`, … What they are then."""
        return self.admin("PATCH", "/settings", settings)  # type: ignore[no-any-return]

    def reset(self) -> None:
        """Empty all accounts; settings and faults are as at the start."""
        self.admin("POST", "/reset")

    def refuse_tokens(self) -> None:
        """Make every token that was given out until now worthless."""
        self.admin("POST", "/tokens/refuse")

    def account(self, email: str) -> dict[str, Any]:
        """Ids, mnemonic, failed logins and the one-time code of now."""
        return self.admin("GET", f"/accounts/{email}")  # type: ignore[no-any-return]

    def unblock(self, email: str) -> None:
        """Forget an account's failed logins."""
        self.admin("POST", f"/accounts/{email}/unblock")

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Ask an admin route. Its JSON; `RuntimeError` with what it said if it refused."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        if token := self._options.get("admin_token"):
            headers["authorization"] = f"Bearer {token}"
        asked = urllib.request.Request(f"{self.url}/admin{path}", data, headers, method=method)  # noqa: S310
        # A certificate of a test's own making is nobody's to judge here: it is our own process.
        context = ssl._create_unverified_context() if self.url.startswith("https") else None  # noqa: S323
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        try:
            with urllib.request.build_opener(*handlers).open(asked, timeout=60) as answer:
                raw = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(raw) if raw else None


@contextlib.contextmanager
def running(
    data: str | os.PathLike[str], accounts: Sequence[str], faults: Sequence[str] = (), **options: object
) -> Iterator[Emulator]:
    """Start an emulator on a free port, and stop it in the end.

    `accounts`: `EMAIL:PASSWORD[:TOTPSECRET]`. `options` are the flags of the command with underscores:
    `put_delay_ms=50`, `tier="full,versioning=false"`, `quota=1000`, `search_by_get=True`.
    """
    emulator = Emulator(data, accounts, faults, **options)
    try:
        yield emulator.start()
    finally:
        emulator.stop()
