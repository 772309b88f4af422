"""The small picture itself. All that Pillow says goes through here."""

from __future__ import annotations

import io
import warnings

from skycap.core.errors import DependencyMissing, Unsupported

SIDE = 300
"""Pixels that it has at most, each way."""
_MOST_PIXELS = 200_000_000
"""Larger images take more memory than a small picture is worth."""


def require_pillow() -> None:
    """`DependencyMissing` where Pillow is not installed."""
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise DependencyMissing(
            "thumbnails need Pillow", hint='pip install "skycap-internxt[thumbnails]", or thumbnails=false.'
        ) from error


def small(content: bytes) -> bytes:
    """A PNG of at most 300 by 300 pixels, upright; `Unsupported` for what is no image, or too large a one."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes, that are looked at below, and odd metadata
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise Unsupported(f"an image of {image.width} by {image.height} pixels is too large")
                image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded at less than its size
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((SIDE, SIDE))
                found = io.BytesIO()
                has_alpha = "A" in upright.getbands() or "transparency" in upright.info
                upright.convert("RGBA" if has_alpha else "RGB").save(found, "PNG", optimize=True)
    except (
        OSError,
        ValueError,
        SyntaxError,
        ArithmeticError,
        EOFError,
        Image.DecompressionBombError,
    ) as error:
        raise Unsupported(f"it is no image that can be read: {error}") from error
    return found.getvalue()
