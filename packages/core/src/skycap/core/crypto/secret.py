"""A value that must not leave by accident: not in a log line, a traceback, an error or a pickle."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

from skycap.core.crypto.compare import same

_Value = TypeVar("_Value", str, bytes)


class Secret(Generic[_Value]):
    """A str or bytes that shows itself only when asked by name.

    `repr`, `str` and formatting give a placeholder; pickling raises TypeError, since a pickle is a file or
    a wire. Copying is allowed and returns the same object. Equal only to another Secret, in constant time;
    not hashable, for a dictionary would compare its keys in any time it likes.
    """

    __slots__ = ("_value",)
    _value: _Value

    def __init__(self, value: _Value) -> None:
        self._value = value

    def reveal(self) -> _Value:
        """The value itself. Every call is a place to look at in a review."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return same(self._value, other._value)

    def __copy__(self) -> Secret[_Value]:
        return self

    def __deepcopy__(self, memo: object) -> Secret[_Value]:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled: hand over a reference to where it is stored")


def reveal(value: bytes | Secret[bytes]) -> bytes:
    """The bytes of a key, whether it came wrapped or not."""
    return value.reveal() if isinstance(value, Secret) else value
