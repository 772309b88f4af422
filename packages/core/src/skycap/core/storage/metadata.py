"""`Metadata` as JSON, for the states of uploads and for stores that keep it as text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from skycap.core.storage.entry import Metadata


def metadata_to_json(metadata: Metadata | None) -> dict[str, Any] | None:
    """A dictionary without what is None; extended attributes in base64."""
    if metadata is None:
        return None
    found: dict[str, Any] = {
        name: value
        for name in ("mtime_ns", "mode", "uid", "gid", "content_type")
        if (value := getattr(metadata, name)) is not None
    }
    if metadata.xattrs is not None:
        found["xattrs"] = {k: base64.b64encode(v).decode("ascii") for k, v in metadata.xattrs.items()}
    if metadata.extra:
        found["extra"] = dict(metadata.extra)
    return found


def metadata_from_json(found: Mapping[str, Any] | None) -> Metadata | None:
    """The other way."""
    if found is None:
        return None
    values = dict(found)
    if "xattrs" in values:
        values["xattrs"] = {k: base64.b64decode(v) for k, v in values["xattrs"].items()}
    return Metadata(**values)
