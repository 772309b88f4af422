"""The link of one thing."""

from __future__ import annotations

from skycap.core.storage.extras import Share
from skycap.internxt.api import sharings
from skycap.internxt.commands.drives import Found
from skycap.internxt.crypto import share_codes


def share_of(found: Found) -> Share | None:
    """The public link of what was found; None if it has none."""
    storage, path = found.drive.storage, found.reachable()
    kind: sharings.Kind = "file" if found.kind == "file" else "folder"
    sharing = sharings.info(storage.api, found.item.uuid, kind, where=found.shown())
    if sharing is None:
        return None
    code = share_codes.recover_code(storage.keys().bucket, sharing.encrypted_code)
    url = share_codes.link(storage.share_domain, kind, sharing.id, code)
    return Share(url, path, id=f"{kind}:{found.item.uuid}", password=sharing.password)
