"""Where a path comes from outside, it passes here.

Inside skycap a path is relative, `/`-separated text without `.`, `..`, empty parts or NUL; the root is "".
Names that are not UTF-8 travel as surrogate escapes (PEP 383), and both Unicode forms are kept as they came.
`join_under` is the only way from such a path to a local one, and it cannot leave the root, symlinks included.
"""

from __future__ import annotations

import errno
import os
import re
import stat as stat_module

from skycap.core.errors import AccessDenied, PathInvalid

NAME_MAX = 255
TOO_LONG = "the name or path is too long for the file system"
TOO_LONG_HINT = (
    "Linux takes 255 bytes a name and 4,095 a path, its folders included. Shorten the names of some."
)
_WINDOWS = os.name == "nt"
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?$")
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_O_PATH: int = getattr(os, "O_PATH", 0)
_DEEP = 8
"""So many levels cost no more one by one than at once."""
_DRIVE = re.compile(r"^[A-Za-z]:")


def normalise(path: str) -> str:
    """What a person typed, made a path of ours: outer and doubled slashes and `.` go, `..` is refused."""
    return validate("/".join(part for part in path.split("/") if part not in {"", "."}))


def validate(path: str) -> str:
    """`path` itself, if it is one of ours; else `PathInvalid`."""
    if not path:
        return path
    if "\0" in path:
        raise PathInvalid("a path cannot hold a NUL character", where=printable(path))
    if path.startswith("/") or path.endswith("/") or "//" in path:
        raise PathInvalid("a path is relative and has no empty parts", where=printable(path))
    if "." in path:
        for part in path.split("/"):
            if part in {".", ".."}:
                raise PathInvalid(f"a path cannot have a part {part!r}", where=printable(path))
    if not path.isascii():
        _check_text(path)
    return path


def _check_text(path: str) -> None:
    # Surrogates stand for bytes that are not UTF-8. Others stand for nothing, and some that would spell a
    # character together are a second path to the same file.
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        try:
            same = to_bytes(path).decode("utf-8", "surrogateescape") == path
        except UnicodeEncodeError:
            same = False
        if not same:
            raise PathInvalid("a path cannot hold half a character", where=printable(path)) from None


def printable(path: str) -> str:
    """`path` for a message: one line, no control characters, surrogate escapes shown as `\\xNN`."""
    try:
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "backslashreplace").decode("ascii", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def join(*parts: str) -> str:
    """Paths of ours, one below the other; empty ones vanish."""
    return "/".join(part for part in parts if part)


def split(path: str) -> tuple[str, str]:
    """The parent and the name: `"a/b/c"` gives `("a/b", "c")`, `"a"` gives `("", "a")`."""
    parent, _, name = path.rpartition("/")
    return parent, name


def relative_to(path: str, base: str) -> str:
    """`path` as seen from `base`; `PathInvalid` if it is not at or below it."""
    if not base or path == base:
        return path if not base else ""
    if not path.startswith(f"{base}/"):
        raise PathInvalid(f"not below {base!r}", where=printable(path))
    return path[len(base) + 1 :]


def order_key(path: str, *, is_dir: bool = False) -> bytes:
    """The sort key of the one order in which listings are merged.

    It is the order in which object stores list keys: bytes of UTF-8, a directory as its name and a slash.
    """
    key = path.encode("utf-8", "surrogateescape")
    return key + b"/" if is_dir else key


def to_bytes(path: str) -> bytes:
    """The bytes behind a path; surrogate escapes become the bytes they stand for."""
    return path.encode("utf-8", "surrogateescape")


def is_utf8(path: str) -> bool:
    """Whether the name is text, and not bytes that came in as surrogate escapes."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_windows_name(name: str) -> None:
    """`PathInvalid` if Windows cannot hold a file of this name, or would make another one of it."""
    if _RESERVED.match(name):
        raise PathInvalid("Windows reserves this name", where=printable(name))
    if found := _WINDOWS_FORBIDDEN.search(name):
        raise PathInvalid(f"Windows cannot have {found.group()!r} in a name", where=printable(name))
    if name.endswith((" ", ".")):
        raise PathInvalid("Windows drops a space or dot at the end of a name", where=printable(name))


def join_under(root: str, path: str, *, follow_last: bool = False, windows: bool = _WINDOWS) -> str:
    """The local path of `path` below the directory `root`; `PathInvalid` where it would leave it.

    Symlinks between the two are followed only while they stay below `root`. The last part is not followed,
    since it is to be replaced, removed or looked at as a link; `follow_last` checks that one too.
    """
    validate(path)
    if not path:
        return root
    for part in path.split("/"):
        _check_part(part, windows=windows)
    parts = path.split("/")
    if follow_last:
        return check_inside(root, parts)
    return f"{check_inside(root, parts[:-1]).rstrip(os.sep)}{os.sep}{parts[-1]}"


def _check_part(part: str, *, windows: bool) -> None:
    if len(part) > NAME_MAX // 4 and len(to_bytes(part)) > NAME_MAX:
        raise PathInvalid(f"a name is longer than {NAME_MAX} bytes", where=printable(part))
    if windows:
        if _DRIVE.match(part):
            raise PathInvalid("a path cannot hold a drive", where=printable(part))
        check_windows_name(part)


def check_inside(root: str, parts: list[str]) -> str:
    """The local path of the directory `parts` below `root`, each part looked at for a link that leaves it.

    In a deep folder the system is asked for many parts at once whether one of them is a link: to look at each
    by its path costs it a walk from the root, and a tree of a thousand levels would take minutes.
    """
    current = root.rstrip(os.sep)
    whole = os.sep.join([current, *parts]) or os.sep
    at, count = 0, len(parts)
    ahead = count > _DEEP
    real_root = real = os.path.realpath(root) if ahead else ""
    while at < count:
        if ahead:
            sure = _without_links(current, real.rstrip(os.sep), parts[at:])
            current = os.sep.join([current, *parts[at : at + sure]])
            at, ahead = at + sure, False
            continue
        current = f"{current}{os.sep}{parts[at]}"
        at += 1
        mode = _mode(current)
        if mode is None:
            # Nothing is below what is not there, but the whole may still be too long for a path.
            if at < count:
                _mode(whole)
            break
        if stat_module.S_ISLNK(mode):
            real_root = real_root or os.path.realpath(root)
            real = os.path.realpath(current)
            _refuse_outside(real, real_root, current)
            ahead = count - at > _DEEP
    return whole


def _mode(local: str) -> int | None:
    """The mode of what is there, a link not followed; None if nothing is."""
    try:
        return os.lstat(local).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise AccessDenied(
            "permission denied on the way there",
            where=printable(local),
            hint="Look at the owners and modes of the folders with `ls -ld`.",
        ) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise PathInvalid(TOO_LONG, where=printable(local), hint=TOO_LONG_HINT) from error
        # A loop of links: nothing that can be checked.
        text = (error.strerror or str(error)).lower()
        raise PathInvalid(f"the way there cannot be followed: {text}", where=printable(local)) from error


def _refuse_outside(real: str, real_root: str, local: str) -> None:
    if real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep):
        raise PathInvalid(
            "a symbolic link leads out of the folder",
            where=printable(local),
            hint="Name the link's target as the location itself, or use --links follow on the source.",
        )


def _without_links(folder: str, real: str, parts: list[str]) -> int:
    """How many of `parts` below `folder`, whose real path is `real`, are there and are no links.

    The real path of what is opened tells: if it is `real` and these parts, letter by letter, none of them was
    followed to somewhere else. Zero, or too few, where the system does not tell; never too many.
    """

    def holds(count: int) -> bool:
        below = os.sep.join(["", *parts[:count]])
        return _real_path(folder + below) == real + below

    few, many = 0, len(parts)
    for count in (many, many - 1):  # all but the last are there if something is to be made
        if holds(count):
            return count
        many = count - 1
    while few < many:
        middle = (few + many + 1) // 2
        few, many = (middle, many) if holds(middle) else (few, middle - 1)
    return few


def _real_path(local: str) -> str | None:
    """The real path of what is there, in three calls however deep it is; None where that cannot be had."""
    if not _O_PATH:
        return None
    try:
        descriptor = os.open(local, _O_PATH | os.O_CLOEXEC)
        try:
            return os.readlink(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    except OSError:
        return None
