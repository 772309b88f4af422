"""One level of a folder, in the order in which listings are merged.

Names are sorted before they are looked at, so that a folder of a million files costs a million names and
not a million entries.
"""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Iterator
from typing import Literal

from skycap.core.paths import order_key
from skycap.core.storage.entry import Entry
from skycap.core.storage.failures import translate
from skycap.core.storage.local.attributes import entry_of, file_entry
from skycap.core.storage.local.temporary import is_temporary

Links = Literal["keep", "follow", "skip"]
# Every file of a sync comes by here, twice: a mask is cheaper than a call.
_FORMAT, _REGULAR, _LINK = 0o170000, stat_module.S_IFREG, stat_module.S_IFLNK
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_BY_HANDLE = os.stat in os.supports_dir_fd and os.readlink in os.supports_dir_fd
_AT_ONCE = 256


def scan_folder(local: str, path: str, links: Links) -> Iterator[Entry]:
    """The entries of the folder `local`, which is `path` in the storage."""
    try:
        names = _sorted_names(local, follow=links == "follow")
    except OSError as error:
        raise translate(error, local) from error
    prefix = f"{path}/" if path else ""
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        found = _all_of(local, prefix, some) if links == "keep" and _BY_HANDLE else None
        yield from _one_by_one(local, prefix, some, links) if found is None else found


def _all_of(local: str, prefix: str, names: list[str]) -> list[Entry] | None:
    """Their entries; None where one of them needs a closer look.

    By the handle of the folder, so that the system need not walk down to it again for each. The handle is not
    kept: a tree may be deeper than a process may have files open.
    """
    entries: list[Entry] = []
    add, stat = entries.append, os.stat
    try:
        handle = os.open(local, _FOLDER)
    except OSError:
        return None
    try:
        for marked in names:
            name = marked if marked[-1] != "/" else marked[:-1]
            info = stat(name, dir_fd=handle, follow_symlinks=False)
            if info.st_mode & _FORMAT == _REGULAR:
                add(file_entry(prefix + name, info))
            elif info.st_mode & _FORMAT == _LINK:
                add(entry_of(prefix + name, info, os.readlink(name, dir_fd=handle)))
            else:
                add(entry_of(prefix + name, info))
    except OSError:
        return None
    finally:
        os.close(handle)
    return entries


def _one_by_one(local: str, prefix: str, names: list[str], links: Links) -> Iterator[Entry]:
    folder = local if local.endswith(os.sep) else local + os.sep
    lstat = os.lstat
    for marked in names:
        name = marked if marked[-1] != "/" else marked[:-1]
        full = folder + name
        try:
            info = lstat(full)
            mode = info.st_mode
            if mode & _FORMAT == _REGULAR:
                yield file_entry(prefix + name, info)
                continue
            target = None
            if mode & _FORMAT == _LINK:
                if links == "skip":
                    continue
                target = os.readlink(full)
                if links == "follow":
                    info = _followed(full, local) or info
                    target = target if stat_module.S_ISLNK(info.st_mode) else None
        except FileNotFoundError as error:
            if not os.path.isdir(local):  # the folder itself is gone: what else it held must not seem so too
                raise translate(error, local) from error
            continue  # removed since the folder was listed
        except OSError as error:
            raise translate(error, full) from error
        yield entry_of(prefix + name, info, target)


def _sorted_names(local: str, *, follow: bool) -> list[str]:
    with os.scandir(local) as found:
        names = [
            f"{name}/" if _is_dir(item, follow=follow) else name
            for item in found
            if (name := item.name)[0] != "." or not is_temporary(name)
        ]
    # Text sorts like its UTF-8, unless there are surrogate escapes, which stand for single bytes.
    plain = "".join(names).isascii() or not any(map(_has_surrogates, names))
    names.sort(key=None if plain else order_key)
    return names


def _is_dir(item: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return item.is_dir(follow_symlinks=follow)
    except OSError:  # a link to itself, or to where this process may not go
        return False


def _has_surrogates(name: str) -> bool:
    return not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name)


def _followed(full: str, folder: str) -> os.stat_result | None:
    """What a link leads to; None for a broken one and for one that leads back up, which would never end."""
    try:
        info = os.stat(full)
    except OSError:
        return None
    if stat_module.S_ISDIR(info.st_mode):
        real, here = os.path.realpath(full), os.path.realpath(folder)
        if here == real or here.startswith(real.rstrip(os.sep) + os.sep):
            return None
    return info
