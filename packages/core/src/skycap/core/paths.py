"""Where a path comes from outside, it passes here.

Inside skycap a path is relative, `/`-separated text without `.`, `..`, empty parts or NUL; the root is "".
Names that are not UTF-8 travel as surrogate escapes (PEP 383), and both Unicode forms are kept as they came.
`join_under` is the only way from such a path to a local one, and it cannot leave the root, symlinks included.
"""

from __future__ import annotations

import os
import re
import stat as stat_module

from skycap.core.errors import AccessDenied, PathInvalid

NAME_MAX = 255
_WINDOWS = os.name == "nt"
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?$")
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
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
    parent = check_inside(root, parts[:-1])
    joined = f"{parent}{os.sep}{parts[-1]}" if not parent.endswith(os.sep) else parent + parts[-1]
    if follow_last:
        check_inside(root, parts)
    return joined


def _check_part(part: str, *, windows: bool) -> None:
    if len(part) > NAME_MAX // 4 and len(to_bytes(part)) > NAME_MAX:
        raise PathInvalid(f"a name is longer than {NAME_MAX} bytes", where=printable(part))
    if windows:
        if _DRIVE.match(part):
            raise PathInvalid("a path cannot hold a drive", where=printable(part))
        check_windows_name(part)


def check_inside(root: str, parts: list[str]) -> str:
    """The local path of the directory `parts` below `root`, each part looked at for a link that leaves it."""
    current = root.rstrip(os.sep) or os.sep
    real_root: str | None = None
    for part in parts:
        current = f"{current}{os.sep}{part}" if current != os.sep else os.sep + part
        try:
            mode = os.lstat(current).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            raise AccessDenied(
                "permission denied on the way there",
                where=printable(current),
                hint="Look at the owners and modes of the folders with `ls -ld`.",
            ) from error
        except OSError as error:
            # A loop of links, or a path too long: nothing that can be checked.
            text = (error.strerror or str(error)).lower()
            raise PathInvalid(
                f"the way there cannot be followed: {text}", where=printable(current)
            ) from error
        if not stat_module.S_ISLNK(mode):
            continue
        real_root = real_root or os.path.realpath(root)
        real = os.path.realpath(current)
        if real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep):
            raise PathInvalid(
                "a symbolic link leads out of the folder",
                where=printable(current),
                hint="Name the link's target as the location itself, or use --links follow on the source.",
            )
    return current
