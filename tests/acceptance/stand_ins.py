"""Images in place of those that docker-compose.yml names, made of Debian folders: same programs, users and folders.

No registry is asked. They are not the images that an operator pulls: those are other builds of the same programs, and
TimescaleDB is Debian's Apache edition.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local import bookworm, containers, trixie
from local.containers import PROJECT, Containers
from local.server import ServerError

ROOT = Path(__file__).parents[2]
DEBIAN = "hearth-test/debian:13"
WHEELS = "wheels"
KEPT = "images-"  # a folder beside the Debian ones
PACKAGES = "hearth-test/packages"
# What the image is built with and made of.
IMAGE = ("requirements-build.txt", "requirements-runtime.txt")
# Image of the compose file, without its version → what stands in for it.
RECIPES = {
    "timescale/timescaledb": """
RUN groupmod --gid 70 postgres && usermod --uid 70 postgres \
  && install -d -o 70 -g 70 -m 0700 /var/lib/postgresql/data
ENV LANG=C.UTF-8 PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY database-entrypoint /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["docker-entrypoint.sh"]
""",
    "eclipse-mosquitto": """
RUN groupmod --gid 1883 mosquitto && usermod --uid 1883 mosquitto \
  && install -d -o 1883 -g 1883 /mosquitto/config /mosquitto/data
""",
    "haproxy": """
CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
""",
    "prom/prometheus": """
RUN install -d -o 65534 -g 65534 /prometheus
ENTRYPOINT ["prometheus"]
""",
    "prom/node-exporter": """
ENTRYPOINT ["prometheus-node-exporter"]
""",
}
# By Docker's own name for it: what the Dockerfile begins from.
NO_INDEX = ("ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels UV_NO_INDEX=1 UV_FIND_LINKS=/wheels UV_OFFLINE=1",)


def images(needed: Sequence[str]) -> Path:
    """Return a daemon's data with stand-ins for these images and what the Dockerfile begins from; raise ServerError.

    It is made once for each state of what it is made of, and takes the place of the one before. The packages of the
    Dockerfile are installed in it, by its own lines: a build goes on from there, as on a machine that has built before.
    """
    place = trixie.folder().with_name(f"{KEPT}{known(needed)}")
    if not place.exists():
        with trixie.locked(trixie.folder().with_name("images")):
            if not place.exists():
                for old in place.parent.glob(f"{KEPT}*"):
                    shutil.rmtree(old)
                fill(place, needed)
    return place


def known(needed: Sequence[str]) -> str:
    """Return a word for the state of all that the images are made of."""
    here = Path(__file__)
    files = [here, Path(containers.__file__), *sorted((here.parent / "images").iterdir())]
    files += [ROOT / lock for lock in IMAGE]
    files += [folder / "var/lib/dpkg/status" for folder in (trixie.folder(), bookworm.folder())]
    said = [*needed, packages(), *(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


def fill(place: Path, needed: Sequence[str]) -> None:
    """Make all images beside their place, then rename the folder."""
    with tempfile.TemporaryDirectory(prefix=f"{KEPT}unfinished-", dir=place.parent) as name:
        daemon = Containers(Path(name) / "docker")
        daemon.start()
        try:
            make(daemon, needed)
            make_python(daemon, begins())
            build(daemon, PACKAGES, packages(), *(ROOT / lock for lock in IMAGE))
        except BaseException:
            daemon.stop()
            raise
        daemon.end()
        daemon.data.rename(place)


def make(daemon: Containers, needed: Sequence[str]) -> None:
    """Make a stand-in for each image; those of Hearth are left to the Dockerfile."""
    daemon.take(DEBIAN, trixie.folder())
    # Programs of BusyBox where the images have them.
    recipes = {name: "RUN busybox --install -s /usr/local/bin\n" + recipe for name, recipe in RECIPES.items()}
    for image in needed:
        recipe = f"FROM {DEBIAN}\n{recipes[image.rpartition(':')[0]]}"
        build(daemon, image, recipe, *(ROOT / "tests/acceptance/images").iterdir())


def make_python(daemon: Containers, image: str) -> None:
    """Make the image that the Dockerfile begins from, with the wheels of the locks in it: the build asks no index."""
    plain = f"{image}-plain"
    daemon.take(plain, bookworm.folder())
    build(daemon, image, f"FROM {plain}\nCOPY {WHEELS} /{WHEELS}\n{NO_INDEX[0]}\n", wheels())


def build(daemon: Containers, image: str, recipe: str, *parts: Path) -> None:
    """Build an image by the lines of a Dockerfile, with these files and folders beside it, by Compose."""
    context = daemon.project / "context"
    context.mkdir()
    for part in parts:
        if part.is_dir():
            shutil.copytree(part, context / WHEELS)
        else:
            shutil.copy(part, context)
    (context / "Dockerfile").write_text(recipe)
    (context / "compose.yaml").write_text(json.dumps({"services": {"one": {"image": image, "build": "."}}}))
    done = daemon.docker("compose", "--project-directory", f"{PROJECT}/context", "build", "--quiet", seconds=600)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(context)


def dockerfile() -> str:
    """Return Hearth's Dockerfile."""
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def begins() -> str:
    """Return the image that the Dockerfile begins from."""
    (image,) = {line.split()[1] for line in dockerfile().splitlines() if line.startswith("FROM ")}
    return image


def packages() -> str:
    """Return the first lines of the Dockerfile, which install what is locked and know no file of Hearth's own."""
    before, found, _ = dockerfile().partition("COPY pyproject.toml ")
    assert found
    return before


def wheels(python: str = "3.11", locks: Sequence[str] = IMAGE) -> Path:
    """Return a folder with the packages of these locks, fetched once by their hashes; raise ServerError."""
    files = [ROOT / lock for lock in locks]
    known = hashlib.sha256(b"".join([python.encode(), *(file.read_bytes() for file in files)])).hexdigest()[:16]
    place = trixie.folder().with_name(f"wheels-{known}")
    if not place.exists():
        with trixie.locked(place):
            if not place.exists():
                fetch(place, python, files)
    return place


def fetch(place: Path, python: str, locks: list[Path]) -> None:
    """Fetch all wheels beside their place, then rename it."""
    unfinished = place.with_name(f"{place.name}.unfinished")
    for lock in locks:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"]
        options = ["--only-binary", ":all:", "--python-version", python, "--dest", str(unfinished)]
        done = subprocess.run([*command, *options, "--requirement", str(lock)], capture_output=True, text=True)
        if done.returncode != 0:
            raise ServerError(f"the packages cannot be fetched:\n{done.stderr}")
    unfinished.rename(place)
