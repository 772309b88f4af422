"""A collection as a page to look at: plain HTML without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skycap.core.storage.entry import Entry
from skycap.core.webdav import xml
from skycap.core.webdav.answers import Headers
from skycap.core.webdav.conditions import modified_s
from skycap.core.webdav.dates import iso_date
from skycap.core.webdav.urls import encode

HEADERS: Headers = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
]
_STYLE = (
    "body{font:1em sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}.n{text-align:right}"
)


def page(url: str, members: Iterable[tuple[str, Entry]]) -> Iterator[str]:
    """The page of the collection at a URL path, piece by piece; `members` are URL paths and entries."""
    title = xml.text(f"/{url}/" if url else "/")
    yield (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n<table>\n"
        '<tr><th>Name</th><th class="n">Bytes</th><th>Changed</th></tr>\n'
    )
    if url:
        above = xml.text(encode(url.rpartition("/")[0], is_dir=True))
        yield f'<tr><td><a href="{above}">..</a></td><td></td><td></td></tr>\n'
    for where, entry in members:
        yield _row(where, entry)
    yield "</table>\n</body>\n</html>\n"


def _row(url: str, entry: Entry) -> str:
    href = xml.text(encode(url, is_dir=entry.is_dir))
    name = xml.text(url.rpartition("/")[2]) + ("/" if entry.is_dir else "")
    size = "" if entry.size is None or entry.is_dir else f"{entry.size:,}"
    moment = modified_s(entry)
    changed = "" if moment is None else iso_date(moment)
    return f'<tr><td><a href="{href}">{name}</a></td><td class="n">{size}</td><td>{changed}</td></tr>\n'
