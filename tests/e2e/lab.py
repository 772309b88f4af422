"""The installed command in processes of its own, with settings, state and home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).with_name("skycap"))
TIMEOUT_S = 240.0


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    status: int
    out: bytes
    err: str
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def records(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Lab:
    """Runs `skycap`; `env` is all that a command sees of this machine."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        (folder / "home").mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        self.env: dict[str, str] = {
            **kept,
            **measured,
            "HOME": str(folder / "home"),
            "SKYCAP_CONFIG": str(folder / "config.toml"),
            "SKYCAP_STATE": str(folder / "state"),
            "SKYCAP_CREDENTIAL_STORE": "file",
            "AWS_EC2_METADATA_DISABLED": "true",
            **(env or {}),
        }

    @property
    def state(self) -> Path:
        """The state folder."""
        return Path(self.env["SKYCAP_STATE"])

    def start(self, *args: str | Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a command as the leader of a process group. Its children hold its standard error open."""
        return subprocess.Popen(
            [COMMAND, *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.env, **(env or {})},
            start_new_session=True,
        )

    def run(
        self, *args: str | Path, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Outcome:
        """Run a command to its end."""
        done = subprocess.run(
            [COMMAND, *map(str, args)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env={**self.env, **(env or {})},
            timeout=TIMEOUT_S,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def reported(self, *args: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        """Run a command that moves files, with its report."""
        path = self.folder / "report.json"
        path.unlink(missing_ok=True)
        done = self.run(*args, "--report", path, env=env)
        report = json.loads(path.read_text()) if path.exists() else {}
        return Outcome(done.status, done.out, done.err, report)


def end(process: subprocess.Popen[bytes], number: int = signal.SIGKILL, *, group: bool = True) -> Outcome:
    """Send a signal, unless the process ended before, and wait until it and all its children are gone."""
    if process.poll() is None:
        (os.killpg if group else os.kill)(process.pid, number)
    return outcome_of(process)


def outcome_of(process: subprocess.Popen[bytes]) -> Outcome:
    """Wait for a process and its children."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    return Outcome(process.returncode, out, err.decode("utf-8", "replace"))


def equal(lab: Lab, first: str | Path, second: str | Path, *more: str) -> None:
    """Let `skycap check` say that two places hold the same."""
    outcome = lab.run("check", first, second, *more)
    assert outcome.status == 0, (outcome.out, outcome.err)


def rclone(
    args: Sequence[str | Path], env: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run the foreign client, with settings of its own."""
    program = str(Path(sys.executable).with_name("rclone"))
    return subprocess.run(
        [program, "--config", str(folder / "rclone.conf"), *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
        timeout=TIMEOUT_S,
        check=False,
    )
