"""Secrets by reference: the configuration says where one is, never what it is.

keyring:SERVICE/NAME      the desktop's keyring, or an encrypted file where there is none
keyring:STORE:SERVICE/NAME  the same in the credential store of this name, such as one of a plugin
env:VARIABLE              an environment variable
command:PROGRAM ARGUMENT  the first line that a program prints; no shell is between
file:PATH                 the first line of a file
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, Error

if TYPE_CHECKING:
    from skycap.core.auth.method import CredentialStore

KINDS = ("keyring:", "env:", "command:", "file:")
COMMAND_TIMEOUT_S = 60.0
STORES = ("keyring", "file")
"""Where a `keyring:` reference is looked up, in this order."""
_log = logging.getLogger("skycap.auth")


def prefix_of(store: CredentialStore) -> str:
    """How a reference into this store begins: one of a plugin is named, so that it is found again."""
    return "keyring" if store.name in STORES else f"keyring:{store.name}"


def points_to(reference: object, service: str, name: str) -> bool:
    """Whether this is a reference to that secret, in whatever store."""
    kind, _, rest = str(reference).partition(":")
    return kind == "keyring" and (rest == f"{service}/{name}" or rest.endswith(f":{service}/{name}"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret in a credential store."""

    store: CredentialStore
    service: str
    name: str

    def keep(self, value: Secret[str]) -> None:
        """Put another one in its place."""
        self.store.set(self.service, self.name, value)

    def forget(self) -> None:
        """Remove it. One that is absent is success."""
        self.store.delete(self.service, self.name)


class Secrets:
    """Fetches what references point to. `stores` gives a credential store by name, or None."""

    def __init__(
        self,
        stores: Callable[[str], CredentialStore | None],
        *,
        environ: Mapping[str, str] = os.environ,
        timeout_s: float = COMMAND_TIMEOUT_S,
    ) -> None:
        self._stores = cache(stores)  # one that asks for a passphrase of its own asks once
        self._environ = environ
        self._timeout_s = timeout_s

    @staticmethod
    def is_reference(value: str) -> bool:
        """Whether a value says where a secret is."""
        return value.startswith(KINDS)

    def fetch(self, reference: str, *, where: str) -> Secret[str]:
        """The secret; `AuthMissing` says which reference led nowhere, and `where` it stands."""
        kind, _, rest = reference.partition(":")
        try:
            found = {
                "keyring": self._keyring,
                "env": self._variable,
                "command": self._command,
                "file": self._file,
            }[kind](rest)
        except Error as error:
            error.where = error.where or where
            raise
        if not found:
            raise AuthMissing(f"{_shown(reference)} is empty", where=where)
        from skycap.core.http.redact import register_secret

        register_secret(found)
        return found

    def store(self) -> CredentialStore:
        """The store that new secrets go to: `SKYCAP_CREDENTIAL_STORE`, else the first that works."""
        if chosen := self._environ.get("SKYCAP_CREDENTIAL_STORE"):
            store = self._stores(chosen)
            if store is None:
                raise AuthMissing(
                    f"there is no credential store {chosen!r}",
                    where="environment SKYCAP_CREDENTIAL_STORE",
                    hint=f"Known are {', '.join(STORES)}, and those of plugins.",
                )
            if store.name not in {chosen, *STORES}:
                raise AuthMissing(
                    f"the credential store {chosen!r} says that its name is {store.name!r}",
                    where="environment SKYCAP_CREDENTIAL_STORE",
                    hint="What it keeps would not be found again: please report it to those who make it.",
                )
            return store
        for name in STORES:
            store = self._stores(name)
            if store is not None and store.available():
                return store
        raise AuthMissing(
            "no credential store works here", hint="Use references like env: or command: instead."
        )

    def entry(self, reference: str) -> Entry | None:
        """What a `keyring:` reference points to; None for one of another kind."""
        kind, _, rest = reference.partition(":")
        return self._held(rest)[0] if kind == "keyring" else None

    def _keyring(self, rest: str) -> Secret[str]:
        return self._held(rest)[1]

    def _held(self, rest: str) -> tuple[Entry, Secret[str]]:
        service, slash, name = rest.rpartition("/")
        if not (slash and service and name):
            raise AuthMissing(
                f"keyring:{rest} is not a reference",
                hint="Write keyring:SERVICE/NAME, as in keyring:skycap/photos.",
            )
        chosen = self._environ.get("SKYCAP_CREDENTIAL_STORE")
        for held in self._looked_up(service, name, (chosen,) if chosen else STORES):
            return held
        raise AuthMissing(
            f"no credential store holds {service}/{name}",
            hint='Run "skycap auth login REMOTE" to put it there; "skycap doctor" tells which stores work.',
        )

    def held(self, reference: str) -> list[Entry]:
        """All that a `keyring:` reference may mean: in our own stores, the chosen and the named one."""
        kind, _, rest = reference.partition(":")
        service, _, name = rest.rpartition("/")
        chosen = self._environ.get("SKYCAP_CREDENTIAL_STORE")
        stores = dict.fromkeys([*STORES, chosen] if chosen else STORES)
        return [entry for entry, _ in self._looked_up(service, name, stores)] if kind == "keyring" else []

    def _looked_up(
        self, service: str, name: str, stores: Iterable[str]
    ) -> Iterator[tuple[Entry, Secret[str]]]:
        named, colon, rest = service.partition(":")
        # A service may hold a colon too; only what is a store is taken for one.
        if colon and self._stores(named) is not None:
            service, stores = rest, (named,)
        for store_name in stores:
            store = self._stores(store_name)
            if store is not None and store.available() and (found := store.get(service, name)):
                yield Entry(store, service, name), found

    def _variable(self, name: str) -> Secret[str]:
        value = self._environ.get(name)
        if value is None:
            raise AuthMissing(f"the environment variable {name} is not set", hint=f"export {name}=…")
        return Secret(value)

    def _command(self, line: str) -> Secret[str]:
        import shlex
        import subprocess

        try:
            words = shlex.split(line, posix=os.name != "nt")
        except ValueError as error:
            raise AuthMissing(f"the command of a secret cannot be read ({error})") from None
        if not words:
            raise AuthMissing("the command of a secret is empty")
        program = words[0]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=self._timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            # The exception holds what was printed so far, which may be half of the secret.
            raise AuthMissing(f"{program} took longer than {self._timeout_s:g} s to give a secret") from None
        except OSError as error:
            raise AuthMissing(f"{program} cannot be run ({error.strerror})") from None
        if done.returncode != 0:
            raise AuthMissing(
                f"{program} failed with status {done.returncode}", hint="Run it by hand to see why."
            )
        return Secret(_first_line(done.stdout))

    def _file(self, path: str) -> Secret[str]:
        path = os.path.expanduser(path)
        try:
            with open(path, "rb") as file:
                if os.name != "nt" and os.fstat(file.fileno()).st_mode & 0o077:
                    _log.warning("others can read the secret in %s; chmod 600 keeps it yours", path)
                return Secret(_first_line(file.read(1 << 20)))
        except OSError as error:
            raise AuthMissing(f"the secret in {path} cannot be read ({error.strerror})") from error


def _first_line(raw: bytes) -> str:
    line = raw.split(b"\n", 1)[0].rstrip(b"\r")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise AuthMissing("the secret is not text") from None


def _shown(reference: str) -> str:
    """A reference for messages; the arguments of a command are left out."""
    return reference.split()[0] if reference.startswith("command:") else reference
