"""What happens after an image was stored: its thumbnail is made, encrypted, stored, and told to the service.

The service wants `{fileUuid, type, size, maxWidth, maxHeight, bucketId, bucketFile, encryptVersion}` at
`POST /files/thumbnail`; the picture is an object of the bucket like any other.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from skycap.core.errors import DependencyMissing, Error, Interrupted
from skycap.core.retry import Operation
from skycap.core.storage.entry import Entry
from skycap.core.storage.source import Source, can_reopen, opened
from skycap.core.units import MiB
from skycap.internxt.api import files, network
from skycap.internxt.api.models import File
from skycap.internxt.crypto.content import Content
from skycap.internxt.crypto.keys import new_index
from skycap.internxt.crypto.shards import ShardHash
from skycap.internxt.thumbnails import picture

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt

EXTENSIONS = frozenset({"gif", "jpeg", "jpg", "png", "tif", "tiff", "webp"})
LARGEST = 64 * MiB
"""Bytes of the largest image that is read again for this; it is held in memory."""
FIRST = threading.Lock()
"""Taken by whoever says first that none are made; once a process is enough."""
_log = logging.getLogger(__name__)


def after_write(storage: Internxt, path: str, entry: Entry, source: Source) -> None:
    """Make the thumbnail of an image that was stored from `source`. Failures are warnings."""
    size = entry.size or 0
    if path.rpartition(".")[2].lower() not in EXTENSIONS or not 0 < size <= LARGEST:
        return
    if not can_reopen(source):
        return
    try:
        picture.require_pillow()
        with opened(source, size) as reader:
            content = reader.read()
        _store(storage, path, entry, picture.small(content))
    except Interrupted:
        raise
    except DependencyMissing as error:
        if FIRST.acquire(blocking=False):
            _log.warning("no thumbnails are made: %s. %s", error, error.hint)
    except Error as error:
        _log.warning("%s: no thumbnail was made: %s", storage.where(path), error)


def _store(storage: Internxt, path: str, entry: Entry, png: bytes) -> None:
    where = f"{storage.where(path)} (thumbnail)"
    file = storage.places.item(path, cached=True)
    if not isinstance(file, File) or file.version != entry.version:
        return  # somebody else was quicker, and makes one of theirs
    index, digest = new_index(), ShardHash()
    sealed = Content(storage.keys().file(index), index).at(0).update(png)
    digest.update(sealed)
    started = network.start(storage.api, storage.bucket, len(png), where=where)
    storage.objects.put(started.urls[0], sealed, len(png), where=where)
    made = network.finish(
        storage.api, storage.bucket, index=index, hash=digest.hexdigest(), uuid=started.uuid, where=where
    )
    body = {
        "fileUuid": file.uuid,
        "type": "png",
        "size": len(png),
        "maxWidth": picture.SIDE,
        "maxHeight": picture.SIDE,
        "bucketId": storage.bucket,
        "bucketFile": made,
        "encryptVersion": "03-aes",
    }
    try:
        storage.api.drive("POST", "/files/thumbnail", json=body, where=where, operation=Operation.UPLOAD)
    except Error:
        _clean_up(storage, file.uuid, made, where)
        raise


def _clean_up(storage: Internxt, uuid: str, made: str, where: str) -> None:
    """Remove an object that came to nothing. An answer that was lost says nothing, so it is looked first."""
    with suppress(Error):
        told = storage.api.drive("GET", f"/files/{uuid}/meta", where=where).json()
        known = [one.get("bucketFile") for one in told.get("thumbnails") or () if isinstance(one, dict)]
        if made not in known:
            files.delete_object(storage.api, storage.bucket, made, where=where)
