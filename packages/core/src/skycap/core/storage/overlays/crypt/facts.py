"""What is still so about a storage when everything in it is sealed."""

from __future__ import annotations

from dataclasses import replace

from skycap.core.crypto.names import MAX_PLAIN, MAX_SEALED
from skycap.core.crypto.stream import AES256_GCM_HKDF_1MB as LAYOUT
from skycap.core.errors import IntegrityError
from skycap.core.storage.facts import Facts
from skycap.core.storage.overlays.crypt.vault import Names

KEPT_METADATA = frozenset({"mtime_ns", "mode", "uid", "gid"})
"""What passes through in plain. The rest could tell of the content, and is not kept."""
_SIV = 16
_USUAL_NAME = 100
_MAX_SEGMENTS = 2**32


def facts_over(inner: Facts, names: Names, base: str) -> Facts:
    """The facts of a vault over a storage of such facts."""
    segment = LAYOUT.segment_size
    upload = takes_parts(inner)
    facts = replace(
        inner,
        scan_fields=inner.scan_fields - {"hashes", "metadata"},
        hashes=frozenset(),
        metadata_fields=inner.metadata_fields & KEPT_METADATA,
        max_size=_max_size(inner.max_size),
        part_min=-(-inner.part_min // segment) * LAYOUT.room,
        part_max=inner.part_max // segment * LAYOUT.room if upload and inner.part_max else None,
        part_multiple=LAYOUT.room,
        # The header and the tags may need one part more.
        max_parts=inner.max_parts - 1 if inner.max_parts else None,
        part_size=max(inner.part_size // segment, 1) * LAYOUT.room,
    )
    if names == "plain":
        room = None if inner.path_max is None or not base else inner.path_max - len(base.encode()) - 1
        return replace(facts, path_max=inner.path_max if room is None else room)
    return replace(
        facts,
        scan_ordered=False,
        scan_all_ordered=False,
        forbidden="",
        name_max=min(MAX_PLAIN, plain_name_max(inner.name_max)),
        path_max=_path_max(inner.path_max, inner.name_max, base),
        case_sensitive=True,
        bytes_names=True,
    )


def takes_parts(inner: Facts) -> bool:
    """Whether sealed parts, whole segments each, can be parts of the inner storage."""
    segment = LAYOUT.segment_size
    return inner.part_size % segment == 0 and segment % inner.part_multiple == 0


def plain_name_max(sealed: int | None) -> int:
    """Bytes of the longest name whose sealed form has so many characters."""
    return min(MAX_SEALED if sealed is None else sealed, MAX_SEALED) * 5 // 8 - _SIV


def _sealed_name(size: int) -> int:
    return -(-(size + _SIV) * 8 // 5)


def _path_max(inner: int | None, name_max: int | None, base: str) -> int | None:
    """Bytes of the longest path whose names are of a usual length; shorter names reach the bound sooner."""
    if inner is None:
        return None
    room = inner - (len(base.encode()) + 1 if base else 0)
    name = min(_USUAL_NAME, plain_name_max(name_max))
    whole, rest = divmod(room, _sealed_name(name) + 1)
    last = max(rest * 5 // 8 - _SIV, 0)
    return whole * (name + 1) + last - (0 if last else 1)


def _max_size(inner: int | None) -> int:
    most = _MAX_SEGMENTS * LAYOUT.segment_size
    size = most if inner is None else min(inner, most)
    try:
        return LAYOUT.plain_size(size)
    except IntegrityError:  # a size that no sealing has: the next smaller one that has no such rest
        return LAYOUT.plain_size(size - size % LAYOUT.segment_size)
