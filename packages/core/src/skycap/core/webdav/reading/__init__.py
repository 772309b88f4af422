"""GET and HEAD."""

from __future__ import annotations

from skycap.core.webdav.answers import Answer
from skycap.core.webdav.conditions import Conditions
from skycap.core.webdav.lookup import Lookup
from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place


class Reading:
    """Answers GET and HEAD."""

    def __init__(self, lookup: Lookup, conditions: Conditions) -> None:
        self._lookup = lookup
        self._conditions = conditions

    def get(self, request: Request, place: Place | None) -> Answer:
        """The bytes of a file, or a part of them; an index page of a collection."""
        raise NotImplementedError
