"""The rules of the repository: where things lie, what they are called, how large they are."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(path for path in (ROOT / "packages").iterdir() if path.is_dir())
TOP = {
    ".ci", ".git", ".github", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CONTRIBUTING.md",
    "LICENSE", "Makefile", "README.md", "SECURITY.md", "benchmarks", "changelog", "docs", "examples",
    "mkdocs.yml", "packages", "pyproject.toml", "tests", "uv.lock",
}  # fmt: skip
LINES = 500


def toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def ours(*suffixes: str) -> Iterator[Path]:
    """Every file of the project with one of these endings."""
    for top in (".ci", ".github", "benchmarks", "changelog", "docs", "examples", "packages", "tests"):
        for path in (ROOT / top).rglob("*"):
            hidden = {"__pycache__", "results", ".venv", "dist", "node_modules"}.intersection(path.parts)
            if path.suffix in suffixes and path.is_file() and not hidden:
                yield path
    yield from (path for path in ROOT.glob("*.*") if path.suffix in suffixes)


def test_the_top_level_is_fixed() -> None:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    ignored = [line.strip("/") for line in lines]
    found = {path.name for path in ROOT.iterdir()}
    assert {name for name in found - TOP if not any(fnmatch.fnmatch(name, one) for one in ignored)} == set()


def test_no_file_is_larger_than_one_can_read() -> None:
    long = {}
    for path in ours(".py"):
        with open(path, encoding="utf-8") as stream:
            if (count := sum(1 for _ in stream)) > LINES:
                long[str(path.relative_to(ROOT))] = count
    assert long == {}


def test_every_file_has_a_name_of_its_own() -> None:
    unnamed = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py", "manager.py"}
    assert [path for path in ours(".py") if path.name in unnamed] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in ours(".py")
        if path.stat().st_size
        and "tests" not in path.relative_to(ROOT).parts[:1]
        and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []


def test_nothing_speaks_of_the_machine_it_was_written_on() -> None:
    private = re.compile(r"(?<![\w.])/(?:home/(?!me\b)\w+|root|Users|work)/\w|C:\\\\?Users\\", re.ASCII)
    files = (
        path
        for path in ours(".py", ".md", ".toml", ".yml", ".yaml", ".json", ".svg")
        if path != Path(__file__)
    )
    found = {str(path.relative_to(ROOT)): private.search(path.read_text(encoding="utf-8")) for path in files}
    told = {path: match.group() for path, match in found.items() if match}
    assert told == {}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
class TestPackage:
    def test_folder_distribution_and_import_carry_one_name(self, package: Path) -> None:
        settings = toml(package / "pyproject.toml")
        assert settings["project"]["name"] == f"skycap-{package.name}"
        assert settings["tool"]["uv"]["build-backend"]["module-name"] == f"skycap.{package.name}"
        assert (package / "src/skycap" / package.name / "__init__.py").exists()

    def test_it_leaves_the_namespace_open(self, package: Path) -> None:
        assert not (package / "src/skycap/__init__.py").exists()

    def test_it_ships_licence_readme_and_types(self, package: Path) -> None:
        assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
        assert (package / "README.md").exists()
        assert (package / "src/skycap" / package.name / "py.typed").exists()

    def test_it_has_the_version_and_the_python_of_all(self, package: Path) -> None:
        umbrella, own = toml(ROOT / "pyproject.toml")["project"], toml(package / "pyproject.toml")["project"]
        assert own["version"] == umbrella["version"]
        assert own["requires-python"] == umbrella["requires-python"]
        for needed in own["dependencies"]:
            if needed.startswith("skycap-"):
                assert needed == f"skycap-core=={own['version']}", (
                    "a plugin needs the core of its version, only"
                )

    def test_every_gate_sees_it(self, package: Path) -> None:
        name, tool = f"skycap.{package.name}", toml(ROOT / "pyproject.toml")["tool"]
        source = f"packages/{package.name}/src"
        assert name in tool["importlinter"]["root_packages"]
        assert name in tool["mypy"]["packages"]
        assert source in tool["mypy"]["mypy_path"]
        assert source in tool["ruff"]["src"]
        assert name in tool["coverage"]["run"]["source_pkgs"]
        assert f"packages/{package.name}" in tool["uv"]["workspace"]["members"]
        contracts = {one["name"]: one for one in tool["importlinter"]["contracts"]}
        if package.name != "core":
            assert name in contracts["core knows no plugin"]["forbidden_modules"]
            assert name in contracts["plugins do not know each other"]["modules"]

    def test_all_brings_it(self, package: Path) -> None:
        project = toml(ROOT / "pyproject.toml")["project"]
        pinned = f"skycap-{package.name}=={project['version']}"
        extras = project["optional-dependencies"]
        if package.name == "core":
            assert pinned in project["dependencies"]
        else:
            assert pinned in extras["all"]
            assert extras[package.name] == [pinned]


def test_the_version_that_is_printed_is_the_version() -> None:
    from skycap.core.version import VERSION

    assert toml(ROOT / "pyproject.toml")["project"]["version"] == VERSION
