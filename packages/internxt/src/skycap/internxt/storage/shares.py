"""Links for people without an account. The code in a link opens it; the servers do not have that.

A link of a file gives away the key of that file. One of a folder gives away that of the whole bucket, which
is all that the account holds: so it is made only where that was said aloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from skycap.core import paths
from skycap.core.crypto.secret import Secret
from skycap.core.errors import NotFound, Unsupported, UsageError
from skycap.core.paths import join
from skycap.core.storage.extras import Share, Shares
from skycap.internxt.api import files, sharings
from skycap.internxt.api.models import EXISTS, File, Item, Sharing
from skycap.internxt.crypto import share_codes

if TYPE_CHECKING:
    from skycap.internxt.storage.storage import Internxt


class PublicLinks(Shares):
    """Links, one at most for an item. Their ids are `file:UUID` and `folder:UUID`, of the item."""

    def __init__(self, storage: Internxt) -> None:
        self._storage = storage

    def create(
        self,
        path: str,
        *,
        expires_s: float | None = None,
        password: str | None = None,
        whole_bucket: bool = False,
    ) -> Share:
        """A link, or the one there is. `whole_bucket`: a link of a folder may open all of the account."""
        storage, where = self._storage, self._storage.where(path)
        item = storage.places.item(paths.validate(path))
        if expires_s is not None:
            raise Unsupported("links do not expire here", where=where, hint="Take it back when it is time.")
        kind = _kind(item)
        if kind == "folder" and not whole_bucket:
            raise Unsupported(
                "the link of a folder would open all that the account holds, to whoever has it",
                where=where,
                hint='Share files one by one; "skycap internxt share create" makes one all the same.',
            )
        key = storage.keys().bucket
        code, secret = share_codes.new_code(), None if password is None else Secret(password)
        sealed = share_codes.seal_link(key, code, secret)
        made = sharings.create(storage.api, item.uuid, kind, sealed, where=where)
        if made.encrypted_code != sealed.encrypted_code:  # there is one already, and it stays as it is
            code = share_codes.recover_code(key, made.encrypted_code)
        told = sharings.info(storage.api, item.uuid, kind, where=where)
        protected = made.password if told is None else told.password
        if secret is not None and (made.encrypted_code != sealed.encrypted_code or not protected):
            sharings.set_password(storage.api, made.id, share_codes.seal_password(code, secret), where=where)
            protected = True
        return self._share(path, made, code, password=protected)

    def list(self, path: str = "") -> Iterator[Share]:
        """The links at or below a path."""
        storage = self._storage
        paths.validate(path)
        kinds: tuple[Literal["file", "folder"], ...] = ("file", "folder")
        for kind in kinds:
            for uuid in sharings.shared(storage.api, kind, where=storage.where(path)):
                if (found := self._listed(kind, uuid, path)) is not None:
                    yield found

    def _listed(self, kind: Literal["file", "folder"], uuid: str, path: str) -> Share | None:
        storage, where = self._storage, self._storage.where(path)
        place = self._path_of(kind, uuid)
        if place is None or (path and place != path and not place.startswith(f"{path}/")):
            return None
        sharing = sharings.info(storage.api, uuid, kind, where=where)
        if sharing is None:
            return None  # shared with people, and with nobody else
        code = share_codes.recover_code(storage.keys().bucket, sharing.encrypted_code)
        return self._share(place, sharing, code, password=sharing.password)

    def _path_of(self, kind: Literal["file", "folder"], uuid: str) -> str | None:
        storage = self._storage
        where = storage.where("")
        try:
            if kind == "folder":
                return storage.places.path_of(uuid)
            file = files.meta(storage.api, uuid, where=where)
        except NotFound:
            return None
        folder = storage.places.path_of(file.folder) if file.status == EXISTS else None
        return None if folder is None else join(folder, file.name)

    def remove(self, id: str) -> None:  # noqa: A002 - the stores' own word
        """Take the link of an item back."""
        kind, _, uuid = id.partition(":")
        if kind == "file":
            sharings.remove(self._storage.api, uuid, "file", where=id)
        elif kind == "folder":
            sharings.remove(self._storage.api, uuid, "folder", where=id)
        else:
            raise UsageError("that is no id of a link", where=id, hint="It begins with file: or folder:.")

    def set_password(self, path: str, password: Secret[str] | None) -> Share:
        """Ask for a password where the link of a path is opened, or for none; `NotFound` without a link."""
        storage, where = self._storage, self._storage.where(path)
        item = storage.places.item(paths.validate(path))
        sharing = sharings.info(storage.api, item.uuid, _kind(item), where=where)
        if sharing is None:
            raise NotFound("there is no link to it", where=where)
        code = share_codes.recover_code(storage.keys().bucket, sharing.encrypted_code)
        if password is None:
            sharings.remove_password(storage.api, sharing.id, where=where)
        else:
            sharings.set_password(
                storage.api, sharing.id, share_codes.seal_password(code, password), where=where
            )
        return self._share(path, sharing, code, password=password is not None)

    def _share(self, path: str, sharing: Sharing, code: Secret[str], *, password: bool) -> Share:
        kind: Literal["file", "folder"] = "file" if sharing.kind == "file" else "folder"
        url = share_codes.link(self._storage.share_domain, kind, sharing.id, code)
        return Share(url, path, id=f"{kind}:{sharing.item}", password=password)


def _kind(item: Item) -> Literal["file", "folder"]:
    return "file" if isinstance(item, File) else "folder"
