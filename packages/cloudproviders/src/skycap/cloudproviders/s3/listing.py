"""Listings, page by page, in the order of keys.

Keys are asked for URL-encoded, since XML cannot hold all that a key can. A page is cut with regular
expressions: its shape is fixed, and a parser costs ten times as much.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from heapq import heappop, heappush
from html import unescape
from urllib.parse import unquote_plus

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.objects import md5_of
from skycap.core.errors import PathInvalid, ProviderError
from skycap.core.paths import order_key, printable, validate
from skycap.core.storage.entry import Entry, Kind

_log = logging.getLogger(__name__)
_ITEM = re.compile(
    r"<(Contents|CommonPrefixes|Version|DeleteMarker|Upload|Part|Bucket)>(.*?)</\1>", re.DOTALL
)
_FIELD = re.compile(r"<([A-Za-z]+)>([^<]*)</\1>")


class Page:
    """One answer: the items by kind, and the fields that stand outside of them."""

    def __init__(self, body: bytes, where: str) -> None:
        text = body.decode("utf-8", "replace")
        if "<" not in text:
            raise ProviderError("the store answered a listing with something else", where=where)
        self.items = [
            (kind, {name: unescape(value) for name, value in _FIELD.findall(inner)})
            for kind, inner in _ITEM.findall(text)
        ]
        self.fields = {name: unescape(value) for name, value in _FIELD.findall(_ITEM.sub("", text))}
        self.encoded = self.fields.get("EncodingType") == "url"

    def text(self, value: str) -> str:
        """A key as it is."""
        return unquote_plus(value) if self.encoded else value

    @property
    def more(self) -> bool:
        """Whether another page follows."""
        return self.fields.get("IsTruncated") == "true"


class Listing:
    """The listings of one bucket."""

    def __init__(self, client: Client, bucket: str, etag_is_md5: Callable[[], bool]) -> None:
        self._client = client
        self._bucket = bucket
        self._etag_is_md5 = etag_is_md5
        self._skipped = 0

    def objects(self, prefix: str, *, flat: bool) -> Iterator[Entry]:
        """Everything below `prefix`; one level only, with directories and in order, unless `flat`."""
        entries = self._pages(prefix, flat=flat)
        return entries if flat else in_order(entries)

    def _pages(self, prefix: str, *, flat: bool) -> Iterator[Entry]:
        token: str | None = None
        while True:
            page = self._page(prefix, token, flat=flat)
            yield from self._entries(page, prefix)
            token = page.fields.get("NextContinuationToken")
            if not page.more or not token:
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
        return Page(answer.body, self._client.where(self._bucket, prefix))

    def _entries(self, page: Page, prefix: str) -> list[Entry]:
        found: list[Entry] = []
        directories = False
        for kind, fields in page.items:
            if kind == "Contents":
                key = page.text(fields["Key"])
                if key.endswith("/") and (key == prefix or fields.get("Size") == "0"):
                    continue  # a directory marker of another program
                if self._usable(key):
                    found.append(self._entry(key, fields))
            elif kind == "CommonPrefixes":
                key = page.text(fields["Prefix"])
                if key.endswith("/") and self._usable(key[:-1]):
                    found.append(Entry(key[:-1], Kind.DIRECTORY))
                    directories = True
        if directories:
            found.sort(key=lambda entry: order_key(entry.path, is_dir=entry.kind is Kind.DIRECTORY))
        return found

    def _entry(self, key: str, fields: Mapping[str, str]) -> Entry:
        etag = fields.get("ETag", "")
        if etag and not etag.startswith('"'):
            etag = f'"{etag}"'
        return Entry(
            key,
            size=int(fields["Size"]),
            stored_at_ns=time_ns(fields.get("LastModified", "")),
            version=etag or None,
            hashes=(md5_of(etag) or None) if self._etag_is_md5() else None,
        )

    def _usable(self, key: str) -> bool:
        try:
            validate(key)
        except PathInvalid:
            self._skipped += 1
            if self._skipped == 1:
                _log.warning(
                    "the bucket %s has keys that are no paths, such as %s: they are left out",
                    self._bucket,
                    printable(key),
                )
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
