"""What core itself adds to the lists, through the same hooks as everybody else."""

from __future__ import annotations

from collections.abc import Iterator

from skycap.core.hookspecs import Lazy, hookimpl

_COMMANDS = {
    "ls": "List files",
    "tree": "Show a folder and all below it as a tree",
    "stat": "Tell all that is known about one file",
    "cat": "Write files to standard output",
    "copy": "Copy files and folders from anywhere to anywhere",
    "move": "Move files and folders from anywhere to anywhere",
    "sync": "Make a folder the same as another, removing what is too much",
    "check": "Compare two folders and tell the differences",
    "remove": "Remove files and folders",
    "mkdir": "Make a folder",
    "du": "Count files and bytes below a folder",
    "find": "Find files by name, size, age",
    "link": "Make links to files for people without an account",
    "versions": "Show and bring back old versions of a file",
    "trash": "Show, bring back and clear what was removed",
    "quota": "Tell how many bytes are used and free",
    "remote": "Set up and look after remotes",
    "auth": "Log in to remotes, and out",
    "plugins": "Show the plugins that are installed",
    "config": "Show and edit the configuration",
    "info": "Tell versions, folders and plugins, for bug reports",
    "logs": "Tell where the log files are, and show the last lines",
    "doctor": "Look for what is wrong with this installation",
    "completion": "Print the completion script of a shell",
}

_WEBDAV = "skycap.core.webdav.commands"


@hookimpl
def register_storage_types() -> Iterator[Lazy]:
    """Files of this machine, files in memory, and encryption over any other storage."""
    yield Lazy("local", "Files of this machine", "skycap.core.storage.local:Local")
    yield Lazy("memory", "Files that live as long as the process", "skycap.core.storage.memory:Memory")
    yield Lazy("crypt", "Another remote, encrypted", "skycap.core.storage.overlays.crypt:Crypt")


@hookimpl
def register_commands() -> Iterator[Lazy]:
    """One module a command."""
    for name, summary in _COMMANDS.items():
        yield Lazy(name, summary, f"skycap.core.cli.commands.{name}:app")
    yield Lazy("webdav", "Serve files over WebDAV, and tell how to mount them", f"{_WEBDAV}:app")


@hookimpl
def register_auth_methods() -> Iterator[Lazy]:
    """For every type without a method of its own: its secret options, kept in the credential store."""
    yield Lazy("options", "Secret options, asked for and kept safe", "skycap.core.auth.options:OptionsMethod")


@hookimpl
def credential_store(name: str) -> object | None:
    """The keyring of the desktop, and an encrypted file."""
    if name == "keyring":
        from skycap.core.auth.keyring_store import KeyringStore

        return KeyringStore()
    if name == "file":
        from skycap.core.auth.file_store import FileStore

        return FileStore()
    return None
