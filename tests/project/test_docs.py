"""The docs say what the program does: generated pages are fresh, commands exist, the site fetches nothing."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = ("commands.md", "exit-codes.md", "hooks.md", "run-report.schema.json", "storage-types.md")


def generated() -> dict[str, str]:
    """The pages as the code has them now, made in a fresh interpreter: the command line keeps a session."""
    code = (
        f"import sys; sys.path.insert(0, {str(DOCS)!r}); import generate; print(repr(generate.all_pages()))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages: dict[str, str] = ast.literal_eval(done.stdout)
    return pages


@pytest.fixture(scope="module")
def fresh() -> dict[str, str]:
    return generated()


def test_every_generated_page_is_known(fresh: dict[str, str]) -> None:
    assert sorted(fresh) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says(fresh: dict[str, str], name: str) -> None:
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == fresh[name], "stale: run `make reference`"


def test_the_readme_lists_every_command() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(DOCS)!r}); import generate; "
        "text = generate.README.read_text(encoding='utf-8'); sys.exit(generate.readme(text) != text)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"stale: run `make reference`\n{done.stderr}"


def written_commands() -> Iterator[tuple[str, str]]:
    """Every `skycap …` in a shell block of the docs: the page, and the line."""
    for page in sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "packages").glob("*/README.md")]):
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.search(r"(?:^|&& |\| |uv run )(skycap .*)", line.strip())
                if found:
                    yield str(page.relative_to(ROOT)), found.group(1)


@pytest.fixture(scope="module")
def commands() -> Any:
    from skycap.core.cli import group
    from skycap.core.cli.session import begin

    begin()
    return group


@pytest.mark.parametrize(("page", "line"), sorted(set(written_commands())))
def test_a_command_in_the_docs_exists(commands: Any, page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    for end in ("|", ">", "&&"):
        words = words[: words.index(end)] if end in words else words
    common = {name for parameter in commands.common() for name in parameter.opts}
    if words[0].startswith("-"):
        assert set(words) <= common | {"--version", "--help", "-h", "-V"}
        return
    assert words[0] in commands.offers(), f"{page}: there is no such command"
    command = commands.load(commands.offers()[words[0]])
    while below := getattr(command, "commands", None):
        words = words[1:]
        if not words or words[0].startswith("-"):
            break
        assert words[0] in below, f"{page}: {line}"
        command = below[words[0]]
    known = common | {"--help", "-h"}
    for parameter in command.params:
        known |= {*parameter.opts, *parameter.secondary_opts}
    flags = {word.split("=")[0] for word in words[1:] if re.match(r"--?[A-Za-z]", word)}
    assert flags <= known, f"{page}: {line}"


def test_the_exit_codes_that_pages_name_exist() -> None:
    from skycap.core import errors

    known = {0} | {
        kind.exit_status
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.Error)
    }
    for page in DOCS.rglob("*.md"):
        for status in re.findall(r"(?:exit codes? |ends with )(\d+)", page.read_text(encoding="utf-8")):
            assert int(status) in known, f"{page.name} names exit code {status}"


def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    fetched = re.compile(
        r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(?:https?:)?//|<link[^>]*href=["']?(?:https?:)?//"""
    )
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        assert not fetched.search(page.read_text(encoding="utf-8")), page.relative_to(tmp_path)
