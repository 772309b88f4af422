"""What goes over the wire to an emulated cloud and back: requests taken apart, XML and JSON written."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.cloudproviders.webdav.cloud_tree import Refused

_SPACES = {"DAV:": "d", "http://owncloud.org/ns": "oc", "http://nextcloud.org/ns": "nc"}
Properties = dict[str, str]


def http_date(seconds: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


class Request:
    def __init__(self, environ: dict[str, Any]) -> None:
        self.method: str = environ["REQUEST_METHOD"]
        raw = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
        self.path = raw.encode("latin-1").decode("utf-8")
        self.query = parse_qs(environ.get("QUERY_STRING", ""))
        self.headers = {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name[:5] == "HTTP_"
        }
        self.type: str = environ.get("CONTENT_TYPE", "")
        length = environ.get("CONTENT_LENGTH", "")
        self.body: bytes = environ["wsgi.input"].read(int(length)) if length else environ["wsgi.input"].read()
        if length and len(self.body) != int(length):
            raise Refused(400, f"Expected filesize of {length} bytes but read {len(self.body)} bytes.")

    def number(self, name: str) -> int | None:
        value = self.headers.get(name)
        if value is not None and not re.fullmatch(r"\d+", value):
            raise Refused(400, f"{name} is not a number: {value}")
        return None if value is None else int(value)

    def destination(self) -> str:
        """The decoded path of the header, which must be there and be of this server."""
        value = self.headers.get("destination")
        if value is None:
            raise Refused(400, "The destination header was not supplied")
        parts = urlsplit(value)
        if parts.netloc and parts.netloc != self.headers["host"]:
            raise Refused(502, "The destination is on another server")
        return unquote(parts.path).rstrip("/")


class Answer(Exception):
    """What goes out; raised, so that a handler may end anywhere."""

    def __init__(self, status: int, body: bytes = b"", **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def ocs(code: int, message: str, data: Any = None, *, http: int | None = None) -> Answer:
    told = {"ocs": {"meta": {"status": "ok", "statuscode": code, "message": message}, "data": data}}
    return Answer(http or code, json.dumps(told).encode(), Content_Type="application/json; charset=utf-8")


def check_name(path: str) -> None:
    name = path.rpartition("/")[2]
    if not name or "\\" in path or any(ord(one) < 32 for one in path) or len(name.encode()) > 250:
        raise Refused(400, "File name is not allowed", "OCA\\DAV\\Connector\\Sabre\\Exception\\InvalidPath")


def give(request: Request, content: bytes, **headers: str) -> None:
    headers |= {"Accept_Ranges": "bytes", "Content_Type": "application/octet-stream"}
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if found is None:
        raise Answer(200, content, **headers)
    start, end = int(found.group(1)), int(found.group(2) or len(content))
    if start >= len(content):
        raise Refused(416, "The start offset exceeded the size of the entity")
    part = content[start : end + 1]
    where = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
    raise Answer(206, part, Content_Range=where, **headers)


def asked(request: Request) -> list[str]:
    found = [one.tag for one in ElementTree.fromstring(request.body).iterfind("{DAV:}prop/*")]
    if not found:
        raise Refused(400, "no properties are asked for")
    return found


def element(tag: str, inner: str = "") -> str:
    space, _, local = tag[1:].partition("}")
    if space not in _SPACES:
        return f'<x:{local} xmlns:x="{space}">{inner}</x:{local}>'
    return f"<{_SPACES[space]}:{local}>{inner}</{_SPACES[space]}:{local}>"


def propstat(inner: str, status: str) -> str:
    return f"<d:propstat><d:prop>{inner}</d:prop><d:status>HTTP/1.1 {status}</d:status></d:propstat>"


def multistatus(items: list[tuple[str, Properties]], wanted: list[str]) -> Answer:
    responses = []
    for href, told in items:
        found = "".join(element(tag, told[tag]) for tag in wanted if tag in told)
        absent = "".join(element(tag) for tag in wanted if tag not in told)
        stats = propstat(found, "200 OK") + (propstat(absent, "404 Not Found") if absent else "")
        responses.append(f"<d:response><d:href>{escape(href)}</d:href>{stats}</d:response>")
    return multi("".join(responses))


def multi(inner: str) -> Answer:
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for uri, prefix in _SPACES.items())
    body = f'<?xml version="1.0"?><d:multistatus {spaces}>{inner}</d:multistatus>'
    return Answer(207, body.encode(), Content_Type="application/xml; charset=utf-8")
