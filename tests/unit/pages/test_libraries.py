"""Libraries of the map: fetched by name, version and hash, or not there."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NPM = """#!/bin/sh
echo "$@" >>"$0.log"
cp "$0.tgz" "$4/maplibre.tgz"
echo maplibre.tgz
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the script alone, and an npm that packs a small package."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "api/pages").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/fetch-libraries", tmp_path / "deploy")
    (tmp_path / "package/dist").mkdir(parents=True)
    (tmp_path / "package/dist/lib.mjs").write_text("export const a = 1;")
    (tmp_path / "package/LICENSE.txt").write_text("free")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/npm").write_text(NPM)
    (tmp_path / "bin/npm").chmod(0o755)
    with tarfile.open(tmp_path / "bin/npm.tgz", "w:gz") as packed:
        packed.add(tmp_path / "package", "package")
    return tmp_path


def fetch(tree: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    environment = {**os.environ, "PATH": path}
    return subprocess.run(
        ["/bin/sh", tree / "deploy/fetch-libraries"], env=environment, capture_output=True, text=True, check=False
    )


def lock(tree: Path, sha512: str) -> None:
    line = f"lib 1.2.3 {sha512} dist/lib.mjs LICENSE.txt\n"
    (tree / "api/pages/libraries.lock").write_text(f"# a comment\n{line}", encoding="utf-8")


def test_what_has_the_hash_is_kept_with_its_licence_once(tree: Path) -> None:
    lock(tree, hashlib.sha512((tree / "bin/npm.tgz").read_bytes()).hexdigest())
    path = f"{tree / 'bin'}:{os.environ['PATH']}"
    for _ in range(2):
        done = fetch(tree, path)
        assert done.returncode == 0, done.stderr
    kept = {one.name for one in (tree / "api/pages/libraries").iterdir()}
    assert kept == {"lib.mjs", "lib.LICENSE.txt", "lock"}
    (asked,) = (tree / "bin/npm.log").read_text(encoding="utf-8").splitlines()
    assert asked.startswith("pack lib@1.2.3 ")


def test_what_has_another_hash_is_not_kept(tree: Path) -> None:
    lock(tree, hashlib.sha512(b"something else").hexdigest())
    assert fetch(tree, f"{tree / 'bin'}:{os.environ['PATH']}").returncode != 0
    assert not (tree / "api/pages/libraries").exists()


def test_without_npm_it_says_so(tree: Path) -> None:
    lock(tree, "0")
    for tool in ("dirname", "cmp"):
        (tree / "package" / tool).symlink_to(shutil.which(tool) or tool)
    done = fetch(tree, str(tree / "package"))
    assert done.returncode == 1
    assert "drawn without MapLibre" in done.stderr
