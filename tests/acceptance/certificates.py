"""Certificates of a certificate authority of our own, made by the program openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import unavailable

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256")

LEAF = ("-addext", "basicConstraints=critical,CA:false", "-addext", "keyUsage=critical,digitalSignature")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key, as PEM files."""

    file: Path
    key: Path


class Authority:
    """Signs certificates in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            unavailable("NOT TESTED WITH TLS: no openssl (apt-get install openssl)")
        folder.mkdir()
        self.folder = folder
        self.certificate = Certificate(folder / "ca.crt", folder / "ca.key")
        # From Python 3.13 on, an authority has to say that it may sign.
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl("req", "-x509", *KEY, "-subj", f"/CN={folder.name}", "-days", "2", *usage, *self._out("ca"))

    def issue(self, name: str, address: str | None = None) -> Certificate:
        """Return a certificate with this common name, and for a server its IP address."""
        made = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        extension = [*LEAF, *(("-addext", f"subjectAltName=IP:{address}") if address else ())]
        signed = ("-CA", str(self.certificate.file), "-CAkey", str(self.certificate.key))
        _openssl("req", "-x509", *KEY, "-subj", f"/CN={name}", "-days", "2", *signed, *extension, *self._out(name))
        return made

    def _out(self, name: str) -> tuple[str, ...]:
        return "-keyout", str(self.folder / f"{name}.key"), "-out", str(self.folder / f"{name}.crt")


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
