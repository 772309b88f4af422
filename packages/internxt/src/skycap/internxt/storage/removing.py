"""Removing: into the trash, as the web does it, or for good where the remote says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from skycap.core import paths
from skycap.core.errors import Conflict, Error, NotFound
from skycap.internxt.api import files, folders, trash
from skycap.internxt.api.models import File, Folder, Item
from skycap.internxt.names import forms
from skycap.internxt.storage.listing import is_empty
from skycap.internxt.storage.places import chosen

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

_TOGETHER = 50
"""The trash takes no more at once."""


def take(storage: Internxt, path: str, item: Item) -> None:
    """Remove what was found at a path, with all below it."""
    where = storage.where(path)
    if storage.options.trash:
        trash.put(storage.api, [trash.named(item)], where=where)
    elif isinstance(item, File):
        files.delete(storage.api, item.uuid, where=where)
    else:
        folders.delete(storage.api, item.uuid, where=where)
    storage.cache.removed(path, file=isinstance(item, File))


def remove(storage: Internxt, path: str) -> None:
    """A file, or an empty directory."""
    item = storage.places.find(path)
    if item is None:
        return
    if isinstance(item, Folder):
        if not path:
            raise Conflict("the root folder stays", where=storage.where(path))
        try:
            empty = is_empty(storage, item, path)
        except NotFound:
            return
        if not empty:
            raise Conflict("the directory is not empty", where=storage.where(path))
    take(storage, path, item)


def remove_tree(storage: Internxt, path: str) -> None:
    """What is there, with all below it; of the root, what is in it."""
    if not path:
        for entry in list(storage.scan("")):
            remove_tree(storage, entry.path)
        return
    item = storage.places.find(path)
    if item is not None:
        take(storage, path, item)


def remove_many(storage: Internxt, paths_: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
    """Files, as many in one request as the service takes."""
    left = iter(paths_)
    while batch := list(islice(left, _TOGETHER)):
        yield from _remove_batch(storage, batch)


def _remove_batch(storage: Internxt, batch: list[str]) -> Iterator[tuple[str, Error | None]]:
    told: dict[str, Error | None] = {}
    found: dict[str, File] = {}
    by_folder: dict[str, list[str]] = {}
    for path in batch:
        try:
            by_folder.setdefault(paths.split(paths.validate(path))[0], []).append(path)
        except Error as error:
            told[path] = error
    for folder, inside in by_folder.items():
        try:
            found |= _files_in(storage, folder, inside)
        except Error as error:
            told |= dict.fromkeys(inside, error)
    told |= _take_files(storage, found)
    for path in (path for inside in by_folder.values() for path in inside):
        if path not in found and path not in told:
            told[path] = _one(storage, path)
    for path in batch:
        yield path, told.get(path)


def _files_in(storage: Internxt, folder: str, inside: list[str]) -> dict[str, File]:
    """Those of the paths that are files, in one request."""
    where = storage.where(folder)
    try:
        within = storage.places.folder(folder)
        names = {path: paths.split(path)[1] for path in inside}
        asked = [form for name in names.values() for form in forms(name)]
        there = folders.existing_files(storage.api, within.folder.uuid, asked, where=where)
    except NotFound:
        storage.cache.forget(folder)
        return {}
    chose = {path: chosen(name, there) for path, name in names.items()}
    return {path: file for path, file in chose.items() if file is not None}


def _one(storage: Internxt, path: str) -> Error | None:
    try:
        remove(storage, path)
    except Error as error:
        return error
    return None


def _take_files(storage: Internxt, found: dict[str, File]) -> dict[str, Error | None]:
    told: dict[str, Error | None] = {}
    if storage.options.trash and found:
        where = storage.where(next(iter(found)))
        try:
            trash.put(storage.api, [trash.named(file) for file in found.values()], where=where)
        except Error as error:
            return dict.fromkeys(found, error)
        for path in found:
            storage.cache.removed(path, file=True)
        return dict.fromkeys(found)
    for path, file in found.items():
        try:
            take(storage, path, file)
            told[path] = None
        except Error as error:
            told[path] = error
    return told
