"""`/drive/workspaces`: there are none."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from skycap.internxt.emulator.services import answer, signed_in

router = APIRouter(prefix="/workspaces")


@router.get("", dependencies=[Depends(signed_in)])
def workspaces() -> Response:
    """An empty list, in the shape that clients read."""
    return answer({"availableWorkspaces": [], "pendingWorkspaces": []})
