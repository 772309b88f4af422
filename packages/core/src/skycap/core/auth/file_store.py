"""An encrypted file as a credential store, for machines without a keyring.

One JSON file, `credentials.json` in the state folder, mode 0600:

    {"version": 1,
     "kdf": {"name": "argon2id", "salt": base64, "memory_kib": n, "iterations": n, "lanes": n},
     "nonce": base64, "tag": base64, "ciphertext": base64}

The plain text is a JSON object of objects: service, name, secret. It is sealed with AES-256-GCM under a key
that Argon2id makes from a passphrase; `version` and `kdf` as canonical JSON (sorted keys, no spaces) are the
associated data, so that nobody makes guesses cheaper by changing them. The salt is new at each write.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from skycap.core.config.edit import locked, replace_private
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, IntegrityError, StateReadFailed, StateWriteFailed
from skycap.core.state import make_private_folder, state_folder

FILE_NAME = "credentials.json"
VARIABLE = "SKYCAP_PASSPHRASE"
_SALT_SIZE = 16
_typed: dict[str, Secret[str]] = {}
"""What somebody typed and what opened a file, by its path: nobody is asked twice in one run."""
Contents = dict[str, dict[str, str]]


def ask_passphrase(*, new: bool) -> Secret[str]:
    """The passphrase from `SKYCAP_PASSPHRASE`, else from the terminal; a new one is asked for twice."""
    if value := os.environ.get(VARIABLE):
        return Secret(value)
    if not sys.stdin.isatty():
        raise AuthMissing(
            "the encrypted credential file needs its passphrase, and nobody is there to type it",
            hint=f"Set {VARIABLE}, or use references like env: or command: instead.",
        )
    import getpass

    if new:
        print(
            "No keyring keeps secrets here, so they go into an encrypted file; choose a passphrase for it.\n"
            f"Runs that nobody sits at take it from {VARIABLE}.",
            file=sys.stderr,
        )
    while True:
        first = Secret(getpass.getpass("Passphrase of the credential file: ", stream=sys.stderr))
        if not first:
            print("An empty one would protect nothing.", file=sys.stderr)
            continue
        if not new or first == Secret(getpass.getpass("The same again: ", stream=sys.stderr)):
            return first
        print("They are not the same.", file=sys.stderr)


class FileStore:
    """Secrets in one file, readable with one passphrase."""

    name: ClassVar[str] = "file"

    def __init__(
        self, path: str | None = None, passphrase: Callable[..., Secret[str]] = ask_passphrase
    ) -> None:
        self._path = path or os.path.join(state_folder(), FILE_NAME)
        self._ask = passphrase
        self._passphrase: Secret[str] | None = None

    def available(self) -> bool:
        """It always works."""
        return True

    def get(self, service: str, name: str) -> Secret[str] | None:
        """The secret, or None. `IntegrityError` if the passphrase is wrong or the file was changed."""
        if not os.path.exists(self._path):
            return None
        value = self._load().get(service, {}).get(name)
        return None if value is None else Secret(value)

    def set(self, service: str, name: str, value: Secret[str]) -> None:
        """Keep it."""
        self._change(lambda contents: contents.setdefault(service, {}).update({name: value.reveal()}))

    def delete(self, service: str, name: str) -> None:
        """Forget it."""
        if os.path.exists(self._path):
            self._change(lambda contents: contents.get(service, {}).pop(name, None))

    def _change(self, change: Callable[[Contents], Any]) -> None:
        try:
            make_private_folder(os.path.dirname(self._path))
            with locked(f"{self._path}.lock"):
                contents = self._load() if os.path.exists(self._path) else {}
                change(contents)
                replace_private(self._path, self._seal(contents))
        except OSError as error:
            raise StateWriteFailed(str(error.strerror), where=self._path) from error

    def _load(self) -> Contents:
        from skycap.core.crypto.envelope import Sealed, open_sealed
        from skycap.core.crypto.kdf import Argon2Parameters, argon2id

        try:
            with open(self._path, "rb") as file:
                found = json.load(file)
            kdf = found["kdf"]
            parameters = Argon2Parameters(kdf["memory_kib"], kdf["iterations"], kdf["lanes"])
            salt = base64.b64decode(kdf["salt"])
            sealed = Sealed(*(base64.b64decode(found[part]) for part in ("nonce", "ciphertext", "tag")))
            head = _head(found["version"], kdf)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateReadFailed(
                f"the credential file cannot be read ({type(error).__name__})",
                where=self._path,
                hint="Move it away and log in again.",
            ) from error
        parameters.require_strength()
        key = argon2id(self._known_passphrase(new=False), salt, parameters=parameters)
        try:
            contents: Contents = json.loads(open_sealed(key, sealed, aad=head))
        except IntegrityError:
            self._passphrase = None
            _typed.pop(self._path, None)
            raise AuthMissing(
                "the passphrase does not open the credential file, or the file was changed",
                where=self._path,
                hint=f"Is {VARIABLE} right? Without the passphrase, move the file away and log in again.",
            ) from None
        self._remember()
        return contents

    def _seal(self, contents: Contents) -> bytes:
        from skycap.core.crypto.envelope import seal
        from skycap.core.crypto.kdf import Argon2Parameters, argon2id

        parameters = Argon2Parameters()
        salt = os.urandom(_SALT_SIZE)
        kdf = {
            "name": "argon2id",
            "salt": _text(salt),
            "memory_kib": parameters.memory_kib,
            "iterations": parameters.iterations,
            "lanes": parameters.lanes,
        }
        new = not os.path.exists(self._path)
        key = argon2id(self._known_passphrase(new=new), salt, parameters=parameters)
        sealed = seal(key, json.dumps(contents).encode("utf-8"), aad=_head(1, kdf))
        file = {"version": 1, "kdf": kdf, "nonce": _text(sealed.nonce), "tag": _text(sealed.tag)}
        file["ciphertext"] = _text(sealed.ciphertext)
        self._remember()
        return json.dumps(file).encode("ascii") + b"\n"

    def _known_passphrase(self, *, new: bool) -> Secret[str]:
        if self._passphrase is None:
            known = None if os.environ.get(VARIABLE) or self._ask is not ask_passphrase else _typed
            self._passphrase = (known or {}).get(self._path) or self._ask(new=new)
        return self._passphrase

    def _remember(self) -> None:
        if self._passphrase is not None and self._ask is ask_passphrase and not os.environ.get(VARIABLE):
            _typed[self._path] = self._passphrase


def _head(version: int, kdf: dict[str, Any]) -> bytes:
    if version != 1:
        raise ValueError("a newer format")
    return json.dumps({"kdf": kdf, "version": version}, sort_keys=True, separators=(",", ":")).encode("ascii")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
