"""How each system mounts a WebDAV server, as text and, where there is one, as a command. Nothing is done."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

System = Literal["macos", "windows", "gnome", "kde", "davfs2", "rclone"]


@dataclass(frozen=True, slots=True)
class Target:
    """A server to mount: its URL, the user, the CA if it is ours.

    The user is "" where everybody may come in, and None where there are several.
    """

    url: str
    user: str | None
    ca: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is asked for a name."""
        return self.user == ""

    @property
    def shown_user(self) -> str:
        """The user, or the word in its place."""
        return "USER" if self.user is None else self.user

    @property
    def is_secure(self) -> bool:
        """Whether it is TLS."""
        return self.url.startswith("https:")

    def with_scheme(self, scheme: str) -> str:
        """The URL in the spelling of a desktop: `dav`, `webdav`; over TLS with an s at the end."""
        return f"{scheme}{'s' if self.is_secure else ''}://{self.url.partition('://')[2]}"

    @property
    def unc(self) -> str:
        r"""The URL in the spelling of Windows: `\\host@SSL@port\DavWWWRoot\path`."""
        parts = urlsplit(self.url)
        host = f"{parts.hostname}{'@SSL' if self.is_secure else ''}"
        port = f"@{parts.port}" if parts.port else ""
        path = parts.path.strip("/").replace("/", "\\")
        return f"\\\\{host}{port}\\DavWWWRoot" + (f"\\{path}" if path else "")


def instructions(system: System, target: Target, folder: str = "FOLDER") -> list[str]:
    """What to do on a system, a line a step; lines that begin with two blanks are commands."""
    lines = _TEXTS[system](target, folder)
    if target.ca is not None:
        lines = [*_trust(system, target.ca), *lines]
    return lines


def command(system: System, target: Target, folder: str) -> list[str] | None:
    """The command that mounts it into a folder; None where a desktop alone can."""
    if system == "macos":
        ask = [] if target.is_anonymous else ["-i"]
        return ["mount_webdav", *ask, "-v", "skycap", target.url, folder]
    if system == "windows":
        user = [] if target.is_anonymous else [f"/user:{target.shown_user}", "*"]
        return ["net", "use", folder, target.url, *user]
    if system == "gnome":
        return ["gio", "mount", *(["--anonymous"] if target.is_anonymous else []), target.with_scheme("dav")]
    if system == "davfs2":
        options = [] if target.is_anonymous else ["-o", f"username={target.shown_user}"]
        return ["mount", "-t", "davfs", *options, target.url, folder]
    return None


PROGRAMS: Mapping[System, tuple[str, str]] = {
    "macos": ("mount_webdav", "It comes with macOS."),
    "windows": ("net", "It comes with Windows."),
    "gnome": ("gio", "Debian: apt install gvfs-backends libglib2.0-bin; Fedora: dnf install gvfs glib2."),
    "davfs2": ("mount.davfs", "Debian: apt install davfs2; Fedora: dnf install davfs2."),
}
"""The program that mounts, and how it is installed."""


def _trust(system: System, ca: str) -> list[str]:
    if system == "davfs2":
        return [
            "Let davfs2 trust the certificate: put this line into /etc/davfs2/davfs2.conf.",
            f"  trust_ca_cert {ca}",
        ]
    if system == "rclone":
        return []
    return [
        "On this machine, have the certificate trusted once:",
        "  skycap webdav cert install",
        f"On another one, copy {ca} there and have it trusted in its way.",
    ]


def _macos(target: Target, folder: str) -> list[str]:
    return [
        "In the Finder: Go, Connect to Server (Cmd-K), and this address:",
        f"  {target.url}",
        "Choose Guest." if target.is_anonymous else f"Log in as {target.shown_user}.",
        "Or in a terminal, into a folder that is there:",
        f"  {shlex.join(command('macos', target, folder) or [])}",
    ]


def _windows(target: Target, folder: str) -> list[str]:
    lines = [
        "The service WebClient must run; in a terminal as administrator:",
        "  sc.exe config WebClient start= auto",
        "  net start WebClient",
    ]
    if not (target.is_secure or target.is_anonymous):
        lines += [
            "Windows sends a password over TLS only. Serve with --tls self-signed, or allow it all the same:",
            "  reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters "
            "/v BasicAuthLevel /t REG_DWORD /d 2 /f",
            "  net stop WebClient && net start WebClient",
        ]
    letter = folder if folder.endswith(":") else "Z:"
    return [
        *lines,
        f"Then, with {letter} as a drive:",
        f"  {' '.join(command('windows', target, letter) or [])}",
        "In the Explorer it is also:",
        f"  {target.unc}",
        "Windows refuses files over 50 MB until FileSizeLimitInBytes beside BasicAuthLevel is raised.",
    ]


def _gnome(target: Target, folder: str) -> list[str]:
    return [
        "In Files: Other Locations, Connect to Server, and this address:",
        f"  {target.with_scheme('dav')}",
        "Or in a terminal:",
        f"  {shlex.join(command('gnome', target, folder) or [])}",
        "It then lies below /run/user/$UID/gvfs.",
    ]


def _kde(target: Target, _folder: str) -> list[str]:
    return [
        "In Dolphin: press Ctrl-L, and type this address:",
        f"  {target.with_scheme('webdav')}",
        "Or in a terminal:",
        f"  dolphin {shlex.quote(target.with_scheme('webdav'))}",
    ]


def _davfs2(target: Target, folder: str) -> list[str]:
    lines = [
        "As root, into a folder that is there:",
        f"  {shlex.join(command('davfs2', target, folder) or [])}",
    ]
    if target.is_anonymous:
        return [*lines, "It asks for a name and a password; press Enter twice."]
    return [
        *lines,
        "It asks for the password, or finds it in /etc/davfs2/secrets (0600), in a line like this:",
        f"  {target.url} {target.shown_user} PASSWORD",
    ]


def _rclone(target: Target, folder: str) -> list[str]:
    user = [] if target.is_anonymous else [f"user={target.shown_user}"]
    ca = [] if target.ca is None else ["--ca-cert", target.ca]
    create = ["rclone", "config", "create", "skycap", "webdav", f"url={target.url}", "vendor=rclone", *user]
    lines = ["Make a remote, once:", f"  {shlex.join(create)}"]
    if not target.is_anonymous:
        lines += [
            "Give it the password; edit the remote skycap in this dialogue, which asks for it:",
            "  rclone config",
        ]
    return [
        *lines,
        "Then mount it, or copy without mounting:",
        f"  {shlex.join(['rclone', 'mount', *ca, 'skycap:', folder])}",
        f"  {shlex.join(['rclone', 'copy', *ca, 'FILE', 'skycap:'])}",
    ]


_TEXTS: Mapping[System, Callable[[Target, str], list[str]]] = {
    "macos": _macos,
    "windows": _windows,
    "gnome": _gnome,
    "kde": _kde,
    "davfs2": _davfs2,
    "rclone": _rclone,
}
SYSTEMS: tuple[System, ...] = tuple(_TEXTS)
