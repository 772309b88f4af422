"""Comparing secrets in a time that does not tell where they differ."""

from __future__ import annotations


def same(left: str | bytes, right: str | bytes) -> bool:
    """Are both equal? Takes as long for a near miss as for a far one; only the lengths can be guessed.

    Text is compared as UTF-8, so any characters may occur, and is never equal to bytes.
    """
    import hmac

    equal = hmac.compare_digest(_encoded(left), _encoded(right))
    return equal and isinstance(left, str) == isinstance(right, str)


def _encoded(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
