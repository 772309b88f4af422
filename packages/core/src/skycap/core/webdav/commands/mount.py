"""`skycap webdav mount`: how to mount a running server, and mounts it where that can be done."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

import typer

from skycap.core.cli.complete import complete_local
from skycap.core.cli.session import Session, session
from skycap.core.errors import AccessDenied, DependencyMissing, Error, NotFound, Unsupported
from skycap.core.server import Running
from skycap.core.webdav.commands.choosing import ServerName, choose
from skycap.core.webdav.commands.mounting import PROGRAMS, SYSTEMS, System, Target, command, instructions

_TITLES = {
    "macos": "macOS",
    "windows": "Windows",
    "gnome": "GNOME",
    "kde": "KDE",
    "davfs2": "davfs2 (Linux, as a file system)",
    "rclone": "rclone",
}


def mount(
    name: ServerName = None,
    folder: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="DIR",
            autocompletion=complete_local,
            help="Mount it there now; on Windows a drive such as Z:. GNOME chooses the folder itself.",
        ),
    ] = None,
    system: Annotated[System | None, typer.Option("--system", help="Tell of this one only.")] = None,
) -> None:
    """Tell how each system mounts a running server, or mount it here.

    \b
    Examples:
      skycap webdav mount --system macos
      skycap webdav mount --system davfs2 --run /mnt/photos
    """
    run = session()
    server = choose(name)
    target = _target(server)
    if folder is not None:
        _mount(run, system or _here(), target, folder)
        return
    for one in SYSTEMS if system is None else (system,):
        lines = instructions(one, target)
        if run.json:
            record = {
                "type": "mount",
                "server": server.name,
                "system": one,
                "url": target.url,
                "steps": lines,
            }
            run.emit(record)
            continue
        if system is None:
            run.line(f"{_TITLES[one]}:")
        for line in lines:
            run.line(line if system is not None else f"  {line}")
        if system is None:
            run.line("")
    for url in server.urls[1:]:
        run.note(f"From another machine the address is {url}")


def _target(server: Running) -> Target:
    facts = server.facts
    user = "" if facts["login"] == "no" else facts["user"] or None
    return Target(server.urls[0], user, facts["ca"] or None)


def _here() -> System:
    """The way of this machine: its own, on Linux a file system for root and the desktop for others."""
    if sys.platform == "darwin":
        return "macos"
    if sys.platform == "win32":
        return "windows"
    if shutil.which(PROGRAMS["gnome"][0]) is None:
        return "davfs2"
    return "davfs2" if os.geteuid() == 0 and shutil.which(PROGRAMS["davfs2"][0]) else "gnome"


def _mount(run: Session, system: System, target: Target, folder: str) -> None:
    import subprocess

    argv = command(system, target, os.path.expanduser(folder))
    if argv is None:
        hint = f'"skycap webdav mount --system {system}" tells how.'
        raise Unsupported(f"{system} is not mounted by a command", hint=hint)
    program, install = PROGRAMS[system]
    if shutil.which(program) is None:
        raise DependencyMissing(f"the program {program} is not installed", hint=install)
    if system == "davfs2":
        if os.geteuid() != 0:
            raise AccessDenied(
                "only root mounts with davfs2", where=folder, hint="Run it with sudo, or take --system gnome."
            )
        if not os.path.isdir(argv[-1]):
            raise NotFound("there is no such folder to mount it in", where=folder)
    # Where a password is asked for, the program does it, at the terminal; davfs2 wants two answers at least.
    answers = b"\n\n" if target.is_anonymous else None
    done = subprocess.run(argv, input=answers, check=False)
    if done.returncode:
        raise Error(f"{argv[0]} ended with status {done.returncode}", where=folder)
    run.note(f"Mounted {target.url}.")
