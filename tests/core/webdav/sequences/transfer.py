"""Clients that upload and synchronise: Cyberduck and ownCloud's kind (from their sources), npm's `webdav`."""

from __future__ import annotations

import hashlib

from tests.core.webdav.sequences.step import ETAG, LOCK_TOKEN, Step, lock_info

CONTENT = b"0123456789abcdef" * 1024
MODIFIED_S = 1_600_000_123

_DUCK = "User-Agent: Cyberduck/8.7.1.40770 (Mac OS X/13.4) (aarch64)\nConnection: Keep-Alive"
_SAR = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>'
    '<S:lastmodified xmlns:S="SAR:">2020-09-13T12:28:43Z</S:lastmodified>'
    '<S:lastmodified_server xmlns:S="SAR:">1700000000000</S:lastmodified_server>'
    "</D:prop></D:set></D:propertyupdate>"
)

CYBERDUCK = (
    Step(f"PROPFIND /\nDepth: 1\nContent-Type: text/xml\n{_DUCK}", 207, b""),
    Step(f"PUT /a.bin\nExpect: 100-continue\n{_DUCK}", 201, CONTENT, needs={"etag": '^".+"$'}, keeps=ETAG),
    Step(f"HEAD /a.bin\n{_DUCK}", needs={"etag": "^{etag}$", "accept-ranges": "bytes"}),
    Step(
        f"PROPPATCH /a.bin\nContent-Type: text/xml\n{_DUCK}",
        207,
        _SAR,
        hears=(r"HTTP/1\.1 200",),
        never=(r"HTTP/1\.1 [45]",),
    ),
    Step(
        f"PROPFIND /a.bin\nDepth: 0\nContent-Type: text/xml\n{_DUCK}",
        207,
        '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
        hears=("2020-09-13T12:28:43Z",),
    ),
    # It resumes by sending a part, which the server does not know: it says so, and the file stays.
    Step(f"PUT /a.bin\nContent-Range: bytes 8192-16383/16384\n{_DUCK}", 400, CONTENT[8192:]),
    Step(f"HEAD /a.bin\n{_DUCK}", needs={"etag": "^{etag}$", "content-length": f"^{len(CONTENT)}$"}),
    Step(f"GET /a.bin\nRange: bytes=16380-\n{_DUCK}", 206, needs={"content-range": "16380-16383/16384"}),
)


def _sum(content: bytes) -> str:
    return f"SHA1:{hashlib.sha1(content).hexdigest()}"


_CLOUD = "User-Agent: Mozilla/5.0 (Linux) mirall/3.9.0 (Nextcloud)\nConnection: Keep-Alive"

OWNCLOUD = (
    Step(
        f"PUT /a.bin\nX-OC-Mtime: {MODIFIED_S}\nOC-Checksum: {_sum(CONTENT)}\n{_CLOUD}",
        201,
        CONTENT,
        needs={"x-oc-mtime": "^accepted$", "etag": '^".+"$'},
        keeps=ETAG,
    ),
    Step(
        f"HEAD /a.bin\n{_CLOUD}", needs={"last-modified": "Sun, 13 Sep 2020 12:28:43 GMT", "etag": "^{etag}$"}
    ),
    Step(
        f"PUT /a.bin\nX-OC-Mtime: {MODIFIED_S}\nOC-Checksum: {_sum(b'other')}\n{_CLOUD}",
        400,
        b"damaged on its way",
    ),
    Step(f"PUT /a.bin\nIf-Match: {{etag}}\nX-OC-Mtime: {MODIFIED_S}.5\n{_CLOUD}", 204, CONTENT + b"!"),
    Step(f"HEAD /a.bin\n{_CLOUD}", needs={"content-length": f"^{len(CONTENT) + 1}$"}),
)

_NPM = "User-Agent: axios/0.27.2\nAccept: text/plain, application/json\nConnection: close"

NPM_WEBDAV = (
    Step(f"MKCOL /deep/\n{_NPM}", 201),
    Step(f"MKCOL /deep/down/\n{_NPM}", 201),
    Step(f"PUT /deep/down/a.bin\nIf-None-Match: *\n{_NPM}", 201, CONTENT),
    Step(f"PUT /deep/down/a.bin\nIf-None-Match: *\n{_NPM}", 412, b"never"),
    Step(
        f"PROPFIND /deep/\nDepth: infinity\n{_NPM}",
        207,
        hears=("href>/deep/<", "href>/deep/down/<", "href>/deep/down/a.bin<"),
    ),
    Step(f"PROPFIND /deep/none\nDepth: 0\n{_NPM}", 404),
    Step(
        f"LOCK /deep/down/a.bin\nTimeout: Infinite, Second-4100000000\nContent-Type: text/plain\n{_NPM}",
        body=lock_info("me"),
        hears=("Second-",),
        keeps=LOCK_TOKEN,
    ),
    Step(f"DELETE /deep/down/a.bin\n{_NPM}", 423),
    Step(f"UNLOCK /deep/down/a.bin\nLock-Token: <{{token}}>\n{_NPM}", 204),
    Step(f"COPY /deep/down/a.bin\nDestination: http://{{host}}/b.bin\n{_NPM}", 201),
    Step(f"DELETE /deep/\n{_NPM}", 204),
)
