"""Uploads that break off, on a real socket and over each kind of storage: the old file stays, and no part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from skycap.core.storage.interface import Storage
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt, KeyFile
from skycap.core.testing.servers import SeaweedFS
from skycap.core.units import KiB, MiB
from skycap.core.webdav.serving import ServerName
from tests.core.webdav.attacks.raw import head, whole, wire
from tests.core.webdav.served import tree
from tests.interop.webdav.places import both_servers, opened, serving

OLD = "the old file"
SENT = b"new " * (64 * KiB)  # 256 KiB: more than every buffer on the way
CHUNK = b"%x\r\n%s\r\n" % (len(SENT), SENT)
CHUNKED = "Transfer-Encoding: chunked"

CUT: dict[str, tuple[tuple[str, ...], bytes]] = {
    "in a body of known length": (("Content-Length: 1000000",), SENT),
    "before the first byte": (("Content-Length: 1000000",), b""),
    "one byte short": ((f"Content-Length: {len(SENT) + 1}",), SENT),
    "in a chunk": ((CHUNKED,), CHUNK + b"40000\r\n" + SENT[:1000]),
    "between two chunks": ((CHUNKED,), CHUNK),
    "in the size of a chunk": ((CHUNKED,), CHUNK + b"40"),
    "after the end of a chunk": ((CHUNKED,), CHUNK[:-2]),
    "in the last chunk": ((CHUNKED,), CHUNK + b"0\r\n"),
}
LARGE: dict[str, tuple[tuple[str, ...], bytes]] = {
    "after the first parts": (("Content-Length: 30000000",), b"x" * (20 * MiB)),
    "after the first parts in chunks": ((CHUNKED,), b"1f00000\r\n" + b"x" * (20 * MiB)),
}
WRONG: dict[str, tuple[tuple[str, ...], bytes]] = {
    "a checksum of other bytes": (
        (f"Content-Length: {len(SENT)}", f"OC-Checksum: SHA1:{hashlib.sha1(b'other').hexdigest()}"),
        SENT,
    ),
    "less than the client meant to send": (
        (CHUNKED, f"X-Expected-Entity-Length: {len(SENT) + 1}"),
        CHUNK + b"0\r\n\r\n",
    ),
    "more than the client meant to send": (
        (f"Content-Length: {len(SENT)}", f"X-Expected-Entity-Length: {len(SENT) - 1}"),
        SENT,
    ),
}


class Parts:
    """A storage, and how many files and uploads lie in it that it does not show."""

    def __init__(
        self, kind: str, folder: Path, stack: ExitStack, weed: Callable[[], SeaweedFS], key: Path
    ) -> None:
        self.kind, self.folder, self.weed = kind, folder, weed
        self.inner: Storage | None = None
        if kind == "crypt":
            key.write_bytes(bytes(range(32)))
            self.inner = stack.enter_context(Memory())
            self.storage: Storage = Crypt(self.inner, KeyFile(str(key)))
        else:
            self.storage = opened(kind, folder, stack, weed)

    def beside(self) -> int:
        """How many."""
        if self.kind == "local":
            return len(list(self.folder.iterdir())) - len(tree(self.storage))
        if self.inner is not None:
            return sum(1 for _ in self.inner.scan("")) - len(tree(self.storage))
        if self.kind == "s3":
            return _uploads(self.storage, self.weed())
        return 0


def _uploads(storage: Storage, weed: SeaweedFS) -> int:
    from contextlib import closing

    from skycap.cloudproviders.s3.options import S3Options
    from skycap.cloudproviders.s3.storage import connect

    with closing(connect(S3Options.parse(weed.options, where="test"))) as client:
        bucket = storage.identity.rstrip("/").rpartition("/")[2]
        return client.request("GET", bucket, query=[("uploads", "")]).body.count(b"<Upload>")


@both_servers
@pytest.mark.parametrize("kind", ["local", "memory", "crypt", "s3"])
def test_an_upload_that_breaks_off_leaves_the_old_file_and_no_part(
    server: ServerName,
    kind: str,
    tmp_path: Path,
    weed: Callable[[], SeaweedFS],
) -> None:
    with ExitStack() as stack:
        parts = Parts(kind, tmp_path / "files", stack, weed, tmp_path / "key")
        storage = parts.storage
        for case in (*CUT, *LARGE, *WRONG):
            storage.write(f"{case}, old", OLD.encode())
        expected, beside = tree(storage), parts.beside()
        with serving(server, storage, tmp_path / "state") as served:
            for case, (lines, body) in (CUT | LARGE).items():
                for name in (f"{case}, old", f"{case}, new"):
                    for rude in (False, True) if case in CUT else (False,):
                        with wire(served.port) as line:
                            target = f"/{name.replace(' ', '%20')}"
                            line.send(head("PUT", target, *lines) + body)
                            if rude:
                                line.reset()
                                continue
                            line.finish()
            for case, (lines, body) in WRONG.items():
                for name in (f"{case}, old", f"{case}, new"):
                    with wire(served.port) as line:
                        target = f"/{name.replace(' ', '%20')}"
                        assert line.ask(head("PUT", target, *lines) + body).status == 400, case
                        assert line.ask(head("GET", target)).status == (200 if "old" in name else 404)
            with wire(served.port) as line:  # nothing of it is in the way of what comes later
                assert line.ask(whole("PUT", "/later", SENT)).status == 201
                assert line.ask(head("GET", "/later")).body == SENT
        # The server has finished with all of them when it has stopped.
        assert tree(storage) == {**expected, "later": SENT.decode()}
        assert parts.beside() == beside


@both_servers
@pytest.mark.parametrize("kind", ["local", "crypt"])
def test_a_checksum_that_fits_is_taken(
    server: ServerName, kind: str, tmp_path: Path, weed: Callable[[], SeaweedFS]
) -> None:
    with ExitStack() as stack:
        parts = Parts(kind, tmp_path / "files", stack, weed, tmp_path / "key")
        with serving(server, parts.storage, tmp_path / "state") as served, wire(served.port) as line:
            digest = f"OC-Checksum: SHA1:{hashlib.sha1(SENT).hexdigest()}"
            assert line.ask(whole("PUT", "/a", SENT, digest)).status == 201
            assert line.ask(whole("PUT", "/b", SENT, "OC-Checksum: UNHEARD:of")).status == 201
        assert tree(parts.storage) == {"a": SENT.decode(), "b": SENT.decode()}
