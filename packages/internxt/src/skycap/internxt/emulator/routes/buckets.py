"""`/network/buckets`: what lies in a bucket, and links to read it."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from skycap.internxt.emulator import shapes
from skycap.internxt.emulator.checking import ID24
from skycap.internxt.emulator.errors import NetworkRefused
from skycap.internxt.emulator.links import Link
from skycap.internxt.emulator.routes.network_access import (
    NetworkUser,
    ObjectReader,
    check_ids,
)
from skycap.internxt.emulator.services import Base, Body, Query, Services, answer, empty
from skycap.internxt.emulator.store import network, removal

router = APIRouter()


@router.get("/buckets/{bucket}/files/{file_id}/info")
def info(here: ObjectReader, bucket: str, file_id: str, query: Query, base: Base) -> Response:
    """An entry, and where its bytes can be had."""
    check_ids(bucket, file_id)
    with here.services.database.reading() as db:
        network.owned_bucket(db, here.account, bucket)
        row = network.entry(db, bucket, file_id)
    shard = _shard(here.services, base, row)
    part_size = query.get("partSize", "")
    if part_size.isdecimal() and int(part_size):
        shard["urls"] = [shard["url"]] * max(1, -(-row["size"] // int(part_size)))
    return answer(shapes.entry(row) | {"shards": [shard]})


@router.get("/v2/buckets/{bucket}/files/{file_id}/mirrors")
def mirrors(here: ObjectReader, bucket: str, file_id: str, base: Base) -> Response:
    """The same, in the older form."""
    check_ids(bucket, file_id)
    with here.services.database.reading() as db:
        network.owned_bucket(db, here.account, bucket)
        row = network.entry(db, bucket, file_id)
    whole = shapes.entry(row) | {"shards": [_shard(here.services, base, row)]}
    return answer(
        {name: whole[name] for name in ("bucket", "index", "created", "shards", "hmac") if name in whole}
    )


@router.get("/buckets")
def buckets(here: NetworkUser) -> Response:
    """The account's buckets."""
    with here.services.database.reading() as db:
        rows = db.execute("SELECT * FROM buckets WHERE account = ?", (here.account["id"],)).fetchall()
    return answer([_bucket(here, row) for row in rows])


@router.post("/buckets")
def make_bucket(here: NetworkUser, body: Body) -> Response:
    """One more."""
    bucket, name = os.urandom(12).hex(), body.get("name")
    with here.services.database.transaction() as db:
        values = (
            bucket,
            here.account["id"],
            name if isinstance(name, str) else bucket,
            here.services.now_text(),
        )
        db.execute("INSERT INTO buckets VALUES (?, ?, ?, ?)", values)
        row = network.owned_bucket(db, here.account, bucket)
    return answer(_bucket(here, row), 201)


@router.delete("/buckets/{bucket}")
def remove_bucket(here: NetworkUser, bucket: str) -> Response:
    """A bucket and all in it."""
    check_ids(bucket)
    services = here.services
    with services.database.transaction() as db:
        owned = network.owned_bucket(db, here.account, bucket)
        entries = db.execute("SELECT id FROM entries WHERE bucket = ?", (owned["id"],)).fetchall()
        gone = [name for row in entries for name in removal.drop_entry(db, services.objects, row["id"])]
        db.execute("DELETE FROM buckets WHERE id = ?", (owned["id"],))
    services.objects.unlink(gone)
    return empty(204)


@router.get("/buckets/{bucket}/bulk-files")
def several(here: NetworkUser, bucket: str, query: Query, base: Base) -> Response:
    """Entries, by ids with commas between them."""
    check_ids(bucket)
    wanted = [one for one in query.get("fileIds", "").split(",") if one]
    with here.services.database.reading() as db:
        network.owned_bucket(db, here.account, bucket)
        rows = [
            row
            for one in wanted
            if ID24.fullmatch(one)
            for row in db.execute(
                "SELECT * FROM entries WHERE id = ? AND bucket = ?", (one.lower(), bucket.lower())
            )
        ]
    return answer(
        [
            shapes.entry(row) | {"fileId": row["id"], "shards": [_shard(here.services, base, row)]}
            for row in rows
        ]
    )


@router.get("/buckets/{bucket}/files/{file_id}")
def pointers(here: NetworkUser, bucket: str, file_id: str, base: Base) -> Response:
    """Where an object's shards lie: one, in version 2."""
    check_ids(bucket, file_id)
    with here.services.database.reading() as db:
        network.owned_bucket(db, here.account, bucket)
        row = network.entry(db, bucket, file_id)
    return answer([_shard(here.services, base, row)])


@router.delete("/buckets/{bucket}/files/{file_id}")
def remove_file(here: NetworkUser, bucket: str, file_id: str) -> Response:
    """An entry and its object."""
    check_ids(bucket, file_id)
    services = here.services
    with services.database.transaction() as db:
        network.owned_bucket(db, here.account, bucket)
        row = network.entry(db, bucket, file_id)
        gone = removal.drop_entry(db, services.objects, row["id"])
    services.objects.unlink(gone)
    return empty(204)


@router.post("/buckets/{bucket}/tokens")
def token(here: NetworkUser, bucket: str, body: Body) -> Response:
    """A token that opens one object to whoever has it."""
    check_ids(bucket)
    if body.get("operation") not in {"PULL", "PUSH"}:
        raise NetworkRefused(400, "Invalid operation")
    file_id = body.get("file")
    if not isinstance(file_id, str):
        raise NetworkRefused(400, "Missing parameters")
    check_ids(bucket, file_id)
    services = here.services
    with services.database.reading() as db:
        network.owned_bucket(db, here.account, bucket)
        row = network.entry(db, bucket, file_id)
    told = {
        "token": services.tokens.for_item(row["bucket"], row["id"]),
        "bucket": row["bucket"],
        "operation": body["operation"],
        "expires": services.now_text(),
        "encryptionKey": "",
        "mimetype": "application/octet-stream",
        "size": row["size"],
    }
    return answer(told, 201)


def _shard(services: Services, base: str, row: Any) -> dict[str, Any]:
    url = services.links.url(base, Link("get", row["object"]))
    return {"index": 0, "size": row["size"], "hash": row["hash"], "url": url}


def _bucket(here: NetworkUser, row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "user": here.account["email"],
        "name": row["name"],
        "created": row["created"],
        "transfer": 0,
        "storage": 0,
        "status": "Active",
        "encryptionKey": "",
        "pubkeys": [],
        "publicPermissions": [],
    }
