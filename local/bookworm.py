"""A Debian 12 ("bookworm") folder with Python 3.11: what stands in for the image that the Dockerfile begins from."""

from collections.abc import Callable
from pathlib import Path

from local import trixie

PACKAGES = "python3,python3-venv"


def folder() -> Path:
    """Return where the folder is or will be: beside the one of Debian 13."""
    return trixie.folder().with_name("bookworm")


def ensure(progress: Callable[[str], object] = print) -> Path:
    """Return the folder, built first if it is missing (half a minute, 0.3 GB); raise ServerError."""
    root = folder()
    if not root.exists():
        with trixie.locked(root):
            if not root.exists():
                progress(f"building {root} with Python, once")
                trixie.debootstrap(root, "bookworm", PACKAGES, progress)
    return root
