"""What it takes to have a CA trusted on each system, as data: nothing here is done.

On Linux there is a store of the system, which only root writes, and one of each browser (NSS), which is its
user's. On macOS and Windows the store is the user's.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from skycap.core.errors import Unsupported
from skycap.core.server.certificates import Certificate

Action = Literal["install", "uninstall"]


@dataclass(frozen=True, slots=True)
class System:
    """The machine whose stores are meant: `release` is the text of os-release, `root` where files begin."""

    platform: str
    release: str = ""
    root: str = "/"
    home: str = ""
    is_root: bool = False

    @classmethod
    def here(cls) -> System:
        """This one."""
        release = ""
        for path in ("/etc/os-release", "/usr/lib/os-release"):
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    release = file.read()
                break
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        return cls(sys.platform, release, "/", os.path.expanduser("~"), is_root)

    @property
    def family(self) -> str:
        """`debian`, `fedora`, `arch`, `suse`, `macos`, `windows`, or nothing for one that is not known."""
        if self.platform == "darwin":
            return "macos"
        if self.platform == "win32":
            return "windows"
        values = dict(line.split("=", 1) for line in self.release.splitlines() if "=" in line)
        words = " ".join(values.get(key, "").strip("\"'") for key in ("ID", "ID_LIKE")).lower().split()
        return next((_FAMILIES[word] for word in words if word in _FAMILIES), "")


_FAMILIES = {
    "debian": "debian", "ubuntu": "debian", "alpine": "debian", "fedora": "fedora", "rhel": "fedora",
    "centos": "fedora", "arch": "arch", "suse": "suse", "opensuse": "suse", "sles": "suse",
}  # fmt: skip
ANCHORS = {
    "debian": ("usr/local/share/ca-certificates", ("update-ca-certificates",)),
    "fedora": ("etc/pki/ca-trust/source/anchors", ("update-ca-trust", "extract")),
    "suse": ("etc/pki/trust/anchors", ("update-ca-certificates",)),
    "arch": ("etc/ca-certificates/trust-source/anchors", ("trust", "extract-compat")),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes: first `user`, as the user, then the files and `system`, by root where `needs_root`.

    `copies` are pairs of source and target, `removes` are targets.
    """

    copies: tuple[tuple[str, str], ...] = ()
    removes: tuple[str, ...] = ()
    system: tuple[tuple[str, ...], ...] = ()
    user: tuple[tuple[str, ...], ...] = ()
    needs_root: bool = False
    notes: tuple[str, ...] = ()

    @property
    def by_root(self) -> tuple[tuple[str, ...], ...]:
        """The files and the commands of the system as commands alone."""
        copies = (("install", "-D", "-m", "0644", source, target) for source, target in self.copies)
        removes = (("rm", "-f", target) for target in self.removes)
        return (*copies, *removes, *self.system)

    @property
    def sudo(self) -> str:
        """The one line that does it by hand."""
        return " && ".join(f"sudo {shlex.join(argv)}" for argv in self.by_root)


def plan(
    system: System, ca: Certificate, action: Action = "install", *, browsers: Iterable[str] = ()
) -> Plan:
    """What to do on this system; `browsers` are the folders of NSS databases. Nothing is looked at or done.

    `Unsupported` for a system that is not known.
    """
    installs = action == "install"
    plain = ca.sha1.replace(":", "")
    family = system.family
    if family == "macos":
        keychain = os.path.join(system.home, "Library/Keychains/login.keychain-db")
        adds = ("security", "add-trusted-cert", "-r", "trustRoot", "-k", keychain, ca.path)
        removes = ("security", "delete-certificate", "-t", "-Z", plain, keychain)
        return Plan(user=(adds if installs else removes,), notes=("macOS asks for your password.",))
    if family == "windows":
        tail = ("-addstore", "Root", ca.path) if installs else ("-delstore", "Root", plain)
        return Plan(user=(("certutil", "-user", *tail),), notes=("Windows asks whether you trust it.",))
    if family not in ANCHORS:
        raise Unsupported(
            f"the trust store of this system is not known ({system.platform})",
            where=ca.path,
            hint="Its own documentation tells how to trust a CA; that file is the one to add.",
        )
    folder, command = ANCHORS[family]
    target = os.path.join(system.root, folder, f"{_nickname(ca)}.crt")
    databases = tuple(browsers)
    # Without it the program of Debian leaves a link to what is gone.
    fresh = ("--fresh",) if family == "debian" and not installs else ()
    notes = () if databases else ("Firefox and Chrome keep stores of their own; none was found.",)
    return Plan(
        copies=((ca.path, target),) if installs else (),
        removes=() if installs else (target,),
        system=(_rooted((*command, *fresh), system.root),),
        user=tuple(_browser(database, ca, installs=installs) for database in databases),
        needs_root=system.root == "/",
        notes=notes,
    )


def _browser(database: str, ca: Certificate, *, installs: bool) -> tuple[str, ...]:
    where = ("-d", f"sql:{database}", "-n", _nickname(ca))
    if installs:
        return ("certutil", "-A", *where, "-t", "C,,", "-i", ca.path)
    return ("certutil", "-D", *where)


def _nickname(ca: Certificate) -> str:
    return f"skycap-{ca.sha256.replace(':', '')[:16].lower()}"


def _rooted(command: tuple[str, ...], root: str) -> tuple[str, ...]:
    """The command for a system whose files begin elsewhere, as in an image that is being made."""
    if root == "/":
        return command
    if command[0] == "update-ca-certificates":
        return (
            *command,
            "--etccertsdir", os.path.join(root, "etc/ssl/certs"),
            "--certsconf", os.path.join(root, "etc/ca-certificates.conf"),
            "--certsdir", os.path.join(root, "usr/share/ca-certificates"),
            "--localcertsdir", os.path.join(root, "usr/local/share/ca-certificates"),
            "--hooksdir", os.path.join(root, "etc/ca-certificates/update.d"),
        )  # fmt: skip
    return ("chroot", root, *command)
