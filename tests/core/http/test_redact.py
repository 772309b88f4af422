"""Nothing secret stays in a text that passed through."""

from __future__ import annotations

import base64
import logging
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.http import RedactingFilter, redact, redact_headers, register_secret


@pytest.mark.parametrize(
    "text",
    [
        "https://h/b?X-Amz-Signature=HIDDEN&a=1",
        "https://h/b?a=1&x-amz-security-token=HIDDEN",
        "https://h/b?X-Amz-Credential=HIDDEN%2F2026",
        "https://h/b?X-Goog-Signature=HIDDEN",
        "https://h/b?token=HIDDEN",
        "https://h/b?access_token=HIDDEN#x",
        "https://h/b?sig=HIDDEN",
        "https://h/b?Signature=HIDDEN&Expires=1",
        "https://h/cb?code=HIDDEN&state=1",
        "grant_type=refresh_token&refresh_token=HIDDEN",
        "client_secret=HIDDEN",
        "https://user:HIDDEN@host/path",
        "ftp://:HIDDEN@host/path",
        "Authorization: Bearer HIDDEN",
        "Authorization: AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=HIDDEN",
        "authorization=Bearer HIDDEN",
        "Proxy-Authorization: Basic HIDDEN==",
        "Cookie: a=b; session=HIDDEN",
        "Set-Cookie: session=HIDDEN; Path=/",
        "(b'Set-Cookie', b'session=HIDDEN; Path=/')",
        "{'authorization': 'Bearer HIDDEN'}",
        '{"refresh_token": "HIDDEN"}',
        "{'password': 'HIDDEN with spaces'}",
    ],
)
def test_what_stands_in_a_secret_place_is_masked(text: str) -> None:
    assert "HIDDEN" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://h/b?list-type=2&prefix=a%2Fb&max-keys=1000",
        "photos:2024/a.jpg: nothing is there (HTTP 404)",
        "barcode=1234 design=new assigned=yes",
        "https://host:8080/path@2x.png",
        "a token of thanks",
    ],
)
def test_what_is_innocent_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_the_rest_of_a_url_stays_readable() -> None:
    assert redact("https://u:p@h/b?token=x&a=1") == "https://u:***@h/b?token=***&a=1"


@given(st.text(min_size=4, max_size=40).filter(lambda text: "*" not in text), st.text(), st.text())
def test_a_registered_value_is_gone_in_every_spelling(value: str, before: str, after: str) -> None:
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        return
    register_secret(Secret(value))
    for form in (value, quote(value, safe=""), base64.b64encode(raw).decode()):
        assert form not in redact(f"{before}{form}{after}")


def test_short_values_do_not_tear_holes() -> None:
    register_secret(Secret("abc"), Secret(b""))
    assert redact("abc abc") == "abc abc"


def test_headers_are_masked_by_name_and_by_value() -> None:
    register_secret(Secret("value-in-header"))
    assert redact_headers({"Authorization": "x", "X-Other": "a value-in-header b", "ETag": "e"}) == {
        "Authorization": "***",
        "X-Other": "a *** b",
        "ETag": "e",
    }


def test_a_log_record_is_cleaned_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    register_secret(Secret("logged-value"))
    logger = logging.getLogger("test.redact")
    cleaner = RedactingFilter()
    logger.addFilter(cleaner)
    try:
        raise ValueError("it was logged-value")
    except ValueError:
        logger.exception("trouble over %s", "logged-value")
    finally:
        logger.removeFilter(cleaner)
    assert "logged-value" not in caplog.text
    assert "trouble over ***" in caplog.text


def test_the_name_of_a_flag_hides_no_word() -> None:
    assert redact("--users and --digest exclude each other") == "--users and --digest exclude each other"
    assert "dXNlcjpwYXNz" not in redact("Authorization: Basic dXNlcjpwYXNz")
    assert "dXNlcjpwYXNz" not in redact("it said basic dXNlcjpwYXNz")
