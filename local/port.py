"""The TCP port of a server: chosen once, then remembered in the server's folder."""

import random
import socket
from pathlib import Path

# Below the range from which the kernel takes ports for outgoing connections (32768 and up), so that none of
# those sits on a server's port while the server is being restarted.
CHOICE = range(15_000, 32_000)
LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Say whether a server could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Choose a free port of the loopback address, which nobody else is given while this process lives.

    Raises OSError when there is none.
    """
    for port in random.sample(CHOICE, len(CHOICE)):
        if is_free(port) and claimed(port):
            return port
    raise OSError(f"no free port from {CHOICE.start} to {CHOICE.stop - 1}")


def claimed(port: int) -> bool:
    """Claim a port for this process; say whether nobody had.

    A server listens on its port only some time after it was chosen, and other processes choose meanwhile. The claim
    is a name among the kernel's abstract sockets: it ends with its process, however that ends.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0hearth-port-{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # open until the process ends
    return True


def remembered_port(folder: Path, port: int | None) -> int:
    """Return the port asked for, else the one the folder remembers, else a free one; remember it."""
    note = folder / "port"
    if port is None and note.exists():
        return int(note.read_text())
    chosen = port or free_port()
    note.write_text(f"{chosen}\n")
    return chosen
