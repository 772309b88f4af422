"""An emulator in a thread of the test, and a small client of its servers: plain HTTP."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from skycap.internxt.emulator import ciphers
from skycap.internxt.emulator.app import open_services
from skycap.internxt.emulator.command import parse
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.emulator.serving import address, listen, make_server

if TYPE_CHECKING:
    import httpx

PASSWORD = "Test-Passw0rd!"
TOTP = "JBSWY3DPEHPK3PXP"
USER, OTHER, SECURED = "user@example.com", "other@example.com", "secured@example.com"
ACCOUNTS = [f"{USER}:{PASSWORD}", f"{OTHER}:pässwörd-ключ-🔑", f"{SECURED}:{PASSWORD}:{TOTP}"]
PARTS_FROM = 104_857_600


class InThread(Emulator):
    """The same as a process, but quicker to start."""

    def __init__(self, data: Path, *flags: str) -> None:
        super().__init__(data, ACCOUNTS)
        self._flags = flags

    def start(self) -> InThread:
        accounts = [word for account in ACCOUNTS for word in ("--account", account)]
        settings, logins, faults = parse(["--data", str(self.data), *accounts, *self._flags])
        self._listener = listen("127.0.0.1", 0)
        self.services = open_services(settings, logins, faults)
        self._server = make_server(self.services)
        self.url = address(self._listener, tls=False)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        return self

    def stop(self) -> int:
        self._server.should_exit = True
        self._thread.join()
        self.services.database.close()
        self._listener.close()
        return 0


class Visitor:
    """Somebody with an HTTP client, and with a login if `log_in` was called."""

    def __init__(
        self, emulator: Emulator, http: httpx.Client, email: str = USER, password: str = PASSWORD
    ) -> None:
        self.emulator, self.http = emulator, http
        self.email, self.password = email, password
        self.token = ""
        self.user: dict[str, Any] = {}

    def credentials(self, code: str | None = None, password: str | None = None) -> dict[str, Any]:
        """What the access routes want."""
        said = self.http.post(f"{self.emulator.drive}/auth/login", json={"email": self.email})
        salt = bytes.fromhex(ciphers.unwrap(said.json()["sKey"], ciphers.APP_SECRET))
        hashed = ciphers.password_hash(self.password if password is None else password, salt)
        body = {"email": self.email, "password": ciphers.wrap(hashed, ciphers.APP_SECRET)}
        return body | ({} if code is None else {"tfa": code})

    def log_in(self, code: str | None = None) -> Visitor:
        """Get a token."""
        found = self.http.post(f"{self.emulator.drive}/auth/cli/login/access", json=self.credentials(code))
        assert found.status_code == 200, found.text
        self.user, self.token = found.json()["user"], found.json()["newToken"]
        return self

    @property
    def root(self) -> str:
        """The uuid of the root folder."""
        return str(self.user["rootFolderId"])

    @property
    def bucket(self) -> str:
        """The bucket."""
        return str(self.user["bucket"])

    @property
    def basic(self) -> tuple[str, str]:
        """User and password of the network."""
        return self.user["bridgeUser"], hashlib.sha256(self.user["userId"].encode()).hexdigest()

    def drive(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Ask the Drive API."""
        headers = ({"authorization": f"Bearer {self.token}"} if self.token else {}) | more.pop("headers", {})
        content = {} if body is None else {"json": body}
        return self.http.request(method, self.emulator.drive + path, headers=headers, **content, **more)

    def network(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Ask the Network API."""
        content = {} if body is None else {"json": body}
        return self.http.request(method, self.emulator.network + path, auth=self.basic, **content, **more)

    def folder(self, name: str, parent: str | None = None) -> dict[str, Any]:
        """Make a folder."""
        made = self.drive("POST", "/folders", {"plainName": name, "parentFolderUuid": parent or self.root})
        assert made.status_code == 201, made.text
        return made.json()  # type: ignore[no-any-return]

    def start(self, *sizes: int, parts: int = 1) -> httpx.Response:
        """Begin uploads."""
        uploads = [{"index": index, "size": size} for index, size in enumerate(sizes)]
        return self.network(
            "POST", f"/v2/buckets/{self.bucket}/files/start?multiparts={parts}", {"uploads": uploads}
        )

    def finish(self, shard: dict[str, Any], index: bytes = bytes(32), **more: Any) -> httpx.Response:
        """End one."""
        body = {"index": index.hex(), "shards": [{"hash": "ab" * 20} | shard]} | more
        return self.network("POST", f"/v2/buckets/{self.bucket}/files/finish", body)

    def upload(self, content: bytes, index: bytes = bytes(32), **more: Any) -> str:
        """Bring bytes to the network; the id of the entry."""
        started = self.start(len(content)).json()["uploads"][0]
        assert self.http.put(started["url"], content=content).status_code == 200
        finished = self.finish({"uuid": started["uuid"]}, index, **more)
        assert finished.status_code == 200, finished.text
        return str(finished.json()["id"])

    def file(
        self, name: str, type_: str | None = None, content: bytes = b"content", **more: Any
    ) -> httpx.Response:
        """Upload, and make a file of it."""
        body = {
            "bucket": self.bucket,
            "encryptVersion": "03-aes",
            "folderUuid": self.root,
            "size": len(content),
            "plainName": name,
            "type": type_,
        }
        if content:
            body["fileId"] = self.upload(content)
        return self.drive("POST", "/files", body | more)

    def made_file(
        self, name: str, type_: str | None = None, content: bytes = b"content", **more: Any
    ) -> dict[str, Any]:
        """The same; it must succeed."""
        made = self.file(name, type_, content, **more)
        assert made.status_code == 201, made.text
        return made.json()  # type: ignore[no-any-return]

    def info(self, file_id: str) -> dict[str, Any]:
        """What the network knows of an entry."""
        found = self.network("GET", f"/buckets/{self.bucket}/files/{file_id}/info")
        assert found.status_code == 200, found.text
        return found.json()  # type: ignore[no-any-return]

    def download(self, file_id: str) -> bytes:
        """The bytes of an entry."""
        return self.http.get(self.info(file_id)["shards"][0]["url"]).content

    def names(self, folder: str | None = None, kind: str = "files", **query: Any) -> list[str]:
        """The names in a folder, in the order of a page."""
        asked = {"offset": 0, "limit": 50} | query
        found = self.drive("GET", f"/folders/content/{folder or self.root}/{kind}", params=asked)
        assert found.status_code == 200, found.text
        return [item["plainName"] for item in found.json()[kind]]

    def by_path(self, kind: str, path: str) -> httpx.Response:
        """Look up a path."""
        return self.drive("GET", f"/{kind}/meta?path={quote(path, safe='')}")

    def trash(self, kind: str, uuid: str) -> None:
        """Put an item into the trash."""
        done = self.drive("POST", "/storage/trash/add", {"items": [{"uuid": uuid, "type": kind}]})
        assert done.status_code == 200
        assert done.content == b""


def refusal(answer: httpx.Response) -> tuple[int, Any]:
    """Status and message of a refusal of the Drive API, whose body must have the shape that clients read."""
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    return answer.status_code, body["message"]


def network_refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and error of a refusal of the Network API."""
    body = answer.json()
    assert list(body) == ["error"]
    return answer.status_code, body["error"]


def random_bytes(count: int) -> bytes:
    """Some bytes."""
    return os.urandom(count)
