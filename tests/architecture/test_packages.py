"""Import directions, and what is in the package that is built."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import shape

ROOT = Path(__file__).parents[2]


def test_imports_point_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_package_that_is_imported_is_locked() -> None:
    """Look at each import of the product: what it needs is in the image, or comes by an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-runtime.txt").read_text(), re.MULTILINE)
    extras = project["project"]["optional-dependencies"]
    demo = [re.split("[<>=]", line)[0] for line in (*extras["demo"], *extras["kafka"])]
    brought = {name: {d.lower().replace("_", "-") for d in found} for name, found in packages_distributions().items()}
    ours = sys.stdlib_module_names | set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    imported = {name for file in shape.modules().values() for name in roots(shape.tree(file))} - ours
    assert {"numpy", "psycopg", "paho"} <= imported
    spark = {re.split("[<>=]", line)[0] for line in extras["spark"]}  # in a folder of its own: local/spark.py
    assert {name for name in imported - spark if not brought.get(name, set()) & {*runtime, *demo}} == set()


def roots(tree: ast.Module) -> set[str]:
    """Return the packages that a module imports, anywhere in it."""
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    taken = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]
    return {name.partition(".")[0] for name in (*plain, *taken)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_every_package(wheel: set[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    kinds = (".py", ".sql", ".toml", ".gz", ".md", ".json", ".html", ".typ", ".css", ".js", ".svg")
    files = {
        str(path.relative_to(ROOT))
        for package in packages
        for path in (ROOT / package).rglob("*")
        if path.suffix in kinds and "__pycache__" not in path.parts
    }
    assert {f.rpartition(".")[2] for f in files} >= {"py", "sql", "toml", "gz", "md"}
    assert files - wheel == set()


def test_every_folder_with_code_is_a_package_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - packages == {"tests", "bench"}
    assert set(project["tool"]["importlinter"]["root_packages"]) == packages


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    assert {name for name in wheel if name.startswith(("tests/", "bench/", "docs/"))} == set()
