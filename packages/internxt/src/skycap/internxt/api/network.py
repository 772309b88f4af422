"""The Network API: where an object goes, that it is there, and where it can be had again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skycap.core.errors import IntegrityError, ProviderError, Unsupported
from skycap.core.retry import Operation
from skycap.internxt.api.client import Api
from skycap.internxt.api.models import ObjectInfo, Started, text_of, to_int

MULTIPART_MIN = 104_857_600
"""Bytes from which on an object may come in parts."""
PARTS_MAX = 10_000
_INDEX = 32


def start(api: Api, bucket: str, size: int, parts: int = 1, *, where: str) -> Started:
    """Links for an object of `size` bytes, one for each of its parts; `OutOfSpace` where there is no room."""
    answer = api.network(
        "POST",
        f"/v2/buckets/{bucket}/files/start",
        params={"multiparts": parts},
        json={"uploads": [{"index": 0, "size": size}]},
        where=where,
        operation=Operation.UPLOAD,
    )
    uploads: list[dict[str, Any]] = answer.json().get("uploads") or []
    if not uploads:
        raise ProviderError("the network gave no place for the object", where=where)
    found = uploads[0]
    urls = found.get("urls") or [found.get("url")]
    if len(urls) != parts or not all(isinstance(url, str) and url for url in urls):
        raise ProviderError(f"the network gave {len(urls)} links for {parts} parts", where=where)
    upload_id = found.get("UploadId")
    return Started(text_of(found, "uuid"), tuple(urls), str(upload_id) if upload_id else None)


def finish(
    api: Api,
    bucket: str,
    *,
    index: bytes,
    hash: str,  # noqa: A002 - the network's own word
    uuid: str,
    upload_id: str | None = None,
    etags: Sequence[str] = (),
    where: str,
) -> str:
    """Make an object of what was sent; its id. `NotFound` or `Conflict` where the network waits for none."""
    shard: dict[str, Any] = {"hash": hash, "uuid": uuid}
    if upload_id is not None:
        shard["UploadId"] = upload_id
        shard["parts"] = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
    answer = api.network(
        "POST",
        f"/v2/buckets/{bucket}/files/finish",
        json={"index": index.hex(), "shards": [shard]},
        where=where,
        operation=Operation.UPLOAD,
    )
    return text_of(answer.json(), "id")


def info(api: Api, bucket: str, file_id: str, *, where: str) -> ObjectInfo:
    """Where an object is; `NotFound` if it is gone, `Unsupported` for the form that files had until 2022."""
    answer = api.network(
        "GET",
        f"/buckets/{bucket}/files/{file_id}/info",
        headers={"x-api-version": "2"},
        where=where,
        operation=Operation.DOWNLOAD,
    )
    found: dict[str, Any] = answer.json()
    if to_int(found.get("version")) < 2:
        raise Unsupported(
            "the file has the form of before 2022, in many encrypted pieces",
            where=where,
            hint="Download it on the web, and upload it again.",
        )
    shards: list[dict[str, Any]] = found.get("shards") or []
    if len(shards) != 1:
        raise ProviderError(f"the object has {len(shards)} pieces in place of one", where=where)
    try:
        index = bytes.fromhex(text_of(found, "index"))
    except ValueError:
        index = b""
    if len(index) != _INDEX:
        raise IntegrityError("the index of the object is damaged", where=where)
    size = to_int(found.get("size"), to_int(shards[0].get("size")))
    return ObjectInfo(index, size, str(shards[0].get("hash") or "").lower(), text_of(shards[0], "url"))
