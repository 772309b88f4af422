"""The file of users: `name:hash`, one a line, for its owner's eyes only.

Lines that are empty or begin with `#` are kept and mean nothing. A name has no colon and no control
character, and occurs once. The hash is one of `passwords`. In UTF-8. docs/formats/users.md has all of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from skycap.core.config.edit import locked, replace_private
from skycap.core.errors import ConfigInvalid, NotFound, StateWriteFailed, UsageError
from skycap.core.paths import printable
from skycap.core.server.passwords import Hash, warn_if_shared

LONGEST_NAME = 255
_HINT = "Each line is name:hash, as docs/formats/users.md tells."


def read_users(path: str, *, weak: bool = False) -> dict[str, Hash]:
    """The users and their hashes; `weak` lets cheap hashes pass.

    `NotFound` or `ConfigInvalid` with the number of the line. A file that others may read is warned of.
    """
    users: dict[str, Hash] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line or line.startswith("#"):
            continue
        where = f"{path}:{number}"
        name, colon, text = line.partition(":")
        if not colon or not _is_name(name):
            raise ConfigInvalid("this is no user", where=where, hint=_HINT)
        if name in users:
            raise ConfigInvalid(f"the user {name!r} is there twice", where=where, hint="Remove one.")
        try:
            users[name] = Hash.parse(text)
            if not weak:
                users[name].parameters.require_strength()
        except ConfigInvalid as error:
            raise ConfigInvalid(error.message, where=where, hint=error.hint or _HINT) from None
    return users


def put_user(path: str, name: str, hashed: Hash) -> None:
    """Add a user, or give one another password; `UsageError` for a name that cannot be one."""
    require_name(name)

    def put(lines: list[str]) -> list[str]:
        new = f"{name}:{hashed}"
        if any(_name(line) == name for line in lines):
            return [new if _name(line) == name else line for line in lines]
        return [*lines, new]

    _change(path, put)


def require_name(name: str) -> None:
    """`UsageError` for a name that cannot be one."""
    if not _is_name(name) or name.startswith("#"):
        raise UsageError(
            f"{printable(name)!r} cannot be a user's name",
            hint="A name has no colon, no control character, does not begin with #, "
            f"and is 1 to {LONGEST_NAME} characters long.",
        )


def remove_user(path: str, name: str) -> None:
    """Remove a user; one that is absent is success."""
    _change(path, lambda lines: [line for line in lines if _name(line) != name])


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and ":" not in name and name.isprintable()


def _name(line: str) -> str | None:
    return None if line.startswith("#") else line.partition(":")[0]


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            warn_if_shared(file.fileno(), path)
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
            text = "".join(f"{line}\n" for line in change(lines))
            replace_private(path, text.encode("utf-8"))
    except OSError as error:
        raise StateWriteFailed(
            f"the file of users cannot be written ({error.strerror})", where=path
        ) from error
