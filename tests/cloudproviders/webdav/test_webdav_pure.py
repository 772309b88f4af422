"""What needs no server: addresses, times, challenges, errors, the names of uploads."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.cloudproviders.webdav.address import Place
from skycap.cloudproviders.webdav.auth import Authorizer, challenges
from skycap.cloudproviders.webdav.client import Dav
from skycap.cloudproviders.webdav.cloud.place import CloudPlace, with_files
from skycap.cloudproviders.webdav.cloud.shares import _day_before
from skycap.cloudproviders.webdav.cloud.upload import _new_id, _path_in, part_size_for
from skycap.cloudproviders.webdav.dates import to_http, to_ns
from skycap.cloudproviders.webdav.errors import error_of, raise_first
from skycap.cloudproviders.webdav.multistatus import Item
from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.core import paths
from skycap.core.crypto.secret import Secret
from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    AuthMissing,
    ConfigInvalid,
    Conflict,
    DeleteFailed,
    Error,
    Locked,
    NotFound,
    OutOfSpace,
    PathInvalid,
    ProviderError,
    RateLimited,
    TransferFailed,
    Unsupported,
)
from skycap.core.http import Request
from skycap.core.retry import Operation
from skycap.core.units import MiB

_names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in {".", ".."}
)
_paths = st.lists(_names, min_size=1, max_size=4).map("/".join)


# Addresses


@given(_paths, _paths)
def test_a_path_comes_back_from_its_url(base: str, path: str) -> None:
    place = Place("https", "example.org", 443, base)
    for folder in (False, True):
        url = place.url(path, folder=folder)
        assert place.path_of(url) == path
        assert place.path_of(url.removeprefix("https://example.org")) == path
        assert url.isascii()
        assert not re.search(r"[\s?#]", url)


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/dav/ada/a%20b", "a b"),
        ("/dav/ada/a b/", "a b"),
        ("HTTPS://Example.ORG:443/dav/ada/x", "x"),
        ("http://inside.local/dav/ada/x/", "x"),
        ("//dav//ada/x", "x"),
        ("/%64av/ada/%C3%A9", "é"),
        ("/dav/ada/caf%E9", "caf\udce9"),
        ("/dav/ada", ""),
        ("x/y", "sub/x/y"),
        ("/dav/ada/what?", "what?"),
    ],
)
def test_a_server_may_write_a_name_in_many_ways(href: str, path: str) -> None:
    assert Place("https", "example.org", 443, "dav/ada").path_of(href, "sub") == path


@pytest.mark.parametrize(
    "href",
    ["/dav/bob/x", "/dav", "/", "/dav/ada/../bob", "/dav/ada/%2e%2e/bob", "/dav/ada/a%2Fb", "/dav/ada/a%00b"],
)
def test_a_name_that_leads_astray_is_refused(href: str) -> None:
    with pytest.raises(PathInvalid):
        Place("https", "example.org", 443, "dav/ada").path_of(href)


@given(st.text())
def test_whatever_a_server_names_stays_inside_or_is_refused(href: str) -> None:
    try:
        found = Place("https", "example.org", 443, "dav").path_of(href)
    except PathInvalid:
        return
    assert paths.validate(found) == found


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:pw@example.org/dav",
        "https://ada@example.org",
        "ftp://example.org",
        "https://",
        "https:///x",
        "https://example.org:99999/",
        "https://example.org/?a=b",
        "https://example.org/a/../b",
        "http://[::1",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        Place.parse(url)
    assert "pw" not in str(caught.value)


def test_an_address_is_taken_apart_and_named_once() -> None:
    place = Place.parse("example.org/dav/a%20b/")
    assert (place.scheme, place.port, place.base) == ("https", 443, "dav/a b")
    assert place.url("ü") == "https://example.org/dav/a%20b/%C3%BC"
    same = Place.parse("http://EXAMPLE.org./dav/a b")
    assert same.identity("ada") == place.identity("ada") == "webdav:ada@example.org/dav/a b"
    assert place.identity(None) != place.identity("ada")
    assert Place.parse("http://127.0.0.1:80/x").identity(None) == Place.parse("http://localhost/x").identity(
        None
    )
    assert Place.parse("http://[::1]:8080/x").origin == "http://[::1]:8080"


def test_a_path_behind_a_scheme_finds_the_root_of_a_cloud() -> None:
    place, inside = Place.of_path("cloud.org/sub/remote.php/dav/files/ada/photos/2024")
    assert (place.base, inside) == ("sub/remote.php/dav/files/ada", "photos/2024")
    place, inside = Place.of_path("cloud.org/remote.php/webdav")
    assert (place.base, inside) == ("remote.php/webdav", "")
    place, inside = Place.of_path("host:8443/where/it/is")
    assert (place.port, place.base, inside) == (8443, "", "where/it/is")


def test_the_services_of_a_cloud_are_beside_its_files() -> None:
    place = CloudPlace.of(Place.parse("https://c.org/cloud/remote.php/dav/files/ada/photos"), "other")
    assert (place.user, place.inside("a"), place.files("a")) == (
        "ada",
        "photos/a",
        "cloud/remote.php/dav/files/ada/photos/a",
    )
    assert place.ocs("x") == "cloud/ocs/v2.php/x"
    assert (place.relative("/photos/a"), place.relative("/music/a")) == ("a", None)
    assert CloudPlace.of(Place.parse("https://c.org/remote.php/webdav"), "bob").user == "bob"
    for url, user in (("https://c.org/dav", "ada"), ("https://c.org/remote.php/webdav", None)):
        with pytest.raises(ConfigInvalid):
            CloudPlace.of(Place.parse(url), user)
    assert with_files(Place.parse("https://c.org"), "ada").base == "remote.php/dav/files/ada"
    assert with_files(Place.parse("https://c.org/remote.php/webdav"), "ada").base == "remote.php/webdav"


# Times


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "1994-11-06T08:49:37Z",
        "1994-11-06T09:49:37+01:00",
        "784111777",
    ],
)
def test_a_time_is_read_however_it_is_written(text: str) -> None:
    assert to_ns(text) == 784_111_777 * 10**9


@pytest.mark.parametrize("text", [None, "", "yesterday", "Sun, 99 Nov 1994", "1e9", "9" * 40])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert to_ns(text) is None


@given(st.datetimes(datetime(1, 1, 2), datetime(9998, 1, 1), timezones=st.just(UTC)))
def test_a_time_that_was_written_is_read_again(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    if moment.year >= 1900:
        ns = int(moment.timestamp()) * 10**9
        assert to_ns(to_http(ns)) == ns
    assert to_ns("1.5") == 1_500_000_000


# Who we are


def test_challenges_are_told_apart() -> None:
    header = (
        'Negotiate, Basic realm="a, b", Digest realm="x\\"y", nonce="n", qop="auth,auth-int", '
        "algorithm=SHA-256, "
        'Digest realm="z", algorithm=MD5'
    )
    found = challenges(header)
    assert found["basic"] == {"realm": "a, b"}
    assert (found["digest"]["realm"], found["digest"]["algorithm"]) == ('x"y', "SHA-256")
    assert challenges("") == {}


def _options(**more: object) -> WebDavOptions:
    return WebDavOptions(user="Mufasa", password=Secret("Circle Of Life"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("algorithm", "wanted"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_a_digest_is_that_of_the_rfc(algorithm: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    authorize = Authorizer(WebDavOptions(user="Mufasa", password=Secret("Circle of Life")), hidden=False)
    ours = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("secrets.token_hex", lambda _: ours)
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f"algorithm={algorithm}, "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    url = "http://www.example.org/dir/index.html"
    assert authorize(Request("GET", url, {})) == {}, (
        "a password is not shown before it is known what is wanted"
    )
    assert not authorize.ready
    shown = authorize(Request("GET", url, {}, True, challenge))["authorization"]
    assert f'response="{wanted}"' in shown
    assert "nc=00000001" in shown
    assert 'opaque="FQhe' in shown
    assert authorize.ready
    assert "nc=00000002" in authorize(Request("GET", url, {}))["authorization"]


def test_a_digest_of_a_session_and_one_of_old_servers() -> None:
    authorize = Authorizer(_options(), hidden=False)
    session = authorize(
        Request("GET", "http://h/a?b", {}, True, 'Digest realm="r", nonce="n", algorithm=MD5-sess')
    )
    assert 'uri="/a?b"' in session["authorization"]
    assert "cnonce=" in session["authorization"]
    old = authorize(Request("GET", "http://h", {}, True, 'Digest realm="r", nonce="n"'))["authorization"]
    assert "cnonce" not in old
    assert 'uri="/"' in old


def test_a_password_in_the_clear_is_shown_only_where_it_is_asked_for() -> None:
    shown = "Basic TXVmYXNhOkNpcmNsZSBPZiBMaWZl"
    request, basic = Request("GET", "http://h/", {}), 'Basic realm="x"'
    assert Authorizer(_options(), hidden=True)(request) == {"authorization": shown}
    authorize = Authorizer(_options(), hidden=False)
    assert authorize(request) == {}
    authorize.learn(basic)
    assert authorize(request) == {"authorization": shown}
    both = Authorizer(_options(), hidden=False)
    both.learn(f'{basic}, Digest realm="r", nonce="n"')
    assert both(request)["authorization"].startswith("Digest")
    only = Authorizer(_options(auth="digest"), hidden=True)
    only.learn(basic)
    assert only(request) == {}
    assert Authorizer(_options(auth="basic"), hidden=False)(request) == {"authorization": shown}


def test_who_took_a_digest_is_not_told_the_password_in_clear_later() -> None:
    authorize = Authorizer(_options(auth="auto"), hidden=False)
    authorize.learn('Digest realm="r", nonce="n"')
    authorize.learn('Basic realm="r"')
    assert authorize(Request("GET", "http://h/", {}, False, ""))["authorization"].startswith("Digest ")
    hidden = Authorizer(_options(auth="auto"), hidden=True)
    hidden.learn('Digest realm="r", nonce="n"')
    hidden.learn('Basic realm="r"')
    assert hidden(Request("GET", "https://h/", {}, False, ""))["authorization"].startswith("Basic ")


def test_a_token_is_shown_as_such_and_excludes_a_password() -> None:
    request = Request("GET", "http://h/", {})
    token = Authorizer(WebDavOptions(token=Secret("abc")), hidden=False)
    assert token(request) == {"authorization": "Bearer abc"}
    assert token.ready
    assert Authorizer(WebDavOptions(), hidden=True)(request) == {}
    with pytest.raises(ConfigInvalid):
        Authorizer(_options(token=Secret("abc")), hidden=True)


# Errors


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, ProviderError, False),
        (401, AuthMissing, False),
        (403, AccessDenied, False),
        (404, NotFound, False),
        (405, Unsupported, False),
        (409, Conflict, False),
        (410, NotFound, False),
        (412, Conflict, False),
        (413, ProviderError, False),
        (423, Locked, False),
        (429, RateLimited, True),
        (500, TransferFailed, True),
        (503, RateLimited, True),
        (507, OutOfSpace, False),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[Error], retryable: bool) -> None:
    body = b"<d:error xmlns:d='DAV:' xmlns:s='s'><s:message>too &amp; bad</s:message></d:error>"
    error = error_of(status, {"retry-after": "7"}, body, where="here", operation=Operation.LIST)
    assert type(error) is kind
    assert error.where == "here"
    assert error.retryable == retryable
    assert "too & bad" in error.message
    if status in {429, 503}:
        assert error.retry_after == 7


def test_an_error_knows_the_login_and_the_name() -> None:
    def told(status: int, body: bytes = b"", **more: bool) -> Error:
        return error_of(status, {}, body, where="here", operation=Operation.UPLOAD, **more)

    assert "who asks" in told(401, given=False).message
    assert type(told(401, welcome=True)) is AuthExpired
    assert type(told(400, b"<s:exception>OCA\\InvalidPath</s:exception>")) is PathInvalid
    assert (
        "plain words"
        in error_of(
            409, {"content-type": "text/plain"}, b"plain words", where="x", operation=Operation.LIST
        ).message
    )


def test_what_a_207_says_was_not_done_is_an_error() -> None:
    def told(*statuses: int, operation: Operation = Operation.DELETE) -> None:
        raise_first([Item([f"/{one}"], one) for one in statuses], "here", operation)

    told(200, 404)
    with pytest.raises(DeleteFailed, match="at /500"):
        told(200, 500)
    with pytest.raises(Locked):
        told(423)
    with pytest.raises(NotFound):
        told(404, operation=Operation.UPLOAD)


# Uploads and links


@given(_paths)
def test_an_upload_tells_its_path_by_its_name_where_that_fits(path: str) -> None:
    name = _new_id(path)
    assert len(name) <= 200
    assert _path_in(name) in {path, ""}
    assert _path_in("skycap-aa-!!!") == _path_in("skycap-aa") == ""


def test_parts_grow_with_the_file() -> None:
    assert part_size_for(None, 1) == 5 * MiB
    assert part_size_for(10, 16 * MiB) == 16 * MiB
    assert part_size_for(10**12, 16 * MiB) == 96 * MiB


def test_a_link_ends_as_a_day_begins() -> None:
    assert _day_before(datetime(2024, 2, 29, 1, tzinfo=UTC).timestamp()) == datetime(2024, 2, 29, tzinfo=UTC)
    assert _day_before(datetime(2024, 2, 28, tzinfo=UTC).timestamp()) == datetime(2024, 2, 28, tzinfo=UTC)


# Being sent elsewhere


def test_we_follow_to_https_and_never_back() -> None:
    dav = Dav(WebDavOptions(), Place.parse("http://example.org/dav"))
    secure, plain = "https://example.org/dav/a", "http://example.org/dav/a"
    assert dav._moved(301, {"location": secure}, plain, "here") == secure
    assert dav.place.url("a") == secure
    with pytest.raises(ConfigInvalid, match="not encrypted"):
        dav._moved(301, {"location": plain}, secure, "here")
    for target in ("http://example.org:8080/dav/a", "http://example.org:x/dav/a"):
        with pytest.raises(ProviderError):
            dav._moved(301, {"location": target}, plain, "here")
    assert dav._moved(301, {}, plain, "here") is None
    dav.close()
