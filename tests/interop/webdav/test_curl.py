"""curl: what shell scripts do, and what of HTTP they rely on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.server.digest import put_digest_user
from tests.core.webdav.commands.servers import serving
from tests.interop.webdav.names import DECOMPOSED, ODD
from tests.interop.webdav.places import NEAR, Served, both_servers

pytestmark = pytest.mark.foreign
CONTENT = bytes(range(256)) * 8192  # 2 MiB: larger than what is read ahead anywhere


def curl(*args: str | Path, stdin: bytes | None = None, status: int = 0) -> str:
    """What it says on standard output: headers and all."""
    done = subprocess.run(
        ["curl", "-q", "--silent", "--show-error", "--include", *args],
        input=stdin or b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, (args, done.stdout[:2000], done.stderr)
    return done.stdout.decode("utf-8", "replace")


def statuses(said: str) -> list[int]:
    """Those of all answers, the interim ones too."""
    return [int(line.split()[1]) for line in said.splitlines() if line.startswith("HTTP/1.1 ")]


def content(served: Served, path: str) -> bytes:
    with served.storage.read(path) as reader:
        return reader.read()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(CONTENT)
    return path


@both_servers
@pytest.mark.parametrize("kind", [*NEAR, "s3"])
def test_files_are_uploaded_by_name_and_from_a_pipe(served: Served, file: Path) -> None:
    assert statuses(curl("--upload-file", file, served.url + "a.bin"))[-1] == 201
    assert statuses(curl("-T", file, served.url))[-1] == 201  # below a folder by its own name
    assert statuses(curl("-T", "-", served.url + "piped.bin", stdin=CONTENT))[-1] == 201
    assert statuses(curl("-T", "-", served.url + "piped.bin", stdin=b"less"))[-1] == 204
    assert content(served, "a.bin") == CONTENT
    assert content(served, "file.bin") == CONTENT
    assert content(served, "piped.bin") == b"less"


@both_servers
def test_a_body_that_is_offered_is_asked_for(served: Served, file: Path) -> None:
    said = curl("-H", "Expect: 100-continue", "--expect100-timeout", "60", "-T", file, served.url + "a.bin")
    assert statuses(said) == [100, 201]
    assert content(served, "a.bin") == CONTENT


def test_a_body_that_nobody_wants_is_not_asked_for(served: Served, file: Path) -> None:
    said = curl(
        "-H", "Expect: 100-continue", "--expect100-timeout", "60", "-T", file, served.url + "no/where.bin"
    )
    assert statuses(said) == [409]


@both_servers
@pytest.mark.parametrize("kind", [*NEAR, "s3"])
def test_ranges_come_as_asked(served: Served, file: Path, tmp_path: Path) -> None:
    served.storage.write("a.bin", CONTENT)
    url, back = served.url + "a.bin", tmp_path / "back"
    for asked, expected in (
        ("0-99", CONTENT[:100]),
        ("1000000-1000255", CONTENT[1_000_000:1_000_256]),
        ("-300", CONTENT[-300:]),
        (f"{len(CONTENT) - 5}-", CONTENT[-5:]),
    ):
        told = curl("--range", asked, "--dump-header", "-", "--no-include", "-o", back, url)
        assert statuses(told) == [206]
        assert back.read_bytes() == expected
    assert statuses(curl("--range", "9999999-", "-o", "/dev/null", "--dump-header", "-", url)) == [416]
    back.write_bytes(CONTENT[:777_777])  # a download that broke off
    curl("--no-include", "--continue-at", "-", "-o", back, url)
    assert back.read_bytes() == CONTENT


def test_what_is_unchanged_is_not_sent_again(served: Served, tmp_path: Path) -> None:
    served.storage.write("a.bin", CONTENT)
    tag, back = tmp_path / "etag", tmp_path / "back"
    args = ("--etag-save", tag, "--etag-compare", tag, "-o", back, served.url + "a.bin")
    assert "206" not in curl("--no-include", *args)
    assert back.read_bytes() == CONTENT
    assert statuses(curl("--dump-header", "-", "--no-include", *args)) == [304]


@both_servers
def test_an_upload_that_would_replace_another_version_is_refused(served: Served, file: Path) -> None:
    url = served.url + "a.bin"
    tag = next(line[6:] for line in curl("-T", file, url).splitlines() if line.lower().startswith("etag: "))
    assert statuses(curl("-T", "-", "-H", f"If-Match: {tag}", url, stdin=b"second"))[-1] == 204
    assert statuses(curl("-T", "-", "-H", f"If-Match: {tag}", url, stdin=b"third"))[-1] == 412
    assert statuses(curl("-T", "-", "-H", "If-None-Match: *", url, stdin=b"third"))[-1] == 412
    assert content(served, "a.bin") == b"second"


@both_servers
def test_a_part_of_a_file_is_refused_and_nothing_changes(served: Served, file: Path) -> None:
    served.storage.write("a.bin", b"0123456789")
    said = curl("-T", file, "-H", "Content-Range: bytes 5-9/10", served.url + "a.bin")
    assert statuses(said)[-1] == 400
    assert content(served, "a.bin") == b"0123456789"


def test_odd_names_are_what_their_escapes_say(served: Served) -> None:
    for name in (*ODD, DECOMPOSED):
        url = served.url + quote(name, safe="")
        assert statuses(curl("-T", "-", url, stdin=name.encode()))[-1] == 201
        assert content(served, name) == name.encode()
    assert {entry.path for entry in served.storage.scan("")} == {*ODD, DECOMPOSED}


def test_tls_with_the_authority_of_this_machine_and_a_password(file: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    password = tmp_path / "password"
    password.touch(0o600)
    password.write_text("correct horse\n")
    login = ("--user", "me", "--password-file", password)
    with serving(tmp_path / "files", *login, "--tls", "self-signed") as server:
        assert server.url.startswith("https://")
        ca = next(Path(os.environ["SKYCAP_STATE"]).glob("servers/tls/ca*.pem"))
        url, trust = server.url + "a.bin", ("--cacert", ca)
        curl("-T", file, "-u", "me:correct horse", url, status=60)  # nobody has said whom to trust
        assert statuses(curl(*trust, "-T", file, "-u", "me:wrong", url))[-1] == 401
        assert not (tmp_path / "files/a.bin").exists()
        assert statuses(curl(*trust, "-T", file, "-u", "me:correct horse", url))[-1] == 201
        assert (tmp_path / "files/a.bin").read_bytes() == CONTENT
        curl(*trust, "-u", "me:correct horse", "--no-include", "-o", tmp_path / "back", url)
        assert (tmp_path / "back").read_bytes() == CONTENT
        assert server.stop().status == 0


@pytest.mark.parametrize("name", ["cheroot", "waitress"])
def test_curl_logs_in_by_digest_and_goes_on_with_the_nonce(file: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "files").mkdir()
    users = tmp_path / "users"
    put_digest_user(str(users), "me", Secret("correct horse"))
    with serving(tmp_path / "files", "--digest", users, "--server", name) as server:
        url, login = server.url + "a.bin", ("--digest", "-u", "me:correct horse")
        assert statuses(curl(*login, "-T", file, url))[-1] == 201
        assert (tmp_path / "files/a.bin").read_bytes() == CONTENT
        assert statuses(curl(*login, url, url, url)).count(200) == 3
        assert statuses(curl("--digest", "-u", "me:wrong", url))[-1] == 401
        assert statuses(curl("--basic", "-u", "me:correct horse", url))[-1] == 401
