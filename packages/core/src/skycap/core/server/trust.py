"""Puts the CA of this machine into the trust stores of its clients, and takes it out again."""

from __future__ import annotations

import glob
import os
import shlex
import shutil
from dataclasses import replace

from skycap.core.errors import AccessDenied, DependencyMissing, Error, NotFound
from skycap.core.server.certificates import Certificate
from skycap.core.server.trust_plan import ANCHORS, Action, Plan, System, plan

_TIMEOUT_S = 120.0


def install(ca: Certificate, system: System | None = None) -> Plan:
    """Have the CA trusted; gives what was done, with notes.

    `NotFound` if there is no CA yet, `DependencyMissing` for a program, `AccessDenied` with the command for
    root, `Error` with what a program said.
    """
    if not os.path.exists(ca.path):
        raise NotFound("there is no certificate to trust yet", where=ca.path)
    return _do(ca, system or System.here(), "install")


def uninstall(ca: Certificate, system: System | None = None) -> Plan:
    """Have it trusted no longer; what is not there is success. The errors of `install`."""
    return _do(ca, system or System.here(), "uninstall")


def is_installed(ca: Certificate, system: System | None = None) -> bool:
    """Whether the store of the system holds it."""
    system = system or System.here()
    if system.family in ANCHORS:
        ((_, target),) = plan(system, ca).copies
        return _holds_same(target, ca.path)
    plain = ca.sha1.replace(":", "")
    if system.family == "macos":
        return plain in _output("security", "find-certificate", "-a", "-Z").upper()
    if system.family == "windows":
        return plain in _output("certutil", "-user", "-store", "Root", plain).upper()
    return False


def browser_databases(home: str) -> list[str]:
    """The folders of the NSS databases of Firefox and Chrome below a home."""
    patterns = (
        ".pki/nssdb", ".mozilla/firefox/*", ".config/mozilla/firefox/*",
        "snap/firefox/common/.mozilla/firefox/*", "snap/chromium/current/.pki/nssdb",
        ".var/app/org.mozilla.firefox/.mozilla/firefox/*",
    )  # fmt: skip
    found = (path for pattern in patterns for path in glob.glob(os.path.join(glob.escape(home), pattern)))
    return sorted(path for path in found if os.path.exists(os.path.join(path, "cert9.db")))


def _do(ca: Certificate, system: System, action: Action) -> Plan:
    notes: list[str] = []
    databases: list[str] = []
    if system.family in ANCHORS:
        databases = browser_databases(system.home)
        if databases and shutil.which("certutil") is None:
            notes.append(
                "Firefox and Chrome keep stores of their own, which certutil writes (Debian: libnss3-tools, "
                f"Fedora: nss-tools, Arch: nss). Without it, import {ca.path} in their settings."
            )
            databases = []
    todo = plan(system, ca, action, browsers=databases)
    for argv in todo.user:
        # One that never was in a browser cannot be taken out of it, and that is success.
        _run(argv, may_fail=action == "uninstall")
    if _is_done(todo, ca):
        notes.append("The store of the system is as it should be already.")
    elif todo.by_root:
        if todo.needs_root and not system.is_root:
            raise AccessDenied(
                "only root changes the trust store of this system", where=ca.path, hint=f"Run: {todo.sudo}"
            )
        _place(todo)
        try:
            for argv in todo.system:
                _run(argv)
        except Error:
            # What is there counts as done: the next time is to try again.
            for _, target in todo.copies:
                os.unlink(target)
            raise
    return replace(todo, notes=tuple(notes) or todo.notes)


def _is_done(todo: Plan, ca: Certificate) -> bool:
    if todo.copies:
        return all(_holds_same(target, ca.path) for _, target in todo.copies)
    return bool(todo.removes) and not any(os.path.exists(target) for target in todo.removes)


def _place(todo: Plan) -> None:
    try:
        for source, target in todo.copies:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            os.chmod(target, 0o644)
        for target in todo.removes:
            os.unlink(target)
    except OSError as error:
        raise AccessDenied(
            f"the trust store cannot be changed ({error.strerror})",
            where=error.filename,
            hint=f"Run: {todo.sudo}",
        ) from error


def _run(argv: tuple[str, ...], *, may_fail: bool = False) -> None:
    import subprocess

    if shutil.which(argv[0]) is None:
        raise DependencyMissing(
            f"the program {argv[0]} is not installed", hint=f"It would run: {shlex.join(argv)}"
        )
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Error(f"{argv[0]} took longer than {_TIMEOUT_S:g} s", hint=f"Run: {shlex.join(argv)}") from None
    if done.returncode and not may_fail:
        said = done.stdout.decode("utf-8", "backslashreplace").strip()
        raise Error(
            f"{argv[0]} ended with status {done.returncode}: {said[-500:]}",
            hint=f"It ran: {shlex.join(argv)}",
        )


def _output(*argv: str) -> str:
    import subprocess

    if shutil.which(argv[0]) is None:
        return ""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
    )
    return done.stdout.decode("utf-8", "replace").replace(" ", "")


def _holds_same(target: str, source: str) -> bool:
    try:
        with open(target, "rb") as one, open(source, "rb") as other:
            return one.read() == other.read()
    except OSError:
        return False
