"""msgpack, strict: no extension types, nothing behind the end; arrays come as tuples."""

from __future__ import annotations

from typing import Any

from skycap.core.errors import Damaged


def dumps(value: Any) -> bytes:
    """The shortest form."""
    import msgpack

    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def loads(data: bytes | memoryview, what: str, *, length: int) -> tuple[Any, ...]:
    """The array of `length` elements in `data`. Raises Damaged for anything else; `what` names it."""
    import msgpack

    try:
        value = msgpack.unpackb(data, raw=False, use_list=False, strict_map_key=True, max_ext_len=0)
    except (ValueError, TypeError) as error:
        raise Damaged(f"{what} is not well-formed ({error})") from None
    if type(value) is not tuple or len(value) != length:
        raise Damaged(f"{what} is not well-formed: it is not an array of {length}")
    return value
