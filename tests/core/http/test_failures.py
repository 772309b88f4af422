"""Each status becomes the error that says what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core import errors
from skycap.core.http import error_for_status, retry_after
from skycap.core.retry import Operation


@pytest.mark.parametrize(
    ("status", "cls", "retryable"),
    [
        (400, errors.ProviderError, False),
        (401, errors.AuthMissing, False),
        (403, errors.AccessDenied, False),
        (404, errors.NotFound, False),
        (405, errors.Unsupported, False),
        (407, errors.AuthMissing, False),
        (408, errors.Timeout, True),
        (409, errors.Conflict, False),
        (410, errors.NotFound, False),
        (412, errors.Conflict, False),
        (416, errors.ProviderError, False),
        (418, errors.ProviderError, False),
        (423, errors.Locked, False),
        (425, errors.UploadFailed, True),
        (429, errors.RateLimited, True),
        (500, errors.UploadFailed, True),
        (501, errors.Unsupported, False),
        (502, errors.UploadFailed, True),
        (503, errors.UploadFailed, True),
        (504, errors.UploadFailed, True),
        (507, errors.OutOfSpace, False),
        (599, errors.UploadFailed, True),
    ],
)
def test_a_status_has_its_class(status: int, cls: type[errors.Error], retryable: bool) -> None:
    error = error_for_status(status, where="x", operation=Operation.UPLOAD)
    assert type(error) is cls
    assert error.retryable is retryable
    assert f"HTTP {status}" in error.message


@pytest.mark.parametrize(
    ("operation", "cls"),
    [
        (Operation.UPLOAD, errors.UploadFailed),
        (Operation.DOWNLOAD, errors.DownloadFailed),
        (Operation.LIST, errors.TransferFailed),
        (Operation.DELETE, errors.TransferFailed),
    ],
)
def test_a_broken_server_is_told_by_what_was_being_done(
    operation: Operation, cls: type[errors.Error]
) -> None:
    assert type(error_for_status(500, where="x", operation=operation)) is cls


def test_the_header_of_a_wait_is_found_in_any_case() -> None:
    assert error_for_status(429, {"RETRY-AFTER": "7"}, where="x").retry_after == 7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 60.0),
        ("Wed Oct 21 07:28:00 2015", 60.0),
        ("Wed, 21 Oct 2015 07:20:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_a_wait_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=1445412420.0) == seconds


@given(st.text(max_size=60))
def test_no_header_breaks_the_reading_of_it(value: str) -> None:
    found = retry_after(value, now=0.0)
    assert found is None or found >= 0


@given(st.integers(400, 999), st.text(max_size=1000))
def test_every_status_is_an_error_of_one_short_line(status: int, detail: str) -> None:
    error = error_for_status(status, where="x", detail=detail)
    assert len(error.message) < 450
    assert "\n" not in error.message
