"""Finds out what a server is and can do, once, and remembers it for a week in the state folder.

Nothing is written to the server for it: OPTIONS, a PROPFIND of the root, and for a cloud its `status.php`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from skycap.cloudproviders.webdav.client import Dav
from skycap.cloudproviders.webdav.multistatus import Item
from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.properties import AVAILABLE, TYPE, USED
from skycap.cloudproviders.webdav.vendors import CLOUDS, VENDORS, Traits, with_times
from skycap.core.errors import Error, NotFound, StateWriteFailed
from skycap.core.retry import Policies, Policy
from skycap.core.state import make_private_folder, state_folder

_KEPT_S = 7 * 86_400
_FORMAT = 1
# It is asked where a storage is opened, before any policy of the user stands around it.
_POLICY = Policy(attempts=4, base_s=0.25, cap_s=2.0)
_PRODUCTS = {"nextcloud": "nextcloud", "owncloud": "owncloud", "infinite scale": "infinitescale"}
_SERVERS = (
    (re.compile(r"^rclone/"), "rclone"),
    (re.compile(r"^skycap\b"), "skycap"),
    (re.compile(r"^Microsoft-IIS/.*SharePoint|^SharePoint", re.IGNORECASE), "sharepoint"),
)


def find_traits(dav: Dav, options: WebDavOptions, identity: str) -> Traits:
    """What the server is, as the configuration says, as remembered, or as it says itself."""
    if options.vendor in CLOUDS:
        return with_times(VENDORS[options.vendor], options.times)
    known = _remembered(identity)
    if known is None or (options.vendor != "auto" and known.get("vendor") != options.vendor):
        known = Policies(_POLICY, _POLICY, _POLICY, _POLICY).list.call(_ask, dav, options)
        if known.pop("seen"):  # a folder that is yet to be made tells less
            _remember(identity, known)
    return with_times(_traits(known), options.times)


def _traits(known: Mapping[str, Any]) -> Traits:
    traits = VENDORS.get(str(known.get("vendor")), VENDORS["generic"])
    allowed = known.get("allow")
    if isinstance(allowed, list) and "PROPFIND" in allowed:  # else it does not tell of methods of WebDAV
        traits = replace(traits, copy="COPY" in allowed, move="MOVE" in allowed)
    return replace(traits, quota=traits.quota or bool(known.get("quota")))


def _ask(dav: Dav, options: WebDavOptions) -> dict[str, Any]:
    where = dav.place.shown()
    answer = dav.request("OPTIONS", dav.place.url(folder=True), where=where, ok=(403, 404, 405, 501))
    root = _root(dav, where)
    allowed = sorted({word.strip().upper() for word in answer.headers.get("allow", "").split(",")} - {""})
    vendor: str = options.vendor
    if vendor == "auto":
        vendor = _by_headers(answer.headers) or _by_status(dav) or "generic"
    told = root is not None and (root.get(USED) is not None or root.get(AVAILABLE) is not None)
    known = {"vendor": vendor, "allow": allowed if answer.status < 400 else None, "quota": told}
    return {**known, "seen": root is not None}


def _root(dav: Dav, where: str) -> Item | None:
    """What it tells of the root, which need not be there yet."""
    try:
        asked = dav.propfind(dav.place.url(folder=True), "0", (TYPE, USED, AVAILABLE), where=where)
        return next(iter(list(asked)), None)
    except NotFound:
        return None


def _by_headers(headers: Mapping[str, str]) -> str | None:
    if "microsoftsharepointteamservices" in headers:
        return "sharepoint"
    server = headers.get("server", "")
    return next((vendor for pattern, vendor in _SERVERS if pattern.search(server)), None)


def _by_status(dav: Dav) -> str | None:
    """Which cloud it is, by the page that all of them have; only asked where the address looks like one."""
    if "fastmail" in dav.place.host:
        return "fastmail"
    front, found, _ = dav.place.base.partition("remote.php")
    if not found and not dav.place.base.startswith("dav/"):
        return None
    try:
        url = dav.place.absolute(f"{front}status.php" if found else "status.php")
        answer = dav.request("GET", url, where=url)
        product = answer.json().get("productname", "")
    except (Error, AttributeError):
        return None
    return next((vendor for name, vendor in _PRODUCTS.items() if name in str(product).lower()), None)


def _file(identity: str) -> str:
    name = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(state_folder(), "webdav", f"{name}.json")


def _remembered(identity: str) -> dict[str, Any] | None:
    try:
        with open(_file(identity), encoding="utf-8") as stream:
            known: dict[str, Any] = json.load(stream)
        fresh = 0 <= time.time() - float(known["at"]) < _KEPT_S
        return known if fresh and known["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(identity: str, known: Mapping[str, Any]) -> None:
    path = _file(identity)
    text = json.dumps({"format": _FORMAT, "at": int(time.time()), **known})
    temporary = f"{path}.{secrets.token_hex(4)}"
    # It is a help and nothing more: where it cannot be kept, the next start asks again.
    with contextlib.suppress(OSError, StateWriteFailed):
        make_private_folder(os.path.dirname(path))
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, path)


def forget(identity: str) -> None:
    """Ask anew at the next start."""
    with contextlib.suppress(OSError):
        os.unlink(_file(identity))
