"""Answers of a made-up WebDAV server."""

from __future__ import annotations

from collections.abc import Callable

from tests.cloudproviders.stub import Reply, Request

Answer = Callable[[Request], Reply]
XML = {"content-type": "application/xml"}
FILE, FOLDER = "", "<D:collection/>"


def item(href: str, kind: str = FILE, size: int = 5, more: str = "") -> str:
    length = f"<D:getcontentlength>{size}</D:getcontentlength>" if kind == FILE else ""
    return (
        f"<D:response><D:href>{href}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>"
        f"{length}{more}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def multi(*items: str) -> Reply:
    return Reply(207, f'<D:multistatus xmlns:D="DAV:">{"".join(items)}</D:multistatus>'.encode(), XML)


def probed(answer: Answer) -> Answer:
    """The same, beside a server that answers what it is asked at first."""

    def both(request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200, headers={"dav": "1, 2", "allow": "OPTIONS, PROPFIND, COPY, MOVE"})
        if request.method == "PROPFIND" and request.path == "/dav/" and request.headers["depth"] == "0":
            return multi(item("/dav/", FOLDER))
        return answer(request)

    return both
