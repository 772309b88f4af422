"""Windows Explorer (MiniRedir): it looks at the top of the server, copies in with its four times, renames.

Written from a log of it in public, not recorded here.
"""

from __future__ import annotations

from tests.core.webdav.sequences.step import LOCK_TOKEN, Step, lock_info

_WHO = "User-Agent: Microsoft-WebDAV-MiniRedir/10.0.19045\ntranslate: f\nConnection: Keep-Alive"
_XML = f'{_WHO}\nContent-Type: text/xml; charset="utf-8"'
_OWNER = "<D:href>DESKTOP-1\\me</D:href>"

CONTENT = b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 100
CREATED, MODIFIED = "Mon, 06 Feb 2023 08:00:00 GMT", "Tue, 07 Feb 2023 09:30:15 GMT"
MODIFIED_S = 1675762215


def _times(modified: str, attributes: str = "00000020") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" '
        'xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        f"<Z:Win32CreationTime>{CREATED}</Z:Win32CreationTime>"
        f"<Z:Win32LastAccessTime>{modified}</Z:Win32LastAccessTime>"
        f"<Z:Win32LastModifiedTime>{modified}</Z:Win32LastModifiedTime>"
        f"<Z:Win32FileAttributes>{attributes}</Z:Win32FileAttributes>"
        "</D:prop></D:set></D:propertyupdate>"
    )


def _look(path: str, *, depth: int = 0, missing: bool = False, hears: tuple[str, ...] = ()) -> Step:
    return Step(f"PROPFIND {path}\nDepth: {depth}\n{_WHO}", 404 if missing else 207, b"", hears=hears)


MOUNT = (
    Step(
        f"OPTIONS /\n{_WHO}",
        needs={"ms-author-via": "^DAV$", "dav": "1, ?2", "allow": "PROPFIND"},
    ),
    _look("/", hears=("<[^>]*collection",)),
    _look("/desktop.ini", missing=True),
    _look("/", depth=1),
)


def _held(path: str) -> tuple[Step, ...]:
    held = "If: (<{token}>)"
    return (
        Step(
            f"PROPPATCH {path}\n{held}\n{_XML}",
            207,
            _times(MODIFIED),
            hears=(r"HTTP/1\.1 200",),
            never=(r"HTTP/1\.1 [345]",),
        ),
        Step(f"HEAD {path}\n{_WHO}", needs={"content-length": "^0$", "last-modified": "GMT$"}),
        Step(f"PUT {path}\n{held}\n{_WHO}", 204, CONTENT),
        Step(
            f"PROPPATCH {path}\n{held}\n{_XML}",
            207,
            _times(MODIFIED),
            hears=(r"HTTP/1\.1 200",),
            never=(r"HTTP/1\.1 [345]",),
        ),
    )


COPY_IN = (
    _look("/New%20file.xls", missing=True),
    Step(f"PUT /New%20file.xls\n{_WHO}", 201, b""),
    Step(
        f"LOCK /New%20file.xls\nTimeout: Second-3600\n{_XML}",
        body=lock_info(_OWNER),
        needs={"lock-token": "<.+>"},
        hears=("Second-3600", "exclusive"),
        keeps=LOCK_TOKEN,
    ),
    *_held("/New%20file.xls"),
    Step(f"UNLOCK /New%20file.xls\nLock-Token: <{{token}}>\n{_WHO}", 204),
    _look(
        "/New%20file.xls",
        hears=(
            f"getcontentlength>{len(CONTENT)}<",
            f"getlastmodified>{MODIFIED}<",
            "Win32FileAttributes[^>]*>00000020<",
            f"Win32CreationTime[^>]*>{CREATED}<",
        ),
    ),
)

READ = (
    _look("/New%20file.xls"),
    Step(
        f"GET /New%20file.xls\n{_WHO}",
        needs={"content-length": f"^{len(CONTENT)}$", "last-modified": MODIFIED},
    ),
)

RENAME = (
    Step(f"MKCOL /New%20folder\n{_WHO}", 201, b""),
    _look("/New%20folder/Sums.xls", missing=True),
    Step(  # hosts in another case, and names that are not escaped: old ones do that
        "MOVE /New%20file.xls\nHost: LocalHost:1\nDestination: http://localhost:1/New folder/Sums.xls\n"
        f"Overwrite: F\n{_WHO}",
        201,
    ),
    _look("/New%20folder", depth=1, hears=(r"Sums\.xls", f"getlastmodified>{MODIFIED}<")),
    Step(  # onto itself in other words: there is one already
        f"MOVE /New%20folder/Sums.xls\nDestination: http://{{host}}/taken.xls\nOverwrite: F\n{_WHO}", 412
    ),
)

REMOVE = (
    Step(f"DELETE /New%20folder\n{_WHO}", 204),
    _look("/New%20folder", missing=True),
)
