"""The page for those who come from another client: all of theirs is on it, and all of ours on it exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from skycap.core.cli import group
from skycap.core.cli.session import begin

DOCS = Path(__file__).resolve().parents[3] / "docs" / "internxt"
PAGES = sorted(DOCS.glob("*.md"))
OFFICIAL = """
add-cert autocomplete config create-folder delete-permanently-file delete-permanently-folder download-file
list login login-legacy logout logs move-file move-folder rename-file rename-folder trash-clear trash-file
trash-folder trash-list trash-restore-file trash-restore-folder upload-file upload-folder webdav-config
whoami workspaces-list workspaces-use workspaces-unset --refresh-cache --extended --name --id --directory
--overwrite --port --email --password --twofactor --twofactortoken --destination --force --file --folder
--customAuth --no-customAuth --createFullPath --no-createFullPath --deleteFilesPermanently
--no-deleteFilesPermanently --http --https --host --timeout --username --personal --json --non-interactive
--debug
"""
ACTIONS = ("enable", "start", "disable", "stop", "restart", "status")
PYTHON = """
login whoami logout list mkdir mv cp rcat upload download list-path download-path search find resolve tree
trash trash-path trash-list trash-restore trash-clear delete delete-path webdav-start webdav-stop
webdav-status webdav-mount webdav-test webdav-debug webdav-regenerate-ssl webdav-config quota config test
help-extended --tfa --2fa --tfa-secret --folder-id --detailed --all --parent-folder-id --workers
--on-conflict --dry-run --verbose --target --recursive --preserve-timestamps --include --exclude
--chunk-workers --destination --ranged --no-ranged -name -iname --maxdepth --depth --force --type --limit
--background --show-mount --no-preserve-timestamps --server --port --json
"""


def rows(title: str) -> list[tuple[str, str]]:
    """The cells of theirs and of ours below a headline."""
    text = (DOCS / "migrating.md").read_text(encoding="utf-8")
    section = text.split(f"## {title}\n")[1].split("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("|")]
    return [(theirs, f"{ours} {note}") for theirs, ours, note in cells if not theirs.startswith("---")]


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("The official command line", [*OFFICIAL.split(), *(f"webdav {one}" for one in ACTIONS)]),
        ("The unofficial Python command line", PYTHON.split()),
    ],
)
def test_every_command_and_flag_of_theirs_has_an_answer(title: str, known: list[str]) -> None:
    told = {}
    for theirs, ours in rows(title):
        for span in re.findall(r"`([^`]+)`", theirs):
            words = span.split()
            names = [span, words[-1]] if words[0] == "webdav" else [words[0], words[-1]]
            told.update(dict.fromkeys(names, ours))
    assert [name for name in known if name not in told] == []
    assert all(ours.strip(" —") for ours in told.values()), "a row without an answer"


def ours() -> list[tuple[str, str]]:
    """Every `skycap …` in code spans of the pages about Internxt."""
    found = set()
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for span in re.findall(r"`([^`]+)`", text):
            for command in re.findall(r"(?:^|\\\| )(skycap .+)", " ".join(span.split())):
                if not command.endswith("…"):
                    found.add((page.name, command))
    return sorted(found)


@pytest.mark.parametrize(("page", "line"), ours())
def test_every_command_and_flag_of_ours_exists(page: str, line: str) -> None:
    begin()
    words = shlex.split(line)[1:]
    common = {name for parameter in group.common() for name in parameter.opts} | {"--help", "--version"}
    if words[0].startswith("-"):
        assert set(words) <= common
        return
    assert words[0] in group.offers(), f"{page}: {line}"
    command: Any = group.load(group.offers()[words[0]])
    while below := getattr(command, "commands", None):
        words = words[1:]
        if not words:
            return  # a group, as a whole
        assert words[0] in below, f"{page}: {line}"
        command = below[words[0]]
    known = common | {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    flags = {word.split("=")[0] for word in words[1:] if re.match(r"--?[A-Za-z]", word)}
    assert flags <= known, f"{page}: {line}"


def test_every_variable_of_ours_is_one_of_a_flag_or_an_option() -> None:
    from skycap.internxt.options import InternxtOptions

    begin()
    known = {f"SKYCAP_REMOTE_INTERNXT_{one.name.upper()}" for one in InternxtOptions.describe()}
    serve = group.load(group.offers()["webdav"]).commands["serve"]
    known |= {str(one.envvar) for one in serve.params}
    text = (DOCS / "migrating.md").read_text(encoding="utf-8")
    assert set(re.findall(r"SKYCAP_[A-Z_]+", text)) <= known


@pytest.mark.parametrize("page", [*PAGES, DOCS.parents[1] / "packages" / "internxt" / "README.md"], ids=str)
def test_every_page_says_that_it_is_unofficial(page: Path) -> None:
    text = " ".join(page.read_text(encoding="utf-8").split()).lower()
    assert "unofficial" in text
    assert "not affiliated with internxt" in text


def test_the_help_says_so_too() -> None:
    begin()
    command = group.load(group.offers()["internxt"])
    assert "Unofficial, not affiliated with Internxt" in " ".join(command.help.split())
