"""Where the files of a repository are cut: by content, with a seed from its keys, or every so many bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from skycap.backup.format.keys import Keys
from skycap.core.chunking.cdc import Chunker
from skycap.core.chunking.filling import Reader, fill

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Cutter(Protocol):
    """What both chunkers can do. One thread at a time."""

    def cut(self, buffer: Buffer) -> list[int]:
        """The end of every chunk in a buffer that is the whole content."""
        ...

    def chunks(self, reader: Reader) -> Iterator[memoryview]:
        """The chunks of a stream, each valid until the next one is asked for."""
        ...


class FixedChunker:
    """Cuts every `size` bytes, whatever the content is: an insertion changes all that follows."""

    def __init__(self, size: int) -> None:
        self.size = size

    def cut(self, buffer: Buffer) -> list[int]:
        """The end of every chunk; the last is the length of the buffer."""
        length = memoryview(buffer).nbytes
        return [*range(self.size, length, self.size), length] if length else []

    def chunks(self, reader: Reader) -> Iterator[memoryview]:
        """The chunks of a stream, in memory of one."""
        window = memoryview(bytearray(self.size))
        while held := fill(reader, window):
            with window[:held] as chunk:
                yield chunk
            if held < self.size:
                break


def chunker_for(settings: Mapping[str, Any], keys: Keys) -> Cutter:
    """The chunker of the settings of a repository. Raises ConfigInvalid for sizes that it cannot have."""
    if settings["kind"] == "fixed":
        return FixedChunker(settings["size"])
    return Chunker(
        settings["min"],
        settings["avg"],
        settings["max"],
        seed=keys.chunker_seed,
        normalization=settings["normalization"],
    )
