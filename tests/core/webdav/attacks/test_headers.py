"""Headers that make no sense: each is refused or passed over, and nothing is changed unasked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from skycap.core.storage.interface import Storage
from skycap.core.storage.memory import Memory
from skycap.core.webdav.locking import LONGEST_S
from skycap.core.webdav.methods import (
    ALL,
    COPY,
    DELETE,
    GET,
    LOCK,
    MKCOL,
    MOVE,
    PROPFIND,
    PROPPATCH,
    PUT,
    UNLOCK,
)
from tests.core.webdav.attacks.conftest import FILES
from tests.core.webdav.attacks.raw import ask, head, quiet, whole
from tests.core.webdav.served import Client, fill, lock_info, served, tree

IFS = [
    "nonsense",
    "(",
    ")",
    "()",
    "(<a>",
    "<a>",
    "(<a>) trailing",
    "(Not)",
    "(Not Not <a>)",
    "(a)",
    "([a)",
    '("a")',
    "(<a>)(",
    "\N{GREEK SMALL LETTER ALPHA}",
    "(<" * 1000,
    "(<a>)" * 1000,
    "<http://h/a> " * 1000,
]


@pytest.mark.parametrize("said", IFS, ids=range(len(IFS)))
@pytest.mark.parametrize("method", [PUT, DELETE, MOVE, PROPPATCH, LOCK, PROPFIND, GET])
def test_an_if_header_that_is_none_is_400(client: Client, storage: Storage, method: str, said: str) -> None:
    heard = quiet(ask(client.port, whole(method, "/a", b"", f"If: {said}", "Destination: /n")))
    assert heard.status == 400
    assert tree(storage) == FILES


@pytest.mark.parametrize(
    "said",
    [
        "(<>)",
        "(<opaquelocktoken:x>)",
        '(["nobody has this"])',
        "([])",
        "<http://other.example/a> (<x>)",
        "<> (<x>)",
        "</../a> (<x>)",
        "</a%00> (Not <x>)",
        "<http://[::1/> (Not <x>)",
        "(<DAV:no-lock>)",
    ],
)
@pytest.mark.parametrize("method", [PUT, DELETE, MOVE])
def test_an_if_header_that_does_not_hold_is_412(
    client: Client, storage: Storage, method: str, said: str
) -> None:
    heard = quiet(ask(client.port, whole(method, "/a", b"", f"If: {said}", "Destination: /n")))
    assert heard.status == 412
    assert tree(storage) == FILES


@pytest.mark.parametrize(
    "depth", ["2", "-1", "zero", "00", "1,noroot", "infinit", "\N{ARABIC-INDIC DIGIT ONE}", "1" * 500]
)
@pytest.mark.parametrize("method", [PROPFIND, DELETE, MOVE, COPY, LOCK])
def test_a_depth_that_is_none_is_400(client: Client, storage: Storage, method: str, depth: str) -> None:
    body = lock_info().encode() if method == LOCK else b""
    heard = quiet(ask(client.port, whole(method, "/d", body, f"Depth: {depth}", "Destination: /n")))
    assert heard.status == 400
    assert tree(storage) == FILES
    assert not client.locks.at_or_below(client.key("d"))


@pytest.mark.parametrize(
    ("method", "depth"), [(DELETE, "0"), (DELETE, "1"), (MOVE, "0"), (MOVE, "1"), (COPY, "1"), (LOCK, "1")]
)
def test_a_depth_that_the_method_does_not_know_is_400(
    client: Client, storage: Storage, method: str, depth: str
) -> None:
    body = lock_info().encode() if method == LOCK else b""
    heard = quiet(ask(client.port, whole(method, "/d", body, f"Depth: {depth}", "Destination: /n")))
    assert heard.status == 400
    assert tree(storage) == FILES


@pytest.mark.parametrize("said", ["X", "true", "TF", "T,F", "0", "\xff"])
@pytest.mark.parametrize("method", [COPY, MOVE])
def test_an_overwrite_that_is_none_is_400(client: Client, storage: Storage, method: str, said: str) -> None:
    asked = whole(method, "/a", b"", "Destination: /d/x", f"Overwrite: {said}")
    assert quiet(ask(client.port, asked)).status == 400
    assert tree(storage) == FILES


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        ("http://other.example/n", 502),
        ("https://h:444/n", 502),
        ("http://h.other.example/n", 502),
        ("ftp://h/n", 400),
        ("http:///n", 400),
        ("http://[::1/n", 400),
        ("n", 400),
        ("?n", 400),
        ("mailto:somebody", 400),
        ("", 400),
        ("/", 403),
        ("http://h", 403),
        ("/missing/n", 409),
        ("/a/n", 403),
    ],
)
@pytest.mark.parametrize("method", [COPY, MOVE])
def test_a_destination_that_is_none_is_refused(
    client: Client, storage: Storage, method: str, destination: str, status: int
) -> None:
    heard = quiet(ask(client.port, whole(method, "/a", b"", f"Destination: {destination}")))
    assert heard.status == status
    assert tree(storage) == FILES


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("/a", "/a"),
        ("/a", "/%61"),
        ("/a", "http://h:80/a"),
        ("/d", "/d/"),
        ("/d", "/d/s"),
        ("/d", "/d/n"),
        ("/d/s", "/d"),
    ],
)
@pytest.mark.parametrize("method", [COPY, MOVE])
def test_onto_itself_into_itself_and_over_its_parent_are_403(
    client: Client, storage: Storage, method: str, source: str, target: str
) -> None:
    heard = quiet(ask(client.port, whole(method, source, b"", f"Destination: {target}")))
    assert heard.status == 403
    assert tree(storage) == FILES


@pytest.mark.parametrize("method", [MOVE, DELETE])
def test_the_top_of_a_share_stays(client: Client, storage: Storage, method: str) -> None:
    assert quiet(ask(client.port, whole(method, "/", b"", "Destination: /n"))).status == 403
    assert tree(storage) == FILES


def test_a_lock_on_the_top_holds_all_below_it_and_is_given_back(client: Client, storage: Storage) -> None:
    token = client.token("/", depth="infinity")
    assert client("PUT", "/a", b"x").status == 423
    assert client("MKCOL", "/d/n").status == 423
    assert client("DELETE", "/d").status == 423
    assert client("PUT", "/a", b"mine", If=f"(<{token}>)").status == 204
    assert client("UNLOCK", "/", Lock_Token=f"<{token}>").status == 204
    assert client("PUT", "/a", FILES["a"].encode()).status == 204
    assert tree(storage) == FILES


@pytest.mark.parametrize(
    "said",
    [
        "Second-99999999999999",
        "Second-" + "9" * 1000,
        "Second--1",
        "Second-1e9",
        "Second-",
        "Infinite, Second-4100000000",
        "nonsense",
        "Second-0",
        ",,,",
        "\xff",
    ],
)
def test_no_wish_makes_a_lock_longer_than_an_hour_or_shorter_than_a_second(client: Client, said: str) -> None:
    heard = quiet(ask(client.port, whole(LOCK, "/a", lock_info().encode(), f"Timeout: {said}")))
    assert heard.status == 200
    told = re.search(r"Second-(\d+)", heard.text)
    assert told is not None
    assert 0 < int(told[1]) <= LONGEST_S


@pytest.mark.parametrize("said", ["", "nonsense", "<>", "<opaquelocktoken:x>", "<" * 100, "\xff", "<a> <b>"])
def test_a_lock_token_that_is_none_unlocks_nothing(client: Client, said: str) -> None:
    client.token("/a")
    assert quiet(ask(client.port, head(UNLOCK, "/a", f"Lock-Token: {said}"))).status in {400, 409}
    assert client("PUT", "/a", b"x").status == 423


WHOLE_200 = [
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=5-2",
    "bytes=1-2-3",
    "bytes=0x0-0x1",
    "bytes=-1-2",
    "lines=0-1",
    "=0-1",
    "bytes 0-1",
    "bytes=" + "9" * 5000 + "-",
    "bytes=" + ",".join("0-0" for _ in range(10_000)) + ",x",
    "bytes=" + ",".join(f"{each % 10}-{each % 10}" for each in range(0, 22, 2)) + ",0-x",
    "\xff",
]


@pytest.mark.parametrize("said", WHOLE_200, ids=range(len(WHOLE_200)))
def test_a_range_that_is_none_is_passed_over(client: Client, said: str) -> None:
    heard = quiet(ask(client.port, head(GET, "/a", f"Range: {said}")))
    assert (heard.status, heard.body) == (200, b"hello world")


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        ("bytes=99999999999999999999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=11-", 416, None),
        ("bytes=0-99999999999999999999999999999999999999", 206, b"hello world"),
        ("bytes=-99999999999999999999999999999999999999", 206, b"hello world"),
        ("bytes=" + ",".join("0-" for _ in range(10_000)), 206, b"hello world"),
        ("bytes=" + ",".join("0-0" for _ in range(10_000)), 206, b"h"),
    ],
    ids=range(7),
)
def test_ranges_beyond_all_bounds_cost_no_more_than_the_file(
    client: Client, said: str, status: int, body: bytes | None
) -> None:
    heard = quiet(ask(client.port, head(GET, "/a", f"Range: {said}")))
    assert heard.status == status
    if status == 416:
        assert heard.headers["content-range"] == "bytes */11"
    else:
        assert heard.body == body


DATES = [
    "",
    "nonsense",
    "Wed, 99 Nov 2026 99:99:99 GMT",
    "0",
    "-1",
    "9" * 400,
    "Thu, 01 Jan 99999 00:00:00 GMT",
    "\xff",
    ", , ,",
]


@pytest.mark.parametrize("said", DATES, ids=range(len(DATES)))
@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"])
def test_a_date_that_is_none_is_passed_over(client: Client, name: str, said: str) -> None:
    heard = quiet(ask(client.port, head(GET, "/a", f"{name}: {said}", "Range: bytes=0-3")))
    assert heard.status in {200, 206}


@pytest.mark.parametrize(
    "said", ["", "nonsense", "1e400", "nan", "-" * 50, "9" * 12, "9" * 13, "1.5.5", "\xff"]
)
def test_a_time_that_no_file_can_have_is_refused_or_kept_and_no_failure(client: Client, said: str) -> None:
    heard = quiet(ask(client.port, whole(PUT, "/n", b"x", f"X-OC-Mtime: {said}")))
    assert heard.status in {201, 400}
    assert client("GET", "/n").status == (200 if heard.status == 201 else 404)
    wanted = f"<D:lastmodified>{said if said.isascii() else ''}</D:lastmodified>"
    assert client.patch("/a", wanted).status == 207


LISTS = ["", "*", '"', '""', '"a', "W/", 'W/"', ",,,", '"' * 1000, "*, *", "\xff"]


@pytest.mark.parametrize("said", LISTS, ids=range(len(LISTS)))
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_etags_that_are_none_fit_nothing(client: Client, name: str, said: str) -> None:
    heard = quiet(ask(client.port, head(GET, "/a", f"{name}: {said}")))
    if said == "*":
        assert heard.status == (200 if name == "If-Match" else 304)
    else:
        assert heard.status == (412 if name == "If-Match" else 200)


@pytest.mark.parametrize(
    "line",
    [
        "Content-Encoding: gzip",
        "Content-Encoding: nonsense",
        "Content-Range: bytes 0-0/1",
        "Content-Range: nonsense",
    ],
)
def test_a_body_in_a_form_that_is_not_kept_is_refused(client: Client, storage: Storage, line: str) -> None:
    assert quiet(ask(client.port, whole(PUT, "/a", b"x", line))).status in {400, 415}
    assert tree(storage) == FILES


def test_what_a_client_says_comes_back_in_no_header(client: Client) -> None:
    for method in ALL:
        for line in ("X-Evil: 1", "Origin: http://evil.example", "Destination: /n%0d%0aX-Evil:%201"):
            heard = quiet(ask(client.port, whole(method, "/missing%0d%0aX-Evil:%201", b"", line)))
            assert "x-evil" not in heard.headers
            assert not any("evil" in value.lower() for value in heard.headers.values())


def test_each_method_that_is_allowed_is_answered_and_no_other(port: int, tmp_path: Path) -> None:
    """What OPTIONS promises of a place holds there."""
    storage = Memory()
    fill(storage, FILES)
    with served(port, {"one": storage, "two": Memory()}, tmp_path / "state") as client:
        for target in ("/", "/one", "/one/a", "/one/d", "/one/missing"):
            promised = set(re.split(", *", client("OPTIONS", target).headers["allow"]))
            for method in sorted(ALL, key=lambda method: method == MKCOL):
                body = lock_info().encode() if method == LOCK else b""
                never = () if method == MKCOL else ("If: (<none>)",)
                asked = whole(method, target, body, "Destination: /two/copied", *never)
                refused = quiet(ask(client.port, asked)).status in {403, 404, 405}
                assert refused == (method not in promised), (target, method)
