"""The broker's configuration that is shipped, with paths and ports of this machine."""

from collections.abc import Mapping
from pathlib import Path

from local.port import LOOPBACK

SHIPPED = Path(__file__).parents[1] / "deploy/mosquitto/mosquitto.conf"
DEVICES, CERTIFICATES, INSIDE = 8883, 8884, 8885  # what comes in at which port of the shipped configuration


def configuration(place: str, ports: Mapping[int, int]) -> str:
    """Return the shipped text; `place` is the folder with accounts, certificates and data, `ports` replace the shipped.

    Raises:
        ValueError: the text does not have what is to be replaced.
    """
    text = SHIPPED.read_text(encoding="utf-8")
    here = {
        **{f"listener {shipped}\n": f"listener {ours} {LOOPBACK}\n" for shipped, ours in ports.items()},
        "/mosquitto/config/": f"{place}/",
        "/mosquitto/certs/": f"{place}/",
        "/mosquitto/data/": f"{place}/",
        "log_dest stdout": "log_dest stderr",
    }
    for shipped, ours in here.items():
        if shipped not in text:
            raise ValueError(f"{SHIPPED}: has no {shipped!r}")
        text = text.replace(shipped, ours)
    return text
