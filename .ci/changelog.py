"""The changelog out of its fragments: one file a change in `changelog/`, gathered at a release.

    python .ci/changelog.py                  print what is waiting
    python .ci/changelog.py --release 0.2.0  write it into CHANGELOG.md and remove the fragments

A fragment is a Markdown file. Its first line begins with `Bugfix:`, `Enhancement:` or `Change:` and is a
sentence; after an empty line come the problem in the past tense and the new behaviour in the present, told
to a user.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("Change", "Enhancement", "Bugfix")
MARK = "<!-- releases -->"


class FragmentInvalid(ValueError):
    """A fragment that breaks the form."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One change."""

    kind: str
    title: str
    text: str


def parse(name: str, content: str) -> Fragment:
    """A fragment from the content of the file `name`."""
    first, _, rest = content.strip().partition("\n")
    kind, colon, title = first.partition(":")
    if kind not in KINDS or not colon or not title.strip():
        raise FragmentInvalid(f"{name}: the first line is `{', '.join(KINDS)}`, a colon and a sentence")
    if not rest.strip():
        raise FragmentInvalid(f"{name}: after the first line, say what was wrong and what is so now")
    if rest.split("\n")[0].strip():
        raise FragmentInvalid(f"{name}: the second line is empty")
    return Fragment(kind, title.strip(), rest.strip())


def waiting(folder: Path) -> dict[Path, Fragment]:
    """Every fragment in a folder, in the order of their names."""
    return {
        path: parse(path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.md"))
        if path.name != "README.md"
    }


def render(version: str, date: str, fragments: list[Fragment]) -> str:
    """The section of one release."""
    lines = [f"## {version} ({date})" if date else f"## {version}", ""]
    for kind in KINDS:
        for fragment in (one for one in fragments if one.kind == kind):
            body = fragment.text.replace("\n", "\n  ").replace("\n  \n", "\n\n")
            lines += [f"- **{kind}: {fragment.title}**", "", f"  {body}", ""]
    return "\n".join(lines)


def main() -> int:
    """Print or release; 1 when a fragment is wrong."""
    parser = argparse.ArgumentParser(description="Gather the changelog fragments.")
    parser.add_argument("--release", metavar="VERSION", help="write CHANGELOG.md and remove the fragments")
    version: str | None = parser.parse_args().release
    try:
        fragments = waiting(ROOT / "changelog")
    except FragmentInvalid as error:
        print(error, file=sys.stderr)
        return 1
    if version is None:
        print(render("Unreleased", "", list(fragments.values())))
        return 0
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    target = ROOT / "CHANGELOG.md"
    section = render(version, today, list(fragments.values()))
    text = target.read_text(encoding="utf-8")
    target.write_text(text.replace(MARK, f"{MARK}\n\n{section.rstrip()}", 1), encoding="utf-8")
    for path in fragments:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
