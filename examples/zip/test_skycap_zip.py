"""The tests of a storage: a fixture and, since this one cannot be written to, how files get in."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from skycap.core.storage import Storage
from skycap.core.testing import StorageConformance
from skycap_zip import Zip


class TestZip(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Zip:
        zipfile.ZipFile(tmp_path / "a.zip", "w").close()
        return Zip(str(tmp_path / "a.zip"))

    def put(self, storage: Storage, path: str, content: bytes = b"") -> str:
        assert isinstance(storage, Zip)
        with zipfile.ZipFile(storage.file) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(storage.file, "w") as archive:
            for name, data in (files | {path: content}).items():
                archive.writestr(name, data)
        storage.close()
        vars(storage).update(vars(Zip(storage.file)))
        return path
