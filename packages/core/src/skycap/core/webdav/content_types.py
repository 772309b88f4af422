"""The media type of a file, by its name alone: PROPFIND and GET say the same."""

from __future__ import annotations

from functools import lru_cache

UNKNOWN = "application/octet-stream"
COLLECTION = "httpd/unix-directory"
_PACKED = {
    ".gz": "application/gzip",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".z": "application/x-compress",
    ".br": "application/x-brotli",
}


def content_type(name: str) -> str:
    """What the last extension of a name stands for."""
    stem, dot, extension = name.rpartition(".")
    return _of_extension(f".{extension.lower()}") if dot and stem and len(extension) <= 16 else UNKNOWN


@lru_cache(maxsize=1024)
def _of_extension(extension: str) -> str:
    import mimetypes

    if extension in _PACKED:
        return _PACKED[extension]
    # The table that comes with Python, without the files of this machine: the same everywhere.
    return _known(mimetypes).get(extension, UNKNOWN)


@lru_cache(maxsize=1)
def _known(mimetypes: object) -> dict[str, str]:
    return dict(mimetypes.MimeTypes().types_map[True])  # type: ignore[attr-defined]
