"""An answer in XML, cut into its fields, if it is the whole of the document that was asked for.

A captive portal, a proxy or a broken store may answer 200 with anything. Taken for a listing, that is an
empty bucket, and a mirror of it loses everything: so the root element and its closing tag must be there.

A page is cut with regular expressions: its shape is fixed, and a parser costs ten times as much.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import unquote_plus

from skycap.cloudproviders.s3.errors import error_of, is_web_page, not_the_store, refusal_of
from skycap.core.errors import DownloadFailed, ProviderError
from skycap.core.paths import printable

_ITEM = re.compile(
    r"<(Contents|CommonPrefixes|Version|DeleteMarker|Upload|Part|Bucket)>(.*?)</\1>", re.DOTALL
)
_FIELD = re.compile(r"<([A-Za-z]+)>([^<]*)</\1>")
_ROOT = re.compile(
    r"\ufeff?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<([A-Za-z]\w*)(?:\s[^>]*?)?(/?)>", re.DOTALL
)
_SHOWN = 60


def document(body: bytes, where: str, root: str, *, may_be_bare: bool = False) -> str:
    """The text of a whole document with this root element; `<root/>` only where it `may_be_bare`.

    Raises what an error document says; `ProviderError` for something else and `DownloadFailed` for a
    beginning without an end. Both are retryable: what stands in between may be gone the next time.
    """
    text = body.decode("utf-8", "replace")
    found = _ROOT.match(text)
    if found is not None and found.group(1) == "Error":
        raise error_of(refusal_of(500, body, {}), where)
    if found is None or found.group(1) != root or (found.group(2) and not may_be_bare):
        raise not_the_store(f"the store answered with {_what(text)} instead of {root}", where)
    if not found.group(2) and not text.rstrip().endswith(f"</{root}>"):
        raise DownloadFailed(f"the answer {root} ends in the middle", where=where)
    return text


def _what(text: str) -> str:
    start = text.strip()[:_SHOWN]
    if not start:
        return "nothing"
    if is_web_page(start):
        return "a web page"
    return repr(printable(start))


class Page:
    """One answer: the items by kind, and the fields that stand outside of them."""

    def __init__(self, body: bytes, where: str, root: str) -> None:
        text = document(body, where, root)
        self._root = root
        self._where = where
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
        return self.fields.get("IsTruncated", "").strip().lower() == "true"

    def need(self, name: str, fields: Mapping[str, str] | None = None) -> str:
        """A field of the page or of an item, without which the answer says nothing; `ProviderError`."""
        if value := (self.fields if fields is None else fields).get(name):
            return value
        raise ProviderError(f"the answer {self._root} has no {name}", where=self._where, retryable=True)

    def number(self, name: str, fields: Mapping[str, str]) -> int:
        """A size or a count."""
        value = self.need(name, fields).strip()
        if not (value.isascii() and value.isdigit() and len(value) < 20):
            raise ProviderError(
                f"the answer {self._root} has {printable(value[:_SHOWN])!r} for {name}", where=self._where
            )
        return int(value)

    def next(self, name: str, previous: str | None = None) -> str | None:
        """Where the next page begins, None after the last one; `ProviderError` if nobody can go on."""
        if not self.more:
            return None
        token = self.fields.get(name)
        if not token or token == previous:
            raise ProviderError(
                f"the answer {self._root} is not the last one, and does not say how to go on ({name})",
                where=self._where,
            )
        return token
