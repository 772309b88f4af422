"""Search by name, as RFC 5323 has it: what the cloud itself finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

from skycap.cloudproviders.webdav.errors import GONE
from skycap.cloudproviders.webdav.properties import asked_of, entry_of, propfind
from skycap.core import paths
from skycap.core.errors import PathInvalid
from skycap.core.storage.entry import Entry

if TYPE_CHECKING:
    from skycap.cloudproviders.webdav.storage import WebDav


def search(storage: WebDav, text: str, path: str) -> Iterator[Entry]:
    """Everything at or below a path whose name holds the text, upper and lower case alike."""
    paths.validate(path)
    cloud, place = storage.cloud, storage.dav.place
    scope = quote(f"/{paths.join('files', cloud.user, cloud.inside(path))}", errors="surrogateescape")
    literal = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    asked = propfind(asked_of(storage.traits)).decode()
    properties = asked[asked.index("<D:prop>") : asked.index("</D:propfind>")]
    spaces = asked[asked.index("<D:propfind ") + len("<D:propfind ") : asked.index("><D:prop>")]
    body = (
        f'<?xml version="1.0"?><D:searchrequest {spaces}><D:basicsearch>'
        f"<D:select>{properties}</D:select>"
        f"<D:from><D:scope><D:href>{escape(scope)}</D:href><D:depth>infinity</D:depth></D:scope></D:from>"
        f"<D:where><D:like><D:prop><D:displayname/></D:prop>"
        f"<D:literal>%{escape(literal)}%</D:literal></D:like></D:where>"
        "<D:orderby/></D:basicsearch></D:searchrequest>"
    ).encode()
    url = place.absolute(cloud.dav(), folder=True)
    headers = {"content-type": "text/xml; charset=utf-8"}
    base = type(place)(place.scheme, place.host, place.port, cloud.files("").rstrip("/"))
    for item in storage.dav.items("SEARCH", url, where=storage.where(path), content=body, headers=headers):
        if item.status in GONE:
            continue
        try:
            found = base.path_of(item.href)
            paths.relative_to(found, path)
        except PathInvalid:
            continue
        # An underscore or a percent sign may mean more to the database behind it.
        if text.casefold() in paths.split(found)[1].casefold():
            yield entry_of(item, found, storage.traits)
