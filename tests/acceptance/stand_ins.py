"""Images in place of those that docker-compose.yml names, made of Debian folders: same programs, users and folders.

No registry is asked. They are not the images that an operator pulls: those are other builds of the same programs, and
TimescaleDB is Debian's Apache edition.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from local import bookworm, trixie
from local.containers import PROJECT, Containers
from local.server import ServerError

ROOT = Path(__file__).parents[2]
DEBIAN = "hearth-test/debian:13"
WHEELS = "wheels"
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


def make(containers: Containers, images: Iterator[str]) -> None:
    """Make a stand-in for each image; those of Hearth are left to the Dockerfile."""
    containers.take(DEBIAN, trixie.folder())
    # Programs of BusyBox where the images have them.
    recipes = {name: "RUN busybox --install -s /usr/local/bin\n" + recipe for name, recipe in RECIPES.items()}
    context = containers.project / "images"
    shutil.copytree(ROOT / "tests/acceptance/images", context)
    for image in images:
        (context / "Dockerfile").write_text(f"FROM {DEBIAN}\n{recipes[image.rpartition(':')[0]]}")
        done = containers.docker("build", "--quiet", "--tag", image, f"{PROJECT}/images", seconds=300)
        assert done.returncode == 0, done.stderr
    shutil.rmtree(context)


def make_python(containers: Containers, image: str) -> None:
    """Make the image that the Dockerfile begins from, with the wheels of the locks in it: the build asks no index."""
    plain = f"{image}-plain"
    containers.take(plain, bookworm.folder())
    context = containers.project / "python"
    context.mkdir()
    shutil.copytree(wheels(), context / WHEELS)
    (context / "Dockerfile").write_text(f"FROM {plain}\nCOPY {WHEELS} /{WHEELS}\n{NO_INDEX[0]}\n")
    done = containers.docker("build", "--quiet", "--tag", image, f"{PROJECT}/python", seconds=300)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(context)


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
