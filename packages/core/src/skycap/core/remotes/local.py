"""Local paths as people write them, made a storage and a path in it.

A folder is its own storage, since nothing above it is meant. A file is a path in the storage of its folder.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from skycap.core.location import Location

if TYPE_CHECKING:
    from skycap.core.remotes.address import Address
    from skycap.core.storage.local.scanning import Links
    from skycap.core.storage.local.storage import Fsync


def local_location(
    address: Address,
    *,
    for_writing: bool = False,
    as_file: bool = False,
    links: Links = "keep",
    fsync: Fsync = "never",
) -> Location:
    """The location of a local path.

    The path itself may be a symbolic link, and is followed: it is the user's own. `as_file` says that a file
    is to be written, so that an absent path is the name of it, and not a folder.
    """
    from skycap.core.storage.local import Local

    path = os.path.expanduser(address.path) or "."
    wants_dir = address.wants_dir
    real = os.path.realpath(path)
    if os.path.isdir(real) or (not os.path.lexists(path) and (wants_dir or not as_file)):
        return Location(Local(real, links=links, fsync=fsync), "", address.text, wants_dir)
    if os.path.islink(path) and not for_writing:
        # A link to a file that was named by itself: its content is meant, under the name it was given.
        folder, name = os.path.split(os.path.abspath(path))
        links = "follow" if os.path.exists(path) else links
        return Location(
            Local(os.path.realpath(folder), links=links, fsync=fsync), name, address.text, wants_dir
        )
    folder, name = os.path.split(real)
    return Location(Local(folder, links=links, fsync=fsync), name, address.text, wants_dir)
