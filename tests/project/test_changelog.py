"""The changelog is made of fragments, and each of them has its form."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def changelog() -> ModuleType:
    spec = importlib.util.spec_from_file_location("changelog", ROOT / ".ci" / "changelog.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["changelog"] = module
    spec.loader.exec_module(module)
    return module


def test_every_waiting_fragment_has_its_form(changelog: ModuleType) -> None:
    assert changelog.waiting(ROOT / "changelog")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "first line"),
        ("Copies are faster\n\nThey were slow. They are fast.", "first line"),
        ("Feature: Copies are faster\n\nThey were slow. They are fast.", "first line"),
        ("Bugfix:\n\nIt broke. It works.", "first line"),
        ("Bugfix: It works", "what was wrong"),
        ("Bugfix: It works\nIt broke.", "second line"),
    ],
)
def test_a_fragment_without_the_form_is_refused(changelog: ModuleType, content: str, complaint: str) -> None:
    with pytest.raises(changelog.FragmentInvalid, match=complaint):
        changelog.parse("a.md", content)


def test_a_release_is_ordered_by_kind_and_keeps_paragraphs(changelog: ModuleType) -> None:
    fragments = [
        changelog.parse("a.md", "Bugfix: A\n\nIt was so.\n\nIt is so."),
        changelog.parse("b.md", "Change: B\n\nOne\nparagraph."),
    ]
    assert changelog.render("1.2.3", "2030-01-02", fragments).splitlines() == [
        "## 1.2.3 (2030-01-02)",
        "",
        "- **Change: B**",
        "",
        "  One",
        "  paragraph.",
        "",
        "- **Bugfix: A**",
        "",
        "  It was so.",
        "",
        "  It is so.",
    ]


def test_a_release_writes_the_changelog_and_takes_the_fragments(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "changelog").mkdir()
    (tmp_path / ".ci/changelog.py").write_bytes((ROOT / ".ci/changelog.py").read_bytes())
    (tmp_path / "CHANGELOG.md").write_bytes((ROOT / "CHANGELOG.md").read_bytes())
    (tmp_path / "changelog/README.md").write_text("# How\n")
    (tmp_path / "changelog/a.md").write_text("Change: A\n\nIt was. It is.\n")
    for version in ("0.2.0", "0.3.0"):
        command = [sys.executable, str(tmp_path / ".ci/changelog.py"), "--release", version]
        subprocess.run(command, check=True)
    text = (tmp_path / "CHANGELOG.md").read_text()
    assert (
        text.index("<!-- releases -->") < text.index("## 0.3.0") < text.index("## 0.2.0") < text.index("A**")
    )
    assert [path.name for path in (tmp_path / "changelog").iterdir()] == ["README.md"]
