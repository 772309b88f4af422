"""Taking things away: one object, many, all below a prefix, and what broken uploads left behind."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.errors import Refusal, error_of, refusal_of
from skycap.cloudproviders.s3.listing import time_ns
from skycap.cloudproviders.s3.page import Page, document
from skycap.core.errors import (
    AuthExpired,
    AuthMissing,
    Conflict,
    DeleteFailed,
    Error,
    NotFound,
    PathInvalid,
    Unsupported,
)
from skycap.core.storage.condition import Condition
from skycap.core.storage.extras import Leftover

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

BATCH = 1000


def remove(storage: S3, path: str, condition: Condition | None) -> None:
    """Remove one object; what is absent is success."""
    key = storage.key(path)
    if condition is not None and condition.version is None:
        raise Unsupported(
            "nothing can be removed on the condition that it is absent", where=storage.where(path)
        )
    try:
        storage.head(path)
    except NotFound as error:
        if condition is not None:
            raise Conflict("it is gone", where=storage.where(path)) from error
        _remove_directory(storage, key)
        return
    storage.request("DELETE", path, headers=storage.condition_headers(condition))


def _remove_directory(storage: S3, key: str) -> None:
    try:
        if next(storage.listing.objects(f"{key}/", flat=True), None) is not None:
            raise Conflict("the directory is not empty", where=storage.where(key))
        # A marker that another program left for an empty directory.
        if storage.listing.exists(f"{key}/"):
            storage.client.request("DELETE", storage.bucket, f"{key}/")
    except NotFound as error:
        raise storage.explain(error) from None


def remove_many(storage: S3, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
    """Each path with its error or None."""
    waiting = iter(paths)
    while batch := list(islice(waiting, BATCH)):
        good: list[str] = []
        for path in batch:
            try:
                good.append(storage.key(path))
            except (PathInvalid, Conflict) as error:
                yield path, error
        if good:
            try:
                failed = remove_keys(storage, good)
            except (NotFound, AuthMissing, AuthExpired):
                raise
            except Error as error:
                failed = dict.fromkeys(good, error)
            yield from ((path, failed.get(path)) for path in good)


def remove_tree(storage: S3, path: str) -> None:
    """Remove all below a prefix, the markers of other programs too, and an object of that name."""
    prefix = f"{storage.key(path)}/" if path else ""
    failed: dict[str, Error] = {}
    folders: set[str] = set()
    while keys := [key for key in _keys(storage, prefix) if key not in failed][:BATCH]:
        failed.update(remove_keys(storage, keys))
        if storage.client.endpoint.custom:
            folders.update(folder for key in keys for folder in _folders(key, prefix))
    if path:
        with suppress(NotFound):
            storage.head(path)
            storage.request("DELETE", path)
    # SeaweedFS shows an emptied folder for a while, unless it is removed by name, the deepest first.
    for folder in sorted(folders, key=len, reverse=True):
        storage.client.request("DELETE", storage.bucket, folder)
    if failed:
        first = next(iter(failed.values()))
        raise DeleteFailed(
            f"{len(failed)} objects could not be removed, the first for: {first.message}",
            where=first.where,
            hint=first.hint,
        )


def _folders(key: str, prefix: str) -> Iterator[str]:
    folder = key.rpartition("/")[0]
    while folder and f"{folder}/".startswith(prefix):
        yield f"{folder}/"
        folder = folder.rpartition("/")[0]


def _keys(storage: S3, prefix: str) -> list[str]:
    query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", str(BATCH)), ("prefix", prefix)]
    answer = storage.client.request("GET", storage.bucket, query=query)
    page = Page(answer.body, storage.where(prefix), "ListBucketResult")
    return [page.text(page.need("Key", fields)) for kind, fields in page.items if kind == "Contents"]


def remove_keys(storage: S3, keys: list[str], versions: list[str] | None = None) -> dict[str, Error]:
    """DeleteObjects: the errors by key."""
    lines = ["<Delete><Quiet>true</Quiet>"]
    for index, key in enumerate(keys):
        if not _xml(key):
            # XML has no way to write it, so it goes by a request of its own.
            continue
        version = f"<VersionId>{escape(versions[index])}</VersionId>" if versions else ""
        lines.append(f"<Object><Key>{escape(key).replace(chr(13), '&#13;')}</Key>{version}</Object>")
    lines.append("</Delete>")
    failed: dict[str, Error] = {}
    if len(lines) > 2:
        failed.update(_delete_objects(storage, "".join(lines).encode()))
    for key in keys:
        if not _xml(key):
            try:
                storage.client.request("DELETE", storage.bucket, key)
            except Error as error:
                failed[key] = error
    return failed


def _delete_objects(storage: S3, body: bytes) -> dict[str, Error]:
    headers = {
        # Old compatible stores insist on it.
        "content-md5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode("ascii"),
        "content-type": "application/xml",
    }
    try:
        answer = storage.client.request(
            "POST", storage.bucket, query=[("delete", "")], headers=headers, body=body
        )
    except NotFound as error:
        raise storage.explain(error) from None
    failed: dict[str, Error] = {}
    said = document(answer.body, storage.where(""), "DeleteResult", may_be_bare=True)
    for text in said.split("<Error>")[1:]:
        refusal = refusal_of(200, text.partition("</Error>")[0], {})
        key = refusal.fields.get("Key", "")
        if refusal.code not in {"NoSuchKey", "NoSuchVersion"}:
            failed[key] = error_of(Refusal(0, refusal.code, refusal.message), storage.where(key))
    return failed


def _xml(key: str) -> bool:
    return all(c >= " " or c in "\t\n\r" for c in key) and "\ufffe" not in key and "\uffff" not in key


def cleanup(storage: S3, path: str, older_than_s: float, *, dry_run: bool) -> Iterator[Leftover]:
    """Abort uploads at or below a path that began more than `older_than_s` ago."""
    if path:
        storage.key(path)
    before_ns = int((storage.client.clock() - older_than_s) * 1_000_000_000)
    for key, upload_id, started_ns in list(_uploads(storage, path)):
        if started_ns is None or started_ns > before_ns:
            continue
        if path and key != path and not key.startswith(f"{path}/"):
            continue
        size = _held_size(storage, key, upload_id)
        if not dry_run:
            try:
                storage.client.request("DELETE", storage.bucket, key, query=[("uploadId", upload_id)])
            except NotFound:
                continue
        yield Leftover(key, upload_id, size, started_ns)


def _uploads(storage: S3, prefix: str) -> Iterator[tuple[str, str, int | None]]:
    markers: list[tuple[str, str]] = []
    while True:
        query = [("uploads", ""), ("encoding-type", "url"), *markers]
        if prefix:
            query.append(("prefix", prefix))
        answer = storage.client.request("GET", storage.bucket, query=query)
        page = Page(answer.body, storage.where(prefix), "ListMultipartUploadsResult")
        for kind, fields in page.items:
            if kind == "Upload":
                began = time_ns(fields.get("Initiated", ""))
                yield page.text(page.need("Key", fields)), page.need("UploadId", fields), began
        key, upload_id = page.next("NextKeyMarker"), page.fields.get("NextUploadIdMarker", "")
        if key is None:
            return
        markers = [("key-marker", page.text(key)), ("upload-id-marker", upload_id)]


def _held_size(storage: S3, key: str, upload_id: str) -> int | None:
    try:
        answer = storage.client.request("GET", storage.bucket, key, query=[("uploadId", upload_id)])
    except NotFound:
        return None
    page = Page(answer.body, storage.where(key), "ListPartsResult")
    return sum(page.number("Size", fields) for kind, fields in page.items if kind == "Part")
