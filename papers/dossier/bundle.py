"""A dossier as a reproducible ZIP: its bytes depend on its content only, and `manifest.json` lists each file's digest.

The root is the SHA-256 of the manifest without its root, formatted as by `jq -cS 'del(.root)'`: one digest for
everything.
"""

import base64
import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from store.evidence.signing import SigningKey

FORMAT = "hearth-evidence/1"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
LIST = "files.json"  # of tickets; each is under `files/`
REFUNDS = "refunds.json"
NAME = re.compile(r"files/T\d{8,18}-\d{1,18}\.(?:jpg|png|webp|pdf)", re.ASCII)
SIGNATURE = "signature.json"  # of the root; the only file not in the manifest
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a ZIP can hold
MODE = 0o100644 << 16
UNIX = 3


class DossierWriter:
    """Writes a dossier file by file. A context manager; without `finish` the result is not a dossier."""

    def __init__(self, out: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self._files: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def add(self, name: str, blocks: Iterable[bytes], *, packed: bool = True) -> None:
        """Write a file from blocks of bytes; what is packed already, such as a photo, is not packed once more."""
        size, digest = 0, hashlib.sha256()
        with self._archive.open(_entry(name, packed), "w", force_zip64=True) as file:
            for block in blocks:
                file.write(block)
                digest.update(block)
                size += len(block)
        self._files[name] = {"name": name, "sha256": digest.hexdigest(), "size": size}

    def finish(self, head: Mapping[str, Any], key: "SigningKey | None" = None) -> str:
        """Write the manifest with `head`, signed if there is a key; return the root."""
        self.add(SUMS, [sums(self._files.values())])
        told = {"format": FORMAT, **head, "files": sorted(self._files.values(), key=lambda file: str(file["name"]))}
        digest = root(told)
        self.add(MANIFEST, [(json.dumps({**told, "root": digest}, indent=1, ensure_ascii=False) + "\n").encode()])
        if key is not None:
            self.add(SIGNATURE, [_signature(digest, key)])
        return digest


def _signature(digest: str, key: "SigningKey") -> bytes:
    from store.evidence.signing import of_dossier  # slow to import

    told = {
        "key": key.key_id,
        "public_key": base64.b64encode(key.public).decode(),
        "signature": base64.b64encode(key.sign(of_dossier(digest))).decode(),
    }
    return (json.dumps(told, indent=1) + "\n").encode()


def sums(files: Iterable[Mapping[str, Any]]) -> bytes:
    """Render the list of digests that `sha256sum --check` reads."""
    lines = sorted((str(file["name"]), str(file["sha256"])) for file in files)
    return "".join(f"{digest}  {name}\n" for name, digest in lines).encode()


def root(told: Mapping[str, Any]) -> str:
    """Compute the root of a manifest, ignoring the one it states."""
    plain = {name: value for name, value in told.items() if name != "root"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    return hashlib.sha256(text.encode()).hexdigest()


def _entry(name: str, packed: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.external_attr, info.create_system = MODE, UNIX
    return info
