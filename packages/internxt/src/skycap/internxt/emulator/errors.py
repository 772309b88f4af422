"""Refusals, in the two forms that the real servers have."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class Refused(Exception):
    """The Drive API says no: `{"message", "error", "statusCode"}`."""

    def __init__(
        self,
        status: int,
        message: str | list[str],
        *,
        error: str | None = None,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = body or said(status, message, error)


class NetworkRefused(Exception):
    """The Network API says no: `{"error"}`."""

    def __init__(self, status: int, error: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.headers = headers or {}
        self.body = {"error": error}


class StorageRefused(Exception):
    """The object storage says no, in XML as S3 does."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        )


def said(status: int, message: str | list[str], error: str | None = None) -> dict[str, Any]:
    """The body of a refusal of the Drive API."""
    phrase = HTTPStatus(status).phrase
    if error is None and message == phrase:  # as the framework of the real server does
        return {"message": message, "statusCode": status}
    return {"message": message, "error": error or phrase, "statusCode": status}


def no_route(method: str, path: str) -> Refused:
    """What an unknown route gets. The gateway hides the prefix `/api`, and here it shows."""
    return Refused(404, f"Cannot {method} /api{path}")
