"""davfs2, gvfs (both as recorded) and KIO (from its source): what they say over HTTP."""

from __future__ import annotations

from tests.core.webdav.sequences.step import ETAG, LOCK_TOKEN, Step, find, lock_info

CONTENT = b"line\n" * 2000

_DAVFS = "User-Agent: davfs2/1.6.1 neon/0.32.5\nConnection: TE\nTE: trailers"
_DAVFS_XML = f"{_DAVFS}\nContent-Type: application/xml"
_DAVFS_FIND = find("quota-available-bytes", "quota-used-bytes", "resourcetype", "getlastmodified", "getetag")

DAVFS2 = (
    Step(
        f"LOCK /new.txt\nDepth: 0\nTimeout: Second-1800\n{_DAVFS_XML}",
        201,
        lock_info("root"),
        needs={"lock-token": "<.+>"},
        keeps=LOCK_TOKEN,
    ),
    Step(f"HEAD /new.txt\n{_DAVFS}", needs={"content-length": "^0$"}, keeps=ETAG),
    Step(
        f"PUT /new.txt\nIf-Match: {{etag}}\nIf: <http://{{host}}/new.txt> (<{{token}}>)\n{_DAVFS}",
        204,
        CONTENT,
        keeps=ETAG,
    ),
    Step(f"HEAD /new.txt\n{_DAVFS}", needs={"etag": "^{etag}$", "content-length": f"^{len(CONTENT)}$"}),
    Step(f"UNLOCK /new.txt\nLock-Token: <{{token}}>\n{_DAVFS}", 204, needs={}),
    Step(f"PROPFIND /\nDepth: 1\n{_DAVFS_XML}", 207, _DAVFS_FIND, hears=("/new.txt<", "getetag>{etag}<")),
    Step(f'PUT /new.txt\nIf-Match: "another"\n{_DAVFS}', 412, b"lost update"),
)

_GVFS = "User-Agent: gvfs/1.50.3\nAccept-Encoding: gzip, deflate\nAccept-Language: en\nConnection: Keep-Alive"
_GVFS_FIND = find(
    "creationdate",
    "displayname",
    "getcontentlength",
    "getcontenttype",
    "getetag",
    "getlastmodified",
    "resourcetype",
)

GVFS = (
    Step(f"OPTIONS /\n{_GVFS}", needs={"dav": "1"}),
    Step(f"PROPFIND /\nDepth: 0\n{_GVFS}", 207, _GVFS_FIND, hears=("collection",)),
    Step(f"PROPFIND /it%27s%20%28new%29!.txt\nDepth: 0\n{_GVFS}", 404, _GVFS_FIND),
    Step(f"PUT /it's%20(new)!.txt\nOverwrite: T\n{_GVFS}", 201, CONTENT, needs={"etag": '^".+"$'}),
    Step(  # one spelling, however it was asked for
        f"PROPFIND /it%27s%20%28new%29%21.txt\nDepth: 0\n{_GVFS}",
        207,
        _GVFS_FIND,
        keeps={"href": r"href>([^<]*)<"},
        hears=("text/plain", f"getcontentlength>{len(CONTENT)}<"),
    ),
    Step(f"PROPFIND /\nDepth: 1\n{_GVFS}", 207, _GVFS_FIND, hears=("1",)),
    Step(f"MKCOL /folder\n{_GVFS}", 201),
    Step(
        f"MOVE /it's%20(new)!.txt\nDestination: http://{{host}}/folder/a.txt\nOverwrite: F\n{_GVFS}",
        201,
    ),
    Step(f"PUT /b.txt\nOverwrite: T\n{_GVFS}", 201, b"beta"),
    Step(f"MOVE /b.txt\nDestination: http://{{host}}/folder/a.txt\nOverwrite: F\n{_GVFS}", 412),
    Step(f"MOVE /b.txt\nDestination: http://{{host}}/folder/a.txt\nOverwrite: T\n{_GVFS}", 204),
    Step(f"GET /folder/a.txt\n{_GVFS}", hears=("^beta$",), lacks=("content-encoding",)),
    Step(f"DELETE /folder\n{_GVFS}", 204),
    Step(f"PROPFIND /folder\nDepth: 0\n{_GVFS}", 404, _GVFS_FIND),
)

_KIO = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) KIO/5.103\nAccept: */*\nConnection: keep-alive"
_KIO_FIND = find(
    "creationdate",
    "getcontentlength",
    "displayname",
    "source",
    "getcontentlanguage",
    "getcontenttype",
    "getlastmodified",
    "getetag",
    "supportedlock",
    "lockdiscovery",
    "resourcetype",
)

KIO = (
    Step(f"MKCOL /folder\n{_KIO}", 201),
    Step(f"PROPFIND /folder/c.txt\nDepth: 0\n{_KIO}", 404, _KIO_FIND),
    Step(f"PUT /folder/c.txt\n{_KIO}", 201, CONTENT),
    Step(  # a collection without a slash at its end
        f"PROPFIND /folder\nDepth: 1\n{_KIO}",
        207,
        _KIO_FIND,
        hears=("href>/folder/<", "href>/folder/c.txt<", r"HTTP/1\.1 404"),
    ),
    Step(
        f"COPY /folder/c.txt\nDestination: http://{{host}}/d.txt\nOverwrite: F\nDepth: infinity\n{_KIO}", 201
    ),
    Step(f"GET /d.txt\nRange: bytes=5-8\n{_KIO}", 206, hears=("^line$",)),
)
