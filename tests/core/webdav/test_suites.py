"""The suites that others wrote to find out what a WebDAV server does wrong, on both servers."""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skycap.core.location import Location
from skycap.core.server.locks import open_lock_store
from skycap.core.webdav.app import DavApp
from skycap.core.webdav.books import Books
from skycap.core.webdav.serving import ServerName, bind
from skycap.core.webdav.shares import Share, Shares
from tests.core.webdav.served import STORES, make_store

LITMUS = Path("/usr/libexec/litmus")
CHECKS = {"basic": 16, "copymove": 13, "props": 30, "locks": 41, "http": 4}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["cheroot", "waitress"])
def url(request: pytest.FixtureRequest, store: str, tmp_path: Path) -> Iterator[str]:
    name: ServerName = request.param
    share = Share("", Location(make_store(store, tmp_path / "files")))
    with (
        closing(Books(str(tmp_path / "webdav.db"))) as books,
        closing(open_lock_store(f"sqlite:///{tmp_path}/locks.db")) as locks,
    ):
        server = bind(name, DavApp(Shares([share]), books, locks), "127.0.0.1", 0)
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield f"http://127.0.0.1:{server.port}/"
        server.stop()
        thread.join()


@pytest.mark.foreign
@pytest.mark.parametrize("suite", CHECKS)
def test_litmus_passes_wholly(url: str, suite: str, tmp_path: Path) -> None:
    (tmp_path / "htdocs").mkdir()
    shutil.copy("/usr/share/litmus/htdocs/foo", tmp_path / "htdocs")
    run = subprocess.run(
        [str(LITMUS / suite), url], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert f"of {CHECKS[suite]} tests run: {CHECKS[suite]} passed, 0 failed" in run.stdout, run.stdout
    assert "WARNING" not in run.stdout


@pytest.mark.long
@pytest.mark.parametrize("store", ["prefixes"], indirect=True)
def test_webdav_tck_passes_wholly(url: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("dav-tck")
    run = subprocess.run(
        [str(program), url, "user", "password"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    passed = re.findall(r"test_\w+: PASS", run.stdout)
    assert "FAIL" not in run.stdout, run.stdout
    assert len(passed) >= 60
