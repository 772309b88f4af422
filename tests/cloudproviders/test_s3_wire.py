"""The pure parts: signatures, addresses, headers, listings, sizes of parts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.cloudproviders.s3.endpoint import Endpoint, check_bucket
from skycap.cloudproviders.s3.listing import in_order, time_ns
from skycap.cloudproviders.s3.objects import (
    entry_of,
    format_time,
    metadata_fields,
    metadata_headers,
    metadata_of,
    parse_time,
)
from skycap.cloudproviders.s3.page import Page
from skycap.cloudproviders.s3.signing import EMPTY_SHA256, Keys, presign, quote_path, quote_query, sign
from skycap.cloudproviders.s3.upload import MAX_PARTS, part_size_for
from skycap.core.errors import ConfigInvalid, PathInvalid, ProviderError, Unsupported
from skycap.core.paths import order_key
from skycap.core.storage import Entry, Kind, Metadata
from skycap.core.units import GiB, MiB

_NOW = 1_700_000_000.0
_text = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=20
)
_harmless = _text.filter(lambda name: not name.startswith(("security.", "trusted.", "system.")))


@given(
    key=_text.filter(lambda k: k not in {".", ".."} and "/" not in k),
    query=st.dictionaries(_text, _text, max_size=3),
    token=st.none() | st.just("tok/en=="),
)
def test_a_signature_is_the_one_that_botocore_makes(
    key: str, query: dict[str, str], token: str | None
) -> None:
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    moment = datetime.fromtimestamp(_NOW, UTC).replace(tzinfo=None)
    keys = Keys("AKID", "se/cret+", token)
    path, asked = quote_path(f"/bucket/{key}"), quote_query(list(query.items()))
    headers = {"host": "store:9000", "x-amz-content-sha256": EMPTY_SHA256, "x-amz-meta-a": "  two  words "}
    theirs = AWSRequest(
        "PUT", f"http://store:9000{path}?{asked}", headers={"x-amz-meta-a": "  two  words "}, data=b""
    )
    sign(keys, "eu-west-1", "PUT", path, asked, headers, now=_NOW)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment):
        botocore.auth.S3SigV4Auth(Credentials("AKID", "se/cret+", token), "s3", "eu-west-1").add_auth(theirs)
    assert headers["x-amz-date"] == theirs.headers["X-Amz-Date"]
    assert headers["authorization"] == theirs.headers["Authorization"]


def test_a_link_is_the_one_of_the_documentation() -> None:
    # The example of "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference.
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    query = presign(
        keys, "us-east-1", "GET", "examplebucket.s3.amazonaws.com", "/test.txt",
        expires_s=86400, now=1_369_353_600.0,
    )  # fmt: skip
    assert query.endswith("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


@pytest.mark.parametrize(
    ("url", "style", "bucket", "expected"),
    [
        (None, "auto", "bucket", "https://bucket.s3.eu-west-1.amazonaws.com"),
        (None, "auto", "dotted.bucket", "https://s3.eu-west-1.amazonaws.com/dotted.bucket"),
        (None, "path", "bucket", "https://s3.eu-west-1.amazonaws.com/bucket"),
        ("http://localhost:9000", "auto", "bucket", "http://localhost:9000/bucket"),
        ("http://localhost:9000/base/", "auto", "bucket", "http://localhost:9000/base/bucket"),
        ("https://store.example", "virtual", "bucket", "https://bucket.store.example"),
        ("store.example", "auto", "bucket", "https://store.example/bucket"),
        ("http://[::1]:9000", "auto", "bucket", "http://[::1]:9000/bucket"),
        ("https://store.example", "auto", "", "https://store.example"),
    ],
)
def test_a_bucket_has_its_address(url: str | None, style: Any, bucket: str, expected: str) -> None:
    assert Endpoint.parse(url, "eu-west-1", style).url(bucket) == expected


def test_china_has_hosts_of_its_own() -> None:
    assert Endpoint(region="cn-north-1").url() == "https://s3.cn-north-1.amazonaws.com.cn"
    assert Endpoint().in_region("sa-east-1").url() == "https://s3.sa-east-1.amazonaws.com"


@pytest.mark.parametrize("url", ["ftp://x", "https://", "http://user:secret@host", "https://host?q=1"])
def test_a_wrong_endpoint_is_refused_and_its_password_not_shown(url: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        Endpoint.parse(url, "r", "auto")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "ab", "-abc", "abc-", "a..b", "192.168.1.1", "a/b", "a b", "ä" * 5])
def test_a_name_that_no_bucket_has_is_refused(name: str) -> None:
    with pytest.raises(PathInvalid):
        check_bucket(name)


@given(
    st.builds(
        Metadata,
        mtime_ns=st.none() | st.integers(-(10**18), 4 * 10**18),
        mode=st.none() | st.integers(0, 0o777),
        xattrs=st.none() | st.dictionaries(_harmless, st.binary(max_size=20), min_size=1, max_size=2),
        content_type=st.none() | st.just("text/x"),
        extra=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    )
)
def test_metadata_survives_as_headers(metadata: Metadata) -> None:
    headers = metadata_headers(metadata)
    assert all(name.isascii() and value.isascii() and value.isprintable() for name, value in headers.items())
    assert all(value == value.strip() for value in headers.values())
    assert metadata_of(headers) == metadata


@given(st.integers(-(10**18), 4 * 10**18))
def test_a_time_survives_as_text(time: int) -> None:
    assert parse_time(format_time(time)) == time


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1e9", "nan", "1" * 40])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_the_time_that_rclone_wrote_is_read() -> None:
    assert metadata_of({"x-amz-meta-mtime": "1700000000.123456789"}).mtime_ns == 1_700_000_000_123_456_789


def test_foreign_metadata_that_is_broken_is_left_out() -> None:
    found = metadata_of(
        {
            "x-amz-meta-mode": "rwx",
            "x-amz-meta-xattrs": "{",
            "x-amz-meta-extra": "[1]",
            "x-amz-meta-word": "=?UTF-8?B?w6k=?=",
            "x-amz-meta-odd": "=?nope?Q?x?=",
        }
    )
    assert (found.mode, found.xattrs, found.mtime_ns) == (None, None, None)
    assert found.extra == {"word": "é", "odd": "=?nope?Q?x?="}


def test_one_service_has_one_identity_however_its_address_is_written() -> None:
    def identity(url: str | None) -> str:
        return Endpoint.parse(url, "us-east-1", "auto").identity

    same = [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "127.1.2.3",
        "[::1]",
        "127.1",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
    ]
    assert {identity(f"http://{host}:9000/") for host in same} == {"http://localhost:9000"}
    assert identity("https://S3.Example.com:443") == identity("https://s3.example.com.")
    assert identity("http://localhost:80") == identity("http://127.0.0.1")
    aws = [
        None,
        "https://s3.us-east-1.amazonaws.com",
        "https://s3.amazonaws.com",
        "https://s3-eu-west-1.amazonaws.com",
        "https://s3.dualstack.us-east-1.amazonaws.com",
        "https://s3-accelerate.amazonaws.com",
        "https://s3-accelerate.dualstack.amazonaws.com",
        "https://s3-fips.us-east-1.amazonaws.com",
        "https://s3-fips.dualstack.us-east-1.amazonaws.com",
        "https://bucket.vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com",
    ]
    assert {identity(url) for url in aws} == {"aws"}
    # One name is another bucket there, and nothing can be copied across.
    assert identity("https://s3.cn-north-1.amazonaws.com.cn") == "aws-cn"
    assert Endpoint.parse(None, "cn-north-1", "auto").identity == "aws-cn"
    assert identity("https://s3-us-gov-west-1.amazonaws.com") == "aws-us-gov"
    assert Endpoint.parse(None, "us-gov-west-1", "auto").identity == "aws-us-gov"
    for other in ("op-1.s3-outposts.us-east-1", "s3-object-lambda.us-east-1", "s3-control.us-east-1"):
        assert identity(f"https://{other}.amazonaws.com") == f"https://{other}.amazonaws.com"
    others = ["http://localhost:1", "http://localhost:2", "http://10.0.0.1:1", "http://a.example:1/base"]
    assert len({identity(url) for url in others}) == 4


@pytest.mark.parametrize("mode", ["77777777777777", "-1", "10000", "7_7", "", "\u0667", "7" * 9000])
def test_a_mode_that_cannot_be_is_left_out(mode: str) -> None:
    assert metadata_of({"x-amz-meta-mode": mode}).mode is None


@pytest.mark.parametrize("mtime", ["9223372036.854775808", "-9223372037", "999999999999"])
def test_a_time_beyond_what_files_keep_is_left_out(mtime: str) -> None:
    assert metadata_of({"x-amz-meta-mtime": mtime}).mtime_ns is None


def test_a_store_decides_neither_owner_nor_privileges() -> None:
    stored = Metadata(
        mode=0o6755, uid=0, gid=0, xattrs={"security.capability": b"x", "trusted.a": b"x", "user.a": b"x"}
    )
    headers = metadata_headers(stored)
    assert (headers["x-amz-meta-uid"], headers["x-amz-meta-mode"]) == ("0", "6755")
    assert metadata_of(headers) == Metadata(mode=0o755, xattrs={"user.a": b"x"})
    broken = metadata_of({"x-amz-meta-xattrs": '{"user.a": 1, "user.b": "x", "user.c": "eA=="}'})
    assert broken.xattrs == {"user.c": b"x"}
    assert metadata_of({"x-amz-meta-uid": "99999999999", "x-amz-meta-gid": "-5"}) == Metadata()


def test_more_metadata_than_s3_keeps_is_refused() -> None:
    with pytest.raises(Unsupported, match="2048"):
        metadata_fields(Metadata(extra={"a": "x" * 3000}))


def test_an_etag_is_an_md5_only_where_it_is() -> None:
    md5 = '"' + "0" * 32 + '"'
    assert entry_of("a", {"etag": md5}).hashes == {"md5": "0" * 32}
    assert entry_of("a", {"etag": '"' + "0" * 32 + '-2"'}).hashes is None
    assert entry_of("a", {"etag": md5, "x-amz-server-side-encryption": "aws:kms"}).hashes is None


def test_the_checksum_of_parts_is_no_checksum_of_the_content() -> None:
    assert entry_of("a", {"x-amz-checksum-sha256": "AAAA-3"}).hashes is None
    assert entry_of("a", {"x-amz-checksum-sha256": "AAAA", "x-amz-checksum-type": "COMPOSITE"}).hashes is None
    assert entry_of("a", {"x-amz-checksum-sha256": "AAAA"}).hashes == {"sha256": "000000"}


_names = st.lists(
    st.text(st.sampled_from("ab-./0é"), min_size=1, max_size=4).map(lambda t: t.replace("/", "!")),
    unique=True,
)


@given(_names, st.data())
def test_one_level_is_in_order_however_the_store_sorts_it(names: list[str], data: st.DataObject) -> None:
    entries = [Entry(name, Kind.DIRECTORY if data.draw(st.booleans()) else Kind.FILE) for name in names]
    wanted = sorted(entries, key=lambda e: order_key(e.path, is_dir=e.kind is Kind.DIRECTORY))
    by_name = sorted(entries, key=lambda e: order_key(e.path))
    assert list(in_order(iter(by_name))) == wanted
    assert list(in_order(iter(wanted))) == wanted


@given(size=st.integers(0, 5 * 1024 * GiB), wanted=st.integers(1, 64 * MiB))
def test_every_size_fits_into_the_parts(size: int, wanted: int) -> None:
    part = part_size_for(size, wanted, most=5 * 1024 * GiB)
    assert part >= max(wanted, 5 * MiB)
    assert -(-size // part) <= MAX_PARTS


def test_an_answer_that_is_no_listing_is_an_error() -> None:
    with pytest.raises(ProviderError):
        Page(b"hello", "b", "ListBucketResult")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20.5Z", 1_700_000_000_500_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000_000_000_000),
        ("soon", None),
    ],
)
def test_a_time_of_a_listing_is_read(text: str, expected: int | None) -> None:
    assert time_ns(text) == expected
