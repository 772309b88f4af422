"""`/network/v2`: start and finish of an upload."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import UUID
from skycap.internxt.emulator.errors import NetworkRefused
from skycap.internxt.emulator.links import Link
from skycap.internxt.emulator.objects import IncompleteParts
from skycap.internxt.emulator.routes.network_access import NetworkHere, NetworkUser, check_ids
from skycap.internxt.emulator.services import Base, Body, Query, answer
from skycap.internxt.emulator.store import network

router = APIRouter(prefix="/v2/buckets")
PARTS_FROM = 104_857_600
"""Bytes: a smaller upload may not come in parts."""
MOST_PARTS = 10_000
NO_SPACE = "Max space used"


@router.post("/{bucket}/files/start")
def start(here: NetworkUser, bucket: str, body: Body, query: Query, base: Base) -> Response:
    """Links to put the bytes to."""
    check_ids(bucket)
    parts = _parts(query)
    sizes = _sizes(body, parts)
    services = here.services
    _slow_down(here)
    with services.database.transaction() as db:
        owned = network.owned_bucket(db, here.account, bucket)
        if network.used(db, here.account["id"]) + sum(sizes.values()) > services.settings.quota:
            raise NetworkRefused(420, NO_SPACE)
        begun = {
            index: network.begin(db, owned["id"], size, parts, services.now_text())
            for index, size in sizes.items()
        }
    return answer({"uploads": [_told(here, base, index, row) for index, row in begun.items()]})


@router.post("/{bucket}/files/finish")
def finish(here: NetworkUser, bucket: str, body: Body) -> Response:
    """Let what was put be an entry of the bucket."""
    check_ids(bucket)
    index, shard = _finish_body(body)
    services = here.services
    try:
        with services.database.transaction() as db:
            owned = network.owned_bucket(db, here.account, bucket)
            upload = db.execute(
                "SELECT * FROM uploads WHERE uuid = ? AND bucket = ?", (shard["uuid"].lower(), owned["id"])
            ).fetchone()
            if upload is None:
                raise NetworkRefused(409, "Missing uploads to complete the upload")
            _check_stored(here, db, upload, shard)
            if network.used(db, here.account["id"]) + upload["size"] > services.settings.quota:
                raise NetworkRefused(420, NO_SPACE)
            made = network.make_entry(db, upload, index, shard["hash"], body.get("hmac"), services.now_text())
    except IncompleteParts as error:
        raise NetworkRefused(500, f"The storage could not complete the upload: {error}") from error
    return answer(shapes.entry(made))


def _parts(query: dict[str, str]) -> int:
    text = query.get("multiparts", "1")
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST_PARTS:
        raise NetworkRefused(400, "Invalid multiparts value")
    return int(text)


def _sizes(body: dict[str, Any], parts: int) -> dict[int, int]:
    """Announced sizes by index."""
    uploads = body.get("uploads")
    if uploads is None:
        raise NetworkRefused(400, 'Missing "uploads" field')
    if not isinstance(uploads, list):
        raise NetworkRefused(400, "Uploads is not an array")
    sizes: dict[int, int] = {}
    for upload in uploads:
        upload = upload if isinstance(upload, dict) else {}
        index, size = _whole(upload.get("index")), _whole(upload.get("size"))
        if index is None:
            raise NetworkRefused(400, "Invalid index")
        if size is None:
            raise NetworkRefused(400, "Invalid size")
        if parts > 1 and size < PARTS_FROM:
            raise NetworkRefused(400, "Multipart is not allowed for files smaller than 100MB")
        if index in sizes:
            raise NetworkRefused(409, "Duplicated upload index")
        sizes[index] = size
    return sizes


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _slow_down(here: NetworkHere) -> None:
    limit = here.services.settings.starts_per_minute
    if limit is not None and (wait_s := here.services.starts.wait_s(here.account["id"], limit)):
        raise NetworkRefused(429, "Too many requests", headers={"retry-after": str(wait_s)})


def _told(here: NetworkHere, base: str, index: int, upload: sqlite3.Row) -> dict[str, Any]:
    links = here.services.links
    if upload["upload_id"] is None:
        return {
            "index": index,
            "uuid": upload["uuid"],
            "url": links.url(base, Link("put", upload["uuid"])),
            "urls": None,
        }
    urls = [
        links.url(base, Link("part", upload["uuid"], number, upload["upload_id"]))
        for number in range(1, upload["parts"] + 1)
    ]
    return {
        "index": index,
        "uuid": upload["uuid"],
        "url": None,
        "urls": urls,
        "UploadId": upload["upload_id"],
    }


def _finish_body(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    index, shards = body.get("index"), body.get("shards")
    if index is None or shards is None:
        raise NetworkRefused(400, "Missing parameters")
    if not isinstance(index, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", index):
        raise NetworkRefused(400, "Invalid index")
    if not isinstance(shards, list):
        raise NetworkRefused(400, "Shards is not an array")
    each = [shard if isinstance(shard, dict) else {} for shard in shards]
    for shard in each:
        if not isinstance(shard.get("uuid"), str) or not UUID.fullmatch(shard["uuid"]):
            raise NetworkRefused(400, "Invalid UUID")
        if not isinstance(shard.get("hash"), str) or not shard["hash"]:
            raise NetworkRefused(400, "Missing hash")
        if (shard.get("UploadId") is None) != (shard.get("parts") is None):
            missing = "parts" if shard.get("parts") is None else "UploadId"
            raise NetworkRefused(400, f"For multipart: must provide also {missing}")
    if len(each) != 1:  # version 2 has exactly one
        raise NetworkRefused(409, "Missing uploads to complete the upload")
    return index, each[0]


def _check_stored(
    here: NetworkHere, db: sqlite3.Connection, upload: sqlite3.Row, shard: dict[str, Any]
) -> None:
    """Look at what lies in the storage; for an upload in parts, join them first."""
    objects = here.services.objects
    if upload["upload_id"] is not None:
        if shard.get("UploadId") != upload["upload_id"]:
            raise NetworkRefused(404, "Upload not found in storage")
        try:
            parts = [(int(part["PartNumber"]), str(part["ETag"])) for part in shard["parts"]]
        except (TypeError, KeyError, ValueError) as error:
            raise NetworkRefused(400, "For multipart: parts are not valid") from error
        size: int | None = objects.join(db, upload["uuid"], parts)
    else:
        size = objects.size(db, upload["uuid"])
    if size is None:
        raise NetworkRefused(404, "Upload not found in storage")
    if size != upload["size"]:
        raise NetworkRefused(409, f"Size does not match: announced {upload['size']}, stored {size}")
