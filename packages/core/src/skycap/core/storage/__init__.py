"""The interface that everything which holds files implements, and the names one needs to speak it."""

from skycap.core.storage.behind import backend
from skycap.core.storage.capability import FULL, Capability
from skycap.core.storage.condition import IF_ABSENT, Condition, if_version
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.extras import (
    BulkReader,
    BulkWriter,
    Change,
    Changes,
    Leftover,
    Quota,
    Share,
    Shares,
    Trash,
    Trashed,
    Version,
    Versions,
)
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.metadata import metadata_from_json, metadata_to_json
from skycap.core.storage.source import BinaryReader, LocalFile, Reopenable, Source, known_size, opened
from skycap.core.storage.upload import Upload

__all__ = [
    "FULL",
    "IF_ABSENT",
    "BinaryReader",
    "BulkReader",
    "BulkWriter",
    "Capability",
    "Change",
    "Changes",
    "Condition",
    "Entry",
    "Facts",
    "Kind",
    "Leftover",
    "LocalFile",
    "Metadata",
    "Quota",
    "Reopenable",
    "Share",
    "Shares",
    "Source",
    "Storage",
    "Trash",
    "Trashed",
    "Upload",
    "Version",
    "Versions",
    "backend",
    "if_version",
    "known_size",
    "metadata_from_json",
    "metadata_to_json",
    "opened",
]
