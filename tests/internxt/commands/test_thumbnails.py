"""Images get a small picture, if that is wanted; whatever happens to it, the image itself is stored."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import Unsupported
from skycap.internxt.api import network
from skycap.internxt.crypto.content import Content
from skycap.internxt.thumbnails import after, picture
from tests.internxt.commands.conftest import Account

Size = tuple[int, int]


def image(size: Size = (900, 600), form: str = "JPEG", **options: Any) -> bytes:
    from PIL import Image

    found = io.BytesIO()
    mode = "RGBA" if form == "PNG" else "RGB"
    Image.new(mode, size, (200, 10, 10)).save(found, form, **options)
    return found.getvalue()


def opened(content: bytes) -> tuple[str | None, Size, str]:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as found:
        return found.format, found.size, found.mode


@pytest.fixture
def album(drive: Account, tmp_path: Path) -> Account:
    drive.done("remote", "edit", "drive", "thumbnails=true")
    (tmp_path / "a.jpg").write_bytes(image())
    return drive


def thumbnails(drive: Account, path: str) -> list[dict[str, Any]]:
    """What the service knows of those of a file."""
    api = drive.storage.api
    told = api.drive("GET", f"/files/{drive.id_of(path)}/meta", where=path).json()
    found: list[dict[str, Any]] = told["thumbnails"]
    return found


def stored(drive: Account, file_id: str) -> bytes:
    """An object, decrypted."""
    storage = drive.storage
    info = network.info(storage.api, storage.bucket, file_id, where="thumbnail")
    with storage.objects.get(info.url, 0, info.size, info.size, where="thumbnail") as stream:
        sealed = b"".join(iter(lambda: stream.read(65536), b""))
    return Content(storage.keys().file(info.index), info.index).at(0).update(sealed)


def test_an_image_gets_a_small_picture_that_only_the_owner_can_read(album: Account) -> None:
    album.done("copy", "a.jpg", "drive:2024/a.jpg")
    (told,) = thumbnails(album, "2024/a.jpg")
    assert (told["type"], told["maxWidth"], told["maxHeight"]) == ("png", 300, 300)
    content = stored(album, told["bucketFile"])
    assert opened(content) == ("PNG", (300, 200), "RGB")
    assert len(content) == int(told["size"])
    assert album.emulator.state()["orphans"] == []


def test_without_the_option_none_is_made(drive: Account, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(image())
    drive.done("copy", "a.jpg", "drive:a.jpg")
    assert thumbnails(drive, "a.jpg") == []


def test_a_new_content_has_a_new_picture(album: Account, tmp_path: Path) -> None:
    album.done("copy", "a.jpg", "drive:a.jpg")
    (tmp_path / "a.jpg").write_bytes(image((100, 400)))
    album.done("copy", "a.jpg", "drive:a.jpg")
    (told,) = thumbnails(album, "a.jpg")
    assert opened(stored(album, told["bucketFile"]))[1] == (75, 300)
    assert album.emulator.state()["orphans"] == []


def test_a_tree_gets_them_for_its_images_alone(album: Account, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.PNG").write_bytes(image(form="PNG"))
    (tree / "b.txt").write_bytes(b"text")
    (tree / "c.gif").write_bytes(b"")
    album.done("copy", tree, "drive:tree")
    assert len(thumbnails(album, "tree/a.PNG")) == 1
    assert thumbnails(album, "tree/b.txt") == thumbnails(album, "tree/c.gif") == []


def test_what_is_no_image_is_stored_with_a_warning(album: Account, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image at all")
    said = album.done("copy", "a.jpg", "drive:a.jpg")
    assert "no thumbnail was made" in said.err
    assert album.cat("a.jpg") == "no image at all"


@pytest.mark.parametrize("status", [404, 503])
def test_a_service_that_takes_none_does_not_fail_the_image_and_no_object_is_left(
    album: Account, status: int
) -> None:
    album.emulator.fault(method="POST", path="/files/thumbnail", status=status, count=1)
    said = album.done("copy", "a.jpg", "drive:a.jpg")
    assert "no thumbnail was made" in said.err
    assert thumbnails(album, "a.jpg") == []
    assert album.emulator.state()["orphans"] == []
    album.done("check", "a.jpg", "drive:a.jpg")


def test_without_pillow_it_is_said_once(
    album: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if after.FIRST.locked():
        after.FIRST.release()
    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "tree").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "tree" / name).write_bytes(b"x")
    said = album.done("copy", tmp_path / "tree", "drive:tree")
    assert said.err.count("no thumbnails are made") == 1
    assert "skycap-internxt[thumbnails]" in said.err


def test_a_stream_that_cannot_start_again_is_left_alone(album: Account) -> None:
    class Once:
        def __init__(self) -> None:
            self._left: Iterator[bytes] = iter([image(), b""])

        def read(self, size: int = -1, /) -> bytes:
            return next(self._left, b"")

    entry = album.storage.write("a.jpg", image())
    after.after_write(album.storage, "a.jpg", entry, Once())
    assert thumbnails(album, "a.jpg") == []


def test_a_file_that_others_changed_meanwhile_is_left_to_them(album: Account) -> None:
    before = album.storage.write("a.jpg", image())
    album.storage.write("a.jpg", image((10, 10)))
    after.after_write(album.storage, "a.jpg", before, image())
    assert thumbnails(album, "a.jpg") == []


def test_a_picture_is_upright_and_keeps_its_transparency() -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # a camera that was held on its side
    turned = picture.small(image((900, 600), exif=exif.tobytes()))
    assert opened(turned) == ("PNG", (200, 300), "RGB")
    assert opened(picture.small(image((30, 20), "PNG"))) == ("PNG", (30, 20), "RGBA")


def test_too_large_an_image_is_refused_before_it_takes_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "_MOST_PIXELS", 100)
    with pytest.raises(Unsupported, match="900 by 600"):
        picture.small(image())


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "TIFF", "WEBP"])
def test_a_damaged_image_is_told_as_such(form: str) -> None:
    whole = image((200, 200), form)
    for end in range(0, len(whole), max(1, len(whole) // 50)):
        try:
            picture.small(whole[:end])
        except Unsupported:
            continue
