"""Listings, page by page, in the order of keys.

Keys are asked for URL-encoded, since XML cannot hold all that a key can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from heapq import heappop, heappush

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.objects import md5_of
from skycap.cloudproviders.s3.page import Page
from skycap.core.errors import Error, PathInvalid, ScanFailed
from skycap.core.paths import order_key, printable, validate
from skycap.core.storage.entry import Entry, Kind


class Listing:
    """The listings of one bucket."""

    def __init__(self, client: Client, bucket: str, etag_is_md5: Callable[[], bool]) -> None:
        self._client = client
        self._bucket = bucket
        self._etag_is_md5 = etag_is_md5

    def objects(self, prefix: str, *, flat: bool) -> Iterator[Entry]:
        """Everything below `prefix`; one level only, with directories and in order, unless `flat`.

        Keys that are no paths are told by `ScanFailed` when all the others have come: whoever copies has
        what can be had, and knows that it is not everything.
        """
        left_out: list[str] = []
        if flat:
            yield from self._flat(prefix, left_out, None)
        else:
            yield from in_order(self._pages(prefix, left_out, None, flat=False))
            self._tell(prefix, left_out)

    def _flat(self, prefix: str, left_out: list[str], token: str | None) -> Iterator[Entry]:
        """All keys from one page on."""
        yield from self._pages(prefix, left_out, token, flat=True)
        self._tell(prefix, left_out)

    def _tell(self, prefix: str, left_out: list[str]) -> None:
        if left_out:
            raise ScanFailed(
                f"{len(left_out)} keys are no paths and were left out, first {printable(left_out[0])!r}",
                where=self._client.where(self._bucket, prefix),
                hint="Rename them with a program of the store: `..`, an empty name or a NUL is no path.",
            )

    def _pages(self, prefix: str, left_out: list[str], token: str | None, *, flat: bool) -> Iterator[Entry]:
        while True:
            try:
                page = self._page(prefix, token, flat=flat)
            except Error as error:
                if flat:
                    error.rest = partial(self._flat, prefix, left_out, token)
                raise
            yield from self._entries(page, prefix, left_out)
            token = page.next("NextContinuationToken", token)
            if token is None:
                return

    def exists(self, prefix: str) -> bool:
        """Whether anything is at or below `prefix`."""
        return bool(self._page(prefix, None, flat=True, most=1).items)

    def _page(self, prefix: str, token: str | None, *, flat: bool, most: int = 1000) -> Page:
        query = [("list-type", "2"), ("encoding-type", "url"), ("max-keys", str(most))]
        if prefix:
            query.append(("prefix", prefix))
        if not flat:
            query.append(("delimiter", "/"))
        if token is not None:
            query.append(("continuation-token", token))
        answer = self._client.request("GET", self._bucket, query=query)
        return Page(answer.body, self._client.where(self._bucket, prefix), "ListBucketResult")

    def _entries(self, page: Page, prefix: str, left_out: list[str]) -> list[Entry]:
        found: list[Entry] = []
        directories = False
        for kind, fields in page.items:
            if kind == "Contents":
                key = page.text(page.need("Key", fields))
                if key.endswith("/") and (key == prefix or fields.get("Size") == "0"):
                    continue  # a directory marker of another program
                if _is_path(key):
                    found.append(self._entry(page, key, fields))
                else:
                    left_out.append(key)
            elif kind == "CommonPrefixes":
                key = page.text(page.need("Prefix", fields))
                if not key.endswith("/") or not _is_path(key[:-1]):
                    left_out.append(key)
                else:
                    found.append(Entry(key[:-1], Kind.DIRECTORY))
                    directories = True
        if directories:
            found.sort(key=lambda entry: order_key(entry.path, is_dir=entry.kind is Kind.DIRECTORY))
        return found

    def _entry(self, page: Page, key: str, fields: Mapping[str, str]) -> Entry:
        etag = fields.get("ETag", "")
        if etag and not etag.startswith('"'):
            etag = f'"{etag}"'
        return Entry(
            key,
            size=page.number("Size", fields),
            stored_at_ns=time_ns(fields.get("LastModified", "")),
            version=etag or None,
            hashes=(md5_of(etag) or None) if self._etag_is_md5() else None,
        )


def _is_path(key: str) -> bool:
    try:
        validate(key)
    except PathInvalid:
        return False
    return bool(key)


def in_order(entries: Iterable[Entry]) -> Iterator[Entry]:
    """One level in the order of keys, whether the store sorts directories by key or, as some do, by name.

    Sorted by name, `a` comes before `a-b`, though the key `a/` comes after it: so a directory waits until
    nothing smaller can follow. What waits is the chain of names that are prefixes of the one at hand.
    """
    waiting: list[tuple[bytes, Entry]] = []
    for entry in entries:
        key = order_key(entry.path)
        while waiting and waiting[0][0] < key:
            yield heappop(waiting)[1]
        if entry.kind is Kind.DIRECTORY:
            heappush(waiting, (key + b"/", entry))
        else:
            yield entry
    while waiting:
        yield heappop(waiting)[1]


def time_ns(text: str) -> int | None:
    """Nanoseconds since the epoch from `2026-01-02T03:04:05.678Z`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000) * 1_000_000
