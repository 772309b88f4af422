"""What the servers tell, read with care: it comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from skycap.core.errors import ProviderError
from skycap.internxt.names import join

EXISTS = "EXISTS"
TRASHED = "TRASHED"
DELETED = "DELETED"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MS_NS = 1_000_000
Json = Mapping[str, Any]


def time_ns(value: object) -> int | None:
    """Nanoseconds since the epoch of a time in ISO 8601; None for what is none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND * 1000


def time_text(moment_ns: int) -> str:
    """A time as the servers keep it: to the millisecond, in UTC."""
    milliseconds = moment_ns // MS_NS
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def to_int(value: object, default: int = 0) -> int:
    """A number, or a number as text: sizes come as either."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        return int(value)
    except (ValueError, OverflowError):
        return default


def text_of(found: Json, *names: str) -> str:
    """The first of these fields that holds text; `ProviderError` where none does."""
    for name in names:
        value = found.get(name)
        if isinstance(value, str) and value:
            return value
    raise ProviderError(
        f"the server's answer has no {names[0]}",
        hint="Is this the address of the service itself, and is this version of it known?",
    )


def _optional(found: Json, *names: str) -> str | None:
    for name in names:
        value = found.get(name)
        if isinstance(value, str) and value:
            return value
    return None


@dataclass(frozen=True, slots=True)
class File:
    """A file as the Drive API tells it. `file_id` names its object; an empty file has none.

    `size` is in bytes, times are in nanoseconds since the epoch; `id` rises with each new file.
    """

    uuid: str
    name: str
    size: int
    file_id: str | None = None
    folder: str = ""
    bucket: str = ""
    mtime_ns: int | None = None
    updated_ns: int | None = None
    status: str = EXISTS
    id: int = 0

    @classmethod
    def read(cls, found: Json) -> File:
        """From JSON."""
        size = to_int(found.get("size"))
        type_ = _optional(found, "type")
        return cls(
            uuid=text_of(found, "uuid"),
            name=join(_optional(found, "plainName", "plain_name"), type_),
            size=size,
            file_id=_optional(found, "fileId", "file_id") if size else None,
            folder=_optional(found, "folderUuid", "folder_uuid") or "",
            bucket=_optional(found, "bucket") or "",
            mtime_ns=time_ns(_optional(found, "modificationTime", "modification_time")),
            updated_ns=time_ns(_optional(found, "updatedAt", "updated_at")),
            status=_optional(found, "status") or EXISTS,
            id=to_int(found.get("id")),
        )

    @property
    def version(self) -> str:
        """Changes whenever the content does: objects share no id, and an empty file is an empty file."""
        return self.file_id or f"empty-{self.uuid}"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as the Drive API tells it; `parent` is empty for the root."""

    uuid: str
    name: str
    parent: str = ""
    mtime_ns: int | None = None
    status: str = EXISTS
    id: int = 0

    @classmethod
    def read(cls, found: Json) -> Folder:
        """From JSON, or from the raw row that a look-up by path gives."""
        return cls(
            uuid=text_of(found, "uuid"),
            name=_optional(found, "plainName", "plain_name") or "",
            parent=_optional(found, "parentUuid", "parent_uuid") or "",
            mtime_ns=time_ns(_optional(found, "modificationTime", "modification_time")),
            status=_folder_status(found),
            id=to_int(found.get("id")),
        )


def _folder_status(found: Json) -> str:
    if isinstance(status := found.get("status"), str) and status:
        return status
    if found.get("removed") is True:
        return DELETED
    return TRASHED if found.get("deleted") is True else EXISTS


Item = File | Folder


@dataclass(frozen=True, slots=True)
class TrashItem:
    """Something in the trash, and the folder it was in: its id, and whether that is still there."""

    item: Item
    parent: str
    parent_there: bool
    trashed_ns: int | None = None


@dataclass(frozen=True, slots=True)
class OldVersion:
    """A state that a file had. `id` names it for restoring, `file_id` its object."""

    id: str
    file_id: str
    size: int
    mtime_ns: int | None = None
    created_ns: int | None = None

    @classmethod
    def read(cls, found: Json) -> OldVersion:
        """From JSON."""
        return cls(
            id=str(found.get("id") or text_of(found, "id")),
            file_id=text_of(found, "networkFileId", "fileId"),
            size=to_int(found.get("size")),
            mtime_ns=time_ns(found.get("modificationTime")),
            created_ns=time_ns(found.get("createdAt")),
        )


@dataclass(frozen=True, slots=True)
class Started:
    """An upload that the network waits for. Who has the links can write: keep them private."""

    uuid: str
    urls: tuple[str, ...] = field(repr=False)
    upload_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Where an object is, and what it takes to read it. `index` is 32 bytes, `hash` that of the shard."""

    index: bytes
    size: int
    hash: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sharing:
    """A public link of an item."""

    id: str
    item: str
    kind: str
    encrypted_code: str = field(repr=False)
    password: bool = False
