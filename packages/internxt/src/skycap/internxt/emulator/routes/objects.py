"""`/objects`: bytes by presigned links. Plain ASGI, as bodies go straight into files and out of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from skycap.internxt.emulator.errors import StorageRefused
from skycap.internxt.emulator.links import Link
from skycap.internxt.emulator.objects import Piece
from skycap.internxt.emulator.protocol import CONNECTION
from skycap.internxt.emulator.services import Services

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MOST_AT_ONCE = 5 << 30
"""Bytes of one PUT, as S3 has it."""
_BLOCK = 1 << 20
_TLS_BLOCK = 1 << 18
_MOST_BLOCKS = 512  # the kernel takes 1024 in one call


class Gone(Exception):
    """The client went away in the middle of its body."""


async def serve(services: Services, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request for an object."""
    try:
        await _serve(services, scope, receive, send)
    except StorageRefused as refusal:
        body = refusal.body.encode()
        await _begin(
            send, refusal.status, {"content-type": "application/xml", "content-length": str(len(body))}
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
    except Gone:
        return


async def _serve(services: Services, scope: Scope, receive: Receive, send: Send) -> None:
    key = scope["path"].removeprefix("/objects/")
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    if scope["method"] not in {"GET", "HEAD", "PUT"}:
        raise StorageRefused(
            405, "MethodNotAllowed", "The specified method is not allowed against this resource."
        )
    if scope.get("skycap.links_expired"):
        raise StorageRefused(403, "AccessDenied", "Request has expired")
    link = services.links.read(key, query, scope["method"])
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if "authorization" in headers:
        raise StorageRefused(400, "InvalidArgument", "Only one auth mechanism allowed")
    if scope["method"] == "PUT":
        await _put(services, scope, link, headers, receive, send)
    else:
        await _get(services, scope, link, headers, send)


async def _put(
    services: Services, scope: Scope, link: Link, headers: dict[str, str], receive: Receive, send: Send
) -> None:
    said = headers.get("content-length", "")
    announced = int(said) if said.isdecimal() else None
    if announced is not None and announced > MOST_AT_ONCE:
        raise StorageRefused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    if link.operation == "part" and not await asyncio.to_thread(_is_open, services, link):
        raise StorageRefused(404, "NoSuchUpload", "The specified multipart upload does not exist.")
    path = services.objects.incoming()
    try:
        size = await _receive(receive, path, scope.get("skycap.keep_only"))
        etag = await asyncio.to_thread(services.objects.keep, link.key, link.part, path, size)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        raise
    if services.settings.put_delay_ms:
        await asyncio.sleep(services.settings.put_delay_ms / 1000)
    await _begin(send, 200, {"etag": f'"{etag}"', "content-length": "0"})
    await send({"type": "http.response.body", "body": b""})


def _is_open(services: Services, link: Link) -> bool:
    with services.database.reading() as db:
        row = db.execute("SELECT upload_id FROM uploads WHERE uuid = ?", (link.key,)).fetchone()
    return row is not None and row[0] == link.upload_id


async def _receive(receive: Receive, path: Path, keep_only: int | None) -> int:
    """Write a body into a file: a thread writes while the next bytes come. Bytes written."""
    loop, writing, size = asyncio.get_running_loop(), None, 0
    with open(path, "xb", buffering=0, opener=_private) as file:
        blocks: list[bytes] = []
        waiting, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                if writing is not None:
                    await writing
                raise Gone
            more = message.get("more_body", False)
            if block := message.get("body", b""):
                blocks.append(block)
                waiting += len(block)
            if waiting >= _BLOCK or len(blocks) >= _MOST_BLOCKS or (not more and waiting):
                if writing is not None:
                    await writing
                writing = loop.run_in_executor(None, _write_all, file.fileno(), blocks)
                size, blocks, waiting = size + waiting, [], 0
        if writing is not None:
            await writing
        if keep_only is not None and size > keep_only:
            os.ftruncate(file.fileno(), keep_only)
            size = keep_only
    return size


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write_all(handle: int, blocks: list[bytes]) -> None:
    total = sum(map(len, blocks))
    written = os.writev(handle, blocks)
    if written < total:  # a disk that is nearly full takes less
        rest = memoryview(b"".join(blocks))[written:]
        while rest:
            rest = rest[os.write(handle, rest) :]


async def _get(services: Services, scope: Scope, link: Link, headers: dict[str, str], send: Send) -> None:
    def look() -> int | None:
        with services.database.reading() as db:
            return services.objects.size(db, link.key)

    size = await asyncio.to_thread(look)
    if size is None:
        raise StorageRefused(404, "NoSuchKey", "The specified key does not exist.")
    asked = _range(headers.get("range", ""), size)
    start, stop = asked or (0, size)
    status = 200 if asked is None else 206
    told = {
        "content-type": "application/octet-stream",
        "accept-ranges": "bytes",
        "content-length": str(stop - start),
    }
    told["etag"] = f'"{link.key.replace("-", "")}"'
    if asked is not None:
        told["content-range"] = f"bytes {start}-{stop - 1}/{size}"
    pieces = await asyncio.to_thread(services.objects.pieces, link.key, start, stop - start)
    await _begin(send, status, told)
    if scope["method"] == "GET":
        await _send_pieces(scope, pieces, send, scope.get("skycap.send_only"))
    await send({"type": "http.response.body", "body": b""})


async def _send_pieces(scope: Scope, pieces: list[Piece], send: Send, send_only: int | None) -> None:
    connection = scope[CONNECTION]
    for piece in pieces:
        length = piece.length if send_only is None else min(piece.length, send_only)
        with open(piece.path, "rb") as file:
            if length:
                if connection.is_tls:
                    await _send_blocks(file, piece.start, length, send)
                else:
                    with contextlib.suppress(ConnectionError):  # who went away misses the rest
                        await connection.send_file(file, piece.start, length)
        if send_only is not None:
            send_only -= length
            if not send_only:
                connection.close()
                return


async def _send_blocks(file: BinaryIO, start: int, length: int, send: Send) -> None:
    """Read from the cache of the kernel, which is quicker than to ask a thread for it."""
    end = start + length
    while start < end:
        block = os.pread(file.fileno(), min(_TLS_BLOCK, end - start), start)
        if not block:  # somebody shortened the file: the client sees an answer that ends early
            return
        start += len(block)
        await send({"type": "http.response.body", "body": block, "more_body": True})


def _range(text: str, size: int) -> tuple[int, int] | None:
    """First byte and end of what is asked for; None, for all of it, if S3 would pass over the header."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    if (not first and not int(last)) or not size or (first and int(first) >= size):
        raise StorageRefused(416, "InvalidRange", "The requested range is not satisfiable")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


async def _begin(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
