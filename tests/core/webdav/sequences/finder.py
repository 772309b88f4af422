"""macOS Finder (WebDAVFS): it mounts, looks for what a volume may have, copies in, renames, removes.

Written from public notes and logs of it, not recorded here.
"""

from __future__ import annotations

from tests.core.webdav.sequences.step import LOCK_TOKEN, Step, find, lock_info

_WHO = "User-Agent: WebDAVFS/3.0.0 (03008000) Darwin/22.6.0 (arm64)\nAccept: */*\nConnection: keep-alive"
_XML = f"{_WHO}\nContent-Type: text/xml"
_ATTRIBUTES = find("getlastmodified", "getcontentlength", "creationdate", "resourcetype")
_QUOTA = find("quota-available-bytes", "quota-used-bytes", "quota", "quotaused")
_OWNER = "<D:href>http://www.apple.com/webdav_fs/</D:href>"

CONTENT = b"To be, or not to be.\n" * 1000
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(4072)
DS_STORE = b"\x00\x00\x00\x01Bud1" + bytes(6140)
DECOMPOSED = "/Gro%CC%88%C3%9Fe%20%281%29.txt"
"""`Größe (1).txt` as the file system of macOS spells it."""


def _look(path: str, *, depth: int = 0, missing: bool = False) -> Step:
    head = f"PROPFIND {path}\nDepth: {depth}\n{_XML}"
    told = () if missing else (r"getlastmodified>.* GMT<|<[^>]*collection",)
    return Step(head, 404 if missing else 207, _ATTRIBUTES, hears=told)


MOUNT = (
    Step(
        f"OPTIONS /\n{_WHO}",
        needs={"dav": r"^1, ?2", "allow": "PROPFIND"},
    ),
    _look("/"),
    Step(f"PROPFIND /\nDepth: 0\n{_XML}", 207, _QUOTA, never=(r">-\d+<",)),
    *(
        _look(path, missing=True)
        for path in (
            "/._.",
            "/.hidden",
            "/.Spotlight-V100",
            "/mach_kernel",
            "/Backups.backupdb",
            "/.ql_disablethumbnails",
            "/.metadata_never_index",
            "/.DS_Store",
        )
    ),
    Step(f"PROPFIND /\nDepth: 1\n{_XML}", 207, _ATTRIBUTES, never=("location",)),
)


def copied_in(path: str, content: bytes, *, junk: bool = False) -> tuple[Step, ...]:
    """A file as it is copied: an empty one, a lock on it, then all of it in chunks."""
    held = "If: (<{token}>)"
    return (
        _look(path, missing=True),
        Step(f"PUT {path}\n{_WHO}", 201, b"", junk=junk),
        Step(
            f"LOCK {path}\nDepth: 0\nTimeout: Second-600\n{_XML}",
            body=lock_info(_OWNER),
            needs={"lock-token": "<.+>", "content-type": "xml"},
            hears=("activelock", "Second-"),
            keeps=LOCK_TOKEN,
            junk=junk,
        ),
        Step(f"PROPFIND {path}\nDepth: 0\n{_XML}", 207, _ATTRIBUTES, junk=junk),
        Step(
            f"PUT {path}\nTransfer-Encoding: chunked\nX-Expected-Entity-Length: {len(content)}\n"
            f"{held}\n{_WHO}",
            204,
            content,
            junk=junk,
        ),
        Step(
            f"PROPFIND {path}\nDepth: 0\n{_XML}",
            207,
            _ATTRIBUTES,
            hears=(rf"getcontentlength>{len(content)}<",),
            junk=junk,
        ),
        Step(
            f"LOCK {path}\nTimeout: Second-600\n{held}\n{_WHO}",
            body=b"",
            hears=("{token}",),
            lacks=("lock-token",),
            junk=junk,
        ),
        Step(f"UNLOCK {path}\nLock-Token: <{{token}}>\n{_WHO}", 204, junk=junk),
    )


COPY_IN = (*copied_in("/To%20be.txt", CONTENT), *copied_in("/._To%20be.txt", APPLE_DOUBLE, junk=True))
DECOMPOSED_NAME = copied_in(DECOMPOSED, CONTENT)
FOLDER_STATE = copied_in("/.DS_Store", DS_STORE, junk=True)

NEW_FOLDER = (
    _look("/untitled%20folder", missing=True),
    Step(f"MKCOL /untitled%20folder/\n{_WHO}", 201),
    Step(f"PROPFIND /untitled%20folder/\nDepth: 1\n{_XML}", 207, _ATTRIBUTES, hears=("collection",)),
    _look("/Plays", missing=True),
    Step(
        "MOVE /untitled%20folder/\nDestination: http://{host}/Plays/\nDepth: infinity\nOverwrite: T\n"
        f"{_WHO}",
        201,
    ),
    _look("/Plays"),
)

RENAME = (
    Step(f"MOVE /To%20be.txt\nDestination: http://{{host}}/Plays/Hamlet.txt\nOverwrite: T\n{_WHO}", 201),
    _look("/To%20be.txt", missing=True),
    Step(f"GET /Plays/Hamlet.txt\n{_WHO}", needs={"content-length": f"^{len(CONTENT)}$", "etag": '^".+"$'}),
)

TO_THE_BIN = (
    Step(f"DELETE /Plays/Hamlet.txt\n{_WHO}", 204),
    Step(f"PROPFIND /Plays/\nDepth: 1\n{_XML}", 207, _ATTRIBUTES, never=("Hamlet",)),
    Step(f"DELETE /Plays/\n{_WHO}", 204),
    _look("/Plays", missing=True),
)

CUT_SHORT = (
    Step(f"PUT /a.txt\n{_WHO}", 201, b"what was there"),
    Step(
        f"PUT /a.txt\nTransfer-Encoding: chunked\nX-Expected-Entity-Length: 99999\n{_WHO}",
        400,
        b"not all of it",
    ),
    Step(f"GET /a.txt\n{_WHO}", hears=("^what was there$",)),
)
