"""Small pictures of images, as the web shows them: made here, encrypted as all else, never worth a failure.

A write is over when its file is stored. Then the source is read once more, where it can be, and what goes
wrong from there on is a warning. Needs the extra `thumbnails`, which brings Pillow.
"""

from skycap.internxt.thumbnails.after import after_write

__all__ = ["after_write"]
