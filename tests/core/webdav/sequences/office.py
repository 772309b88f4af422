"""Word, Excel and PowerPoint: what they ask before they edit, and how they save.

Written from public notes, not recorded here.
"""

from __future__ import annotations

from tests.core.webdav.sequences.step import LOCK_TOKEN, Step, lock_info

_WHO = "User-Agent: Microsoft Office Word 2019\nConnection: Keep-Alive"
_FINDS = "User-Agent: Microsoft Office Protocol Discovery\nConnection: Keep-Alive"
_OWNER = "<D:href>Me</D:href>"

BEFORE, AFTER = b"PK\x03\x04before" * 500, b"PK\x03\x04after!" * 900
OWNER_FILE = b"\x02Me" + bytes(162)
PATH = "/docs/Report%202.docx"

DISCOVER = (
    Step(
        f"OPTIONS /docs/\nX-MSGETWEBURL: t\nX-IDCRL_ACCEPTED: t\n{_FINDS}",
        needs={"ms-author-via": "^DAV$", "dav": "2", "allow": "LOCK"},
    ),
    Step(
        f"HEAD {PATH}\nUser-Agent: Microsoft Office Existence Discovery\nConnection: Keep-Alive",
        needs={"content-length": f"^{len(BEFORE)}$", "last-modified": "GMT$", "etag": '^"'},
    ),
    Step(f"GET /_vti_inf.html\n{_FINDS}", 404),
    Step(
        f"POST /_vti_bin/shtml.exe/_vti_rpc\nContent-Type: application/x-www-form-urlencoded\n{_FINDS}",
        (404, 405),
        b"method=server+version%3a15%2e0%2e0%2e4569\n",
    ),
)

EDIT = (
    Step(
        f"LOCK {PATH}\nTimeout: Second-180\nContent-Type: text/xml\n{_WHO}",
        body=lock_info(_OWNER),
        hears=("Second-180",),
        keeps=LOCK_TOKEN,
    ),
    Step(f"GET {PATH}\ntranslate: f\n{_WHO}", needs={"content-length": f"^{len(BEFORE)}$"}),
    Step(f"PUT /docs/~$port%202.docx\n{_WHO}", 201, OWNER_FILE),
    Step(
        f"LOCK {PATH}\nTimeout: Second-180\nIf: (<{{token}}>)\n{_WHO}",
        body=b"",
        hears=("{token}",),
        lacks=("lock-token",),
    ),
)

SOMEBODY_ELSE = (
    Step(
        f"LOCK {PATH}\nTimeout: Second-180\nContent-Type: text/xml\n{_WHO}",
        423,
        lock_info("<D:href>You</D:href>"),
    ),
    Step(f"PUT {PATH}\n{_WHO}", 423, b"theirs"),
    Step(f"GET {PATH}\n{_WHO}"),  # to read is allowed: it opens a copy
)

SAVE = (
    Step(f"HEAD {PATH}\n{_WHO}"),
    Step(f"PUT {PATH}\nIf: (<{{token}}>)\nContent-Type: application/octet-stream\n{_WHO}", 204, AFTER),
    Step(f"HEAD {PATH}\n{_WHO}", needs={"content-length": f"^{len(AFTER)}$"}),
    Step(f"UNLOCK {PATH}\nLock-Token: <{{token}}>\n{_WHO}", 204),
    Step(f"DELETE /docs/~$port%202.docx\n{_WHO}", 204),
)

SAVE_BY_RENAMING = (  # as through a drive of Windows
    Step(f"PUT /docs/~WRD0000.tmp\n{_WHO}", 201, AFTER),
    Step(f"MOVE {PATH}\nDestination: http://{{host}}/docs/~WRL0001.tmp\nOverwrite: F\n{_WHO}", 201),
    Step(f"MOVE /docs/~WRD0000.tmp\nDestination: http://{{host}}{PATH}\nOverwrite: F\n{_WHO}", 201),
    Step(f"DELETE /docs/~WRL0001.tmp\n{_WHO}", 204),
    Step(f"HEAD {PATH}\n{_WHO}", needs={"content-length": f"^{len(AFTER)}$"}),
)
