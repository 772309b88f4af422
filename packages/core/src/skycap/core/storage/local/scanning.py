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


def scan_folder(local: str, path: str, links: Links) -> Iterator[Entry]:
    """The entries of the folder `local`, which is `path` in the storage."""
    try:
        names = _sorted_names(local, follow=links == "follow")
    except OSError as error:
        raise translate(error, local) from error
    prefix = f"{path}/" if path else ""
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
            f"{item.name}/" if _is_dir(item, follow=follow) else item.name
            for item in found
            if item.name[0] != "." or not is_temporary(item.name)
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
