"""A cloud that speaks as Nextcloud does, written from its developer manual, and strict about what it is sent.

Files (with X-OC-Mtime, OC-Checksum, conditions), chunked uploads of version 2, trash, versions, search, and
the OCS API for links. What a real cloud would let pass by luck is refused here.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.cloudproviders.webdav.cloud_tree import Node, Refused, Tree
from tests.cloudproviders.webdav.cloud_wire import (
    Answer,
    Properties,
    Request,
    asked,
    check_name,
    element,
    give,
    http_date,
    multi,
    multistatus,
    ocs,
    propstat,
)
from tests.cloudproviders.webdav.servers import Wsgi

_MIB = 1 << 20
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content", 207: "Multi-Status"}


class Cloud:
    """The application. One user; what tests look at is in `tree`, `uploads`, `shares`."""

    def __init__(self, user: str, password: str) -> None:
        import base64

        self.user = user
        self.tree = Tree()
        self.uploads: dict[str, tuple[str, dict[int, bytes], int]] = {}
        self.shares: dict[int, dict[str, Any]] = {}
        self.checksums = 0
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._authorization = f"Basic {pair}"
        self._doors: list[tuple[str, Callable[[Request, str], None]]] = [
            (f"/remote.php/dav/files/{user}", self.files),
            ("/remote.php/webdav", self.files),
            (f"/remote.php/dav/uploads/{user}", self.upload),
            (f"/remote.php/dav/trashbin/{user}", self.trashbin),
            (f"/remote.php/dav/versions/{user}", self.versions),
            ("/ocs/v2.php/apps/files_sharing/api/v1/shares", self.sharing),
            ("/remote.php/dav", self.search),
        ]

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        try:
            self._route(Request(environ))
            raise AssertionError("a handler gave no answer")
        except Answer as found:
            answer = found
        except Refused as error:
            body = (
                '<?xml version="1.0" encoding="utf-8"?><d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
                f"<s:exception>{escape(error.exception)}</s:exception>"
                f"<s:message>{escape(error.message)}</s:message></d:error>"
            ).encode()
            answer = Answer(error.status, body, Content_Type="application/xml; charset=utf-8")
            if error.status == 401:
                answer.headers["WWW-Authenticate"] = 'Basic realm="Cloud", charset="UTF-8"'
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        if answer.status == 204:
            headers.pop("Content-Length")
        start(f"{answer.status} {_REASONS.get(answer.status, 'Refused')}", list(headers.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]

    def _route(self, request: Request) -> None:
        if request.path == "/status.php":
            told = {"installed": True, "productname": "Nextcloud", "version": "31.0.0.1"}
            raise Answer(200, json.dumps(told).encode(), Content_Type="application/json")
        if request.headers.get("authorization") != self._authorization:
            raise Refused(
                401, "No public access to this resource.", "Sabre\\DAV\\Exception\\NotAuthenticated"
            )
        for door, handler in self._doors:
            if request.path == door or request.path.startswith(f"{door}/"):
                with self.tree.lock:
                    handler(request, request.path[len(door) :].strip("/"))
        raise Refused(404, "no such page")

    # Files

    def files(self, request: Request, path: str) -> None:
        handler = getattr(self, f"_{request.method.lower()}", None)
        if handler is None:
            raise Refused(501, f"{request.method} is not supported")
        handler(request, path)

    def _options(self, request: Request, path: str) -> None:
        allowed = "OPTIONS, GET, HEAD, DELETE, PROPFIND, PUT, PROPPATCH, COPY, MOVE, REPORT"
        raise Answer(200, DAV="1, 3, extended-mkcol, oc-resource-sharing", Allow=allowed)

    def _properties(self, path: str, node: Node) -> Properties:
        found = {
            "{DAV:}getlastmodified": http_date(node.mtime),
            "{DAV:}getetag": f"&quot;{node.etag}&quot;",
            "{http://owncloud.org/ns}fileid": str(node.id),
        }
        if node.content is None:
            used = sum(len(one.content or b"") for one in self.tree.nodes.values())
            found["{DAV:}resourcetype"] = "<d:collection/>"
            found["{DAV:}quota-used-bytes"] = str(used)
            found["{DAV:}quota-available-bytes"] = "-3" if not path else str(1 << 30)
        else:
            found["{DAV:}resourcetype"] = ""
            found["{DAV:}getcontentlength"] = str(len(node.content))
        if node.checksum:
            found["{http://owncloud.org/ns}checksums"] = f"<oc:checksum>{node.checksum}</oc:checksum>"
        return found

    def _propfind(self, request: Request, path: str) -> None:
        node, wanted = self.tree.get(path), asked(request)
        depth = request.headers.get("depth", "infinity")
        if depth not in {"0", "1", "infinity"}:
            raise Refused(400, "The Depth header is wrong")
        paths = {"0": [], "1": self.tree.members(path), "infinity": self.tree.below(path)}[depth]
        if node.content is not None:
            paths = []
        door = request.path.rstrip("/")
        door = door[: len(door) - len(path)] if path else door
        items = [(self._href(door, one), self._properties(one, self.tree.get(one))) for one in [path, *paths]]
        raise multistatus(items, wanted)

    def _href(self, door: str, path: str) -> str:
        href = quote(f"{door.rstrip('/')}/{path}")
        return f"{href.rstrip('/')}/" if self.tree.get(path).content is None else href

    def _proppatch(self, request: Request, path: str) -> None:
        node = self.tree.get(path)
        statuses = {}
        for prop in ElementTree.fromstring(request.body).iterfind("{DAV:}set/{DAV:}prop/*"):
            statuses[prop.tag] = 403
            if prop.tag == "{DAV:}lastmodified":
                node.mtime = int(prop.text or "")
                statuses[prop.tag] = 200
        stats = "".join(propstat(element(tag), f"{status} x") for tag, status in statuses.items())
        raise multi(f"<d:response><d:href>{quote(request.path)}</d:href>{stats}</d:response>")

    def _mkcol(self, request: Request, path: str) -> None:
        check_name(path)
        if request.body:
            raise Refused(415, "The request body for the MKCOL request must have an xml Content-Type")
        self.tree.make_folder(path)
        raise Answer(201)

    def _put(self, request: Request, path: str) -> None:
        check_name(path)
        self._preconditions(request, path)
        checksum = request.headers.get("oc-checksum", "")
        if checksum:
            kind, _, digest = checksum.partition(":")
            if kind != "SHA1" or hashlib.sha1(request.body).hexdigest() != digest:
                raise Refused(400, f"The computed checksum does not match {checksum}")
            self.checksums += 1
        mtime = request.number("x-oc-mtime")
        node, new = self.tree.put(path, request.body, mtime, checksum)
        accepted = {} if mtime is None else {"X-OC-MTime": "accepted"}
        raise Answer(201 if new else 204, ETag=f'"{node.etag}"', **accepted)

    def _preconditions(self, request: Request, path: str) -> None:
        node = self.tree.nodes.get(path)
        etag = f'"{node.etag}"' if node is not None else None
        match, none = request.headers.get("if-match"), request.headers.get("if-none-match")
        if match is not None and (etag is None or match not in {"*", etag}):
            raise Refused(412, "An If-Match header was specified, but it did not match")
        if none is not None and etag is not None and none in {"*", etag}:
            raise Refused(412, "An If-None-Match header was specified, but it matched")

    def _get(self, request: Request, path: str) -> None:
        node = self.tree.get(path)
        if node.content is None:
            raise Refused(501, "This is the WebDAV interface. It can only be accessed by WebDAV clients")
        give(request, node.content, ETag=f'"{node.etag}"', Last_Modified=http_date(node.mtime))

    _head = _get

    def _delete(self, request: Request, path: str) -> None:
        self.tree.get(path)
        if not path:
            raise Refused(403, "The root cannot be deleted")
        self._preconditions(request, path)
        self.tree.drop(path)
        raise Answer(204)

    def _target(self, request: Request) -> str:
        destination = request.destination()
        for door in (self._doors[0][0], self._doors[1][0]):
            if destination.startswith(f"{door}/"):
                path = destination[len(door) :].strip("/")
                check_name(path)
                return path
        raise Refused(403, f"The destination {destination} is not among the files")

    def _transfer(self, request: Request, source: str, *, move: bool) -> None:
        self.tree.get(source)
        target = self._target(request)
        overwrite = request.headers.get("overwrite", "T")
        if overwrite not in {"T", "F"}:
            raise Refused(400, "The HTTP Overwrite header should be either T or F")
        if target == source or target.startswith(f"{source}/"):
            raise Refused(403, "Source and destination uri are identical, or one is in the other")
        self.tree.parent_of(target)
        there = target in self.tree.nodes
        if there and overwrite == "F":
            raise Refused(
                412, "The destination node already exists, and the overwrite header is set to false"
            )
        if there:
            self.tree.drop(target)
        if move:
            self.tree.hang(target, self.tree.take(source))
        else:
            self.tree.copy(source, target)
        raise Answer(204 if there else 201)

    def _copy(self, request: Request, path: str) -> None:
        self._transfer(request, path, move=False)

    def _move(self, request: Request, path: str) -> None:
        self._transfer(request, path, move=True)

    # Chunked upload, version 2

    def upload(self, request: Request, path: str) -> None:
        name, _, part = path.partition("/")
        if request.method == "PROPFIND":
            self._list_uploads(request, name)
        if request.method == "MKCOL" and name and not part:
            if name in self.uploads:
                raise Refused(405, "exists")
            self.uploads[name] = (self._target(request), {}, int(time.time()))
            raise Answer(201)
        if name not in self.uploads:
            raise Refused(404, "no such upload")
        target, parts, _ = self.uploads[name]
        if request.method == "DELETE" and not part:
            del self.uploads[name]
            raise Answer(204)
        if self._target(request) != target:
            raise Refused(400, "Destination is not the one that the upload began with")
        if request.method == "PUT":
            if not re.fullmatch(r"\d{1,5}", part) or not 1 <= int(part) <= 10_000:
                raise Refused(400, "Invalid chunk name, must be a number between 1 and 10000")
            if request.number("oc-total-length") is None and "x-unknown" in request.headers:
                raise Refused(400, "no length")
            parts[int(part)] = request.body
            raise Answer(201, ETag=f'"{hashlib.md5(request.body).hexdigest()}"')
        if request.method == "MOVE" and part == ".file":
            self._assemble(request, name)
        raise Refused(405, "not in an upload")

    def _assemble(self, request: Request, name: str) -> None:
        target, parts, _ = self.uploads[name]
        ordered = [parts[number] for number in sorted(parts)]
        if not ordered or any(not 5 * _MIB <= len(one) <= 5120 * _MIB for one in ordered[:-1]):
            raise Refused(400, "Chunks must be between 5MB and 5GB, but for the last")
        content = b"".join(ordered)
        if request.number("oc-total-length") != len(content):
            raise Refused(400, f"Chunks on server do not sum up to {request.headers.get('oc-total-length')}")
        mtime = request.number("x-oc-mtime")
        node, new = self.tree.put(target, content, mtime, "")
        del self.uploads[name]
        raise Answer(201 if new else 204, ETag=f'"{node.etag}"')

    def _list_uploads(self, request: Request, name: str) -> None:
        base = f"/remote.php/dav/uploads/{self.user}"
        items: list[tuple[str, Properties]] = []

        def folder(href: str, begun: int) -> None:
            told = {"{DAV:}resourcetype": "<d:collection/>", "{DAV:}getlastmodified": http_date(begun)}
            items.append((f"{href}/", told))

        if name:
            if name not in self.uploads:
                raise Refused(404, "no such upload")
            _, parts, begun = self.uploads[name]
            folder(f"{base}/{name}", begun)
            for number, content in parts.items():
                told = {"{DAV:}resourcetype": "", "{DAV:}getcontentlength": str(len(content))}
                items.append((f"{base}/{name}/{number:05d}", told))
        else:
            folder(base, int(time.time()))
            for one, (_, _, begun) in self.uploads.items():
                folder(f"{base}/{one}", begun)
        raise multistatus(items, asked(request))

    # Trash and versions

    def trashbin(self, request: Request, path: str) -> None:
        room, _, name = path.partition("/")
        trash = self.tree.trash
        if room != "trash" or (name and name not in trash):
            raise Refused(404, "not in the trash")
        if request.method == "PROPFIND" and not name:
            base = f"/remote.php/dav/trashbin/{self.user}/trash"
            items: list[tuple[str, Properties]] = [(f"{base}/", {"{DAV:}resourcetype": "<d:collection/>"})]
            for one in trash.values():
                content = one.nodes[""].content
                told = {
                    "{DAV:}resourcetype": "<d:collection/>" if content is None else "",
                    "{http://nextcloud.org/ns}trashbin-original-location": escape(one.origin),
                    "{http://nextcloud.org/ns}trashbin-deletion-time": str(one.at),
                }
                if content is not None:
                    told["{DAV:}getcontentlength"] = str(len(content))
                items.append((f"{base}/{quote(one.name)}", told))
            raise multistatus(items, asked(request))
        if request.method == "DELETE":
            for one in [name] if name else list(trash):
                del trash[one]
            raise Answer(204)
        if request.method == "MOVE":
            self._restore_from_trash(request, name)
        raise Refused(405, "not in the trash")

    def _restore_from_trash(self, request: Request, name: str) -> None:
        destination, dropped = request.destination(), self.tree.trash[name]
        target = dropped.origin
        if not destination.startswith(f"/remote.php/dav/trashbin/{self.user}/restore/"):
            target = self._target(request)
        if target in self.tree.nodes:
            target += " (restored)"
        self.tree.parent_of(target)
        del self.tree.trash[name]
        self.tree.hang(target, dropped.nodes)
        raise Answer(201)

    def versions(self, request: Request, path: str) -> None:
        room, _, rest = path.partition("/")
        file_id, _, version = rest.partition("/")
        found = [one for one in self.tree.nodes.items() if str(one[1].id) == file_id]
        if room != "versions" or not found:
            raise Refused(404, "no such file")
        file, node = found[0]
        if request.method == "PROPFIND" and not version:
            base = f"/remote.php/dav/versions/{self.user}/versions/{file_id}"
            items: list[tuple[str, Properties]] = [(f"{base}/", {"{DAV:}resourcetype": "<d:collection/>"})]
            for at, content in {**node.versions, node.mtime: node.content or b""}.items():
                told = {"{DAV:}resourcetype": "", "{DAV:}getcontentlength": str(len(content))}
                items.append((f"{base}/{at}", {**told, "{DAV:}getlastmodified": http_date(at)}))
            raise multistatus(items, asked(request))
        if not version.isdecimal() or int(version) not in node.versions:
            raise Refused(404, "no such version")
        if request.method == "GET":
            give(request, node.versions[int(version)], Last_Modified=http_date(int(version)))
        if request.method == "MOVE":
            if not request.destination().startswith(f"/remote.php/dav/versions/{self.user}/restore/"):
                raise Refused(403, "versions are restored by moving them to the restore folder")
            self.tree.put(file, node.versions.pop(int(version)), None, "")
            raise Answer(201)
        raise Refused(405, "not among versions")

    # Search and links

    def search(self, request: Request, path: str) -> None:
        if request.method != "SEARCH" or path:
            raise Refused(404, "no such collection")
        if not request.type.startswith("text/xml"):
            raise Refused(415, "a search is text/xml")
        query = ElementTree.fromstring(request.body).find("{DAV:}basicsearch")
        assert query is not None
        scope = unquote(query.findtext("{DAV:}from/{DAV:}scope/{DAV:}href") or "")
        start = f"/files/{self.user}"
        like = query.find("{DAV:}where/{DAV:}like")
        if not scope.startswith(start) or like is None or like.find("{DAV:}prop/{DAV:}displayname") is None:
            raise Refused(400, "the search is not understood")
        pattern = re.escape(re.sub(r"\\(.)", r"\1", like.findtext("{DAV:}literal") or "")).replace("%", ".*")
        folder = scope[len(start) :].strip("/")
        self.tree.get(folder)
        wanted = [one.tag for one in query.iterfind("{DAV:}select/{DAV:}prop/*")]
        base = f"/remote.php/dav/files/{self.user}"
        items = [
            (self._href(base, one), self._properties(one, self.tree.get(one)))
            for one in self.tree.below(folder)
            if re.fullmatch(pattern, one.rpartition("/")[2], re.IGNORECASE)
        ]
        raise multistatus(items, wanted)

    def sharing(self, request: Request, path: str) -> None:
        if request.headers.get("ocs-apirequest") != "true":
            raise ocs(997, "the header OCS-APIRequest is missing", http=401)
        if request.query.get("format") != ["json"]:
            raise AssertionError("the answer would be XML")
        if request.method == "GET":
            raise ocs(200, "OK", list(self.shares.values()))
        if request.method == "DELETE":
            if self.shares.pop(int(path), None) is None:
                raise ocs(404, "Wrong share ID, share does not exist")
            raise ocs(200, "OK", [])
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("shareType") != "3" or not form.get("path", "").startswith("/"):
            raise ocs(400, "unknown share type, or no path")
        if form["path"].strip("/") not in self.tree.nodes:
            raise ocs(404, "Wrong path, file/folder does not exist")
        expires = form.get("expireDate")
        if expires is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", expires):
            raise ocs(404, "Invalid date, date format must be YYYY-MM-DD")
        number = len(self.shares) + 1
        self.shares[number] = {
            "id": str(number),
            "share_type": 3,
            "path": form["path"],
            "url": f"http://{request.headers['host']}/s/token{number}",
            "expiration": f"{expires} 00:00:00" if expires else None,
            "password": "***" if "password" in form else None,
        }
        raise ocs(200, "OK", self.shares[number])


class Nextcloud(Wsgi):
    """The emulation on cheroot."""

    vendor = "nextcloud"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cloud = Cloud(self.user, self.password)

    @property
    def url(self) -> str:
        return f"{self.endpoint}/remote.php/dav/files/{self.user}"

    def application(self) -> Any:
        return self.cloud
