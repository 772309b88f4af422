"""The file of users for Digest: `name:SHA-256:MD5`, one a line. docs/formats/digest-users.md has all of it.

The two are H(name:realm:password) in hexadecimal. Whoever has one can log in with it: the file must have the
mode 0600.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from skycap.core.config.edit import locked, replace_private
from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, NotFound, StateWriteFailed
from skycap.core.server.passwords import require_usable
from skycap.core.server.users import require_name

REALM = "skycap"
ALGORITHMS: Mapping[str, str] = MappingProxyType({"SHA-256": "sha256", "MD5": "md5"})
"""By the name that clients know; the best first."""
_HINT = "Each line is name:SHA-256:MD5, as docs/formats/digest-users.md tells."
_LINE = re.compile(r"([^:]+):([0-9a-f]{64}):([0-9a-f]{32})")

Halves = Mapping[str, Secret[str]]
"""What a user is known by, for each algorithm."""


def hashed(algorithm: str, text: str) -> str:
    """H(text) in hexadecimal."""
    return hashlib.new(ALGORITHMS[algorithm], text.encode("utf-8"), usedforsecurity=False).hexdigest()


def halves(name: str, password: Secret[str]) -> Halves:
    """What a name and a password become; `ConfigInvalid` for a password that protects nothing."""
    require_usable(password)
    return {
        algorithm: Secret(hashed(algorithm, f"{name}:{REALM}:{password.reveal()}"))
        for algorithm in ALGORITHMS
    }


def read_digest_users(path: str) -> dict[str, Halves]:
    """The users of a file. `NotFound`; `ConfigInvalid` with the line, or if others may read it."""
    users: dict[str, Halves] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None or found[1] in users:
            said = "this is no user" if found is None else "this user is there twice"
            raise ConfigInvalid(said, where=f"{path}:{number}", hint=_HINT)
        users[found[1]] = dict(zip(ALGORITHMS, map(Secret, found.group(2, 3)), strict=True))
    return users


def put_digest_user(path: str, name: str, password: Secret[str]) -> None:
    """Add a user, or give one another password; `UsageError` for a name that cannot be one."""
    require_name(name)
    made = halves(name, password)
    new = ":".join([name, *(made[algorithm].reveal() for algorithm in ALGORITHMS)])
    _change(path, lambda lines: [*(line for line in lines if not _is_of(line, name)), new])


def remove_digest_user(path: str, name: str) -> None:
    """Remove a user; one that is absent is success."""
    _change(path, lambda lines: [line for line in lines if not _is_of(line, name)])


def _is_of(line: str, name: str) -> bool:
    return not line.startswith("#") and line.partition(":")[0] == name


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            if os.name != "nt" and os.fstat(file.fileno()).st_mode & 0o077:
                raise ConfigInvalid(
                    "others can read the file of users, and log in with what is in it",
                    where=path,
                    hint=f"chmod 600 {path}",
                )
            return [line.rstrip("\r\n") for line in file]
    except FileNotFoundError:
        raise NotFound("there is no such file of users", where=path) from None
    except OSError as error:
        raise ConfigInvalid(f"the file of users cannot be read ({error.strerror})", where=path) from None
    except UnicodeDecodeError:
        raise ConfigInvalid("the file of users is not UTF-8", where=path, hint=_HINT) from None


def _change(path: str, change: Callable[[list[str]], list[str]]) -> None:
    path = os.path.realpath(path)
    try:
        with locked(f"{path}.lock"):
            lines = _lines(path) if os.path.exists(path) else []
            replace_private(path, "".join(f"{line}\n" for line in change(lines)).encode("utf-8"))
    except OSError as error:
        raise StateWriteFailed(
            f"the file of users cannot be written ({error.strerror})", where=path
        ) from error
