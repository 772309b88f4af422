"""What desktops leave beside files (`._name`, `.DS_Store`, `Thumbs.db`, `desktop.ini`), and where it goes."""

from __future__ import annotations

from typing import Literal

from skycap.core.webdav.request import Request
from skycap.core.webdav.shares import Place, Shares

Policy = Literal["store", "side", "refuse"]


class Junk:
    """Where such files go: `store`, to the storage as any file; `side`, to a store of their own in the state
    folder; `refuse`, nowhere: writing one is forbidden.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def place(self, request: Request, shares: Shares) -> Place | None:
        """The place that the URL of a request means."""
        return shares.place(request.path)
