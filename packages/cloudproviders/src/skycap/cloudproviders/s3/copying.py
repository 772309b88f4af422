"""Copies inside the store, no bytes travelling."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields as fields_of
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.objects import is_etag
from skycap.cloudproviders.s3.page import Page
from skycap.cloudproviders.s3.signing import quote_path
from skycap.cloudproviders.s3.upload import part_size_for
from skycap.core.errors import Conflict, Error, NotFound, UploadFailed
from skycap.core.retry import anew, in_threads
from skycap.core.storage.condition import IF_ABSENT, Condition
from skycap.core.storage.entry import Entry, Metadata

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

THREADS = 4


def copy(
    storage: S3,
    source: str,
    target: str,
    condition: Condition | None,
    *,
    version: str | None = None,
    metadata: Metadata | None = None,
) -> Entry:
    """Copy content and metadata; or other metadata, where some is given."""
    known = storage.head(source, version)
    size = known.size or 0
    if size >= storage.options.copy_from:
        return _copy_parts(storage, source, target, condition, known, version, metadata or known.metadata)
    if source == target and version is None:
        # S3 refuses to copy an object onto itself unless something is given anew.
        metadata = metadata or known.metadata
    headers = _source_headers(storage, source, version, known)
    headers |= storage.object_headers(metadata)
    headers["x-amz-metadata-directive"] = "COPY" if metadata is None else "REPLACE"
    _check(storage, target, condition)
    headers |= storage.condition_headers(condition)
    try:
        answer = storage.request("PUT", target, headers=headers)
    except Conflict as error:
        raise _which(error, condition) from None
    etag = Page(answer.body, storage.where(target), "CopyObjectResult").need("ETag").strip('"')
    kept = metadata or known.metadata
    return Entry(
        target,
        size=known.size,
        mtime_ns=kept.mtime_ns if kept else None,
        version=f'"{etag}"',
        hashes=known.hashes,
        metadata=kept,
    )


def set_metadata(storage: S3, path: str, metadata: Metadata) -> Entry:
    """Replace what is not None, and keep the rest."""
    known = storage.head(path)
    wanted = known.metadata or Metadata()
    given = {
        f.name: value
        for f in fields_of(Metadata)
        if (value := getattr(metadata, f.name)) is not None and (f.name != "extra" or value)
    }
    copy(
        storage,
        path,
        path,
        Condition(known.version) if known.version and not storage.client.endpoint.custom else None,
        metadata=replace(wanted, **given),
    )
    return storage.head(path)


def _check(storage: S3, target: str, condition: Condition | None) -> None:
    """Stores other than AWS are known to ignore conditions on copies, so these are looked at first."""
    if condition is None or not storage.client.endpoint.custom:
        return
    try:
        found = storage.head(target)
    except NotFound:
        if condition.version is None:
            return
        raise Conflict("it is gone", where=storage.where(target)) from None
    if condition == IF_ABSENT or found.version != condition.version:
        raise Conflict("it exists already, or it has changed", where=storage.where(target))


def _which(error: Conflict, condition: Condition | None) -> Error:
    if condition is None:
        return UploadFailed("the source changed while it was copied", where=error.where)
    return error


def _source_headers(storage: S3, source: str, version: str | None, known: Entry) -> dict[str, str]:
    value = quote_path(f"/{storage.bucket}/{storage.key(source)}")
    headers = {}
    if version is not None and not is_etag(version):
        value += f"?versionId={version}"
    elif known.version:
        headers["x-amz-copy-source-if-match"] = known.version
    return {"x-amz-copy-source": value, **headers}


def _copy_parts(
    storage: S3,
    source: str,
    target: str,
    condition: Condition | None,
    known: Entry,
    version: str | None,
    metadata: Metadata | None,
) -> Entry:
    size = known.size or 0
    part_size = part_size_for(size, storage.options.copy_part_size, most=size)
    _check(storage, target, condition)
    begun = storage.request("POST", target, query=[("uploads", "")], headers=storage.object_headers(metadata))
    upload_id = Page(begun.body, storage.where(target), "InitiateMultipartUploadResult").need("UploadId")
    about = [("uploadId", upload_id)]
    from_headers = _source_headers(storage, source, version, known)

    def one(number: int) -> tuple[int, str]:
        start = (number - 1) * part_size
        end = min(start + part_size, size) - 1
        headers = {**from_headers, "x-amz-copy-source-range": f"bytes={start}-{end}"}
        answer = storage.request("PUT", target, query=[("partNumber", str(number)), *about], headers=headers)
        return number, Page(answer.body, storage.where(target), "CopyPartResult").need("ETag")

    try:
        with ThreadPoolExecutor(THREADS, "s3-copy") as pool:
            done = list(pool.map(in_threads(one), range(1, -(-size // part_size) + 1)))
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
            for number, etag in done
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        headers = storage.condition_headers(condition)
        with anew():
            answer = storage.request("POST", target, query=about, headers=headers, body=body)
    except BaseException:
        with suppress(Error), anew():
            storage.request("DELETE", target, query=about)
        raise
    etag = Page(answer.body, storage.where(target), "CompleteMultipartUploadResult").need("ETag").strip('"')
    return Entry(
        target,
        size=size,
        mtime_ns=metadata.mtime_ns if metadata else None,
        version=f'"{etag}"',
        metadata=metadata,
    )
