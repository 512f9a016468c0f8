"""Verification of the files in a dossier: each is the one whose hash its event tells, and none is beside them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from papers.dossier.bundle import LIST
from papers.dossier.untrusted_zip import FILES, Archive

ATTACHED = "attached"
TOLD = ("kind", "for_user", "media_type", "size", "sha256", "original_sha256")  # by the event and by the list


class FilesCheck:
    """Checks the files of tickets; `fault` is called for each fault.

    Args:
        hashes: SHA-256 by name, from a manifest that holds.
    """

    def __init__(self, archive: Archive, hashes: Mapping[str, tuple[int, str]], fault: Callable[[str], None]) -> None:
        self._archive, self._hashes, self._fault = archive, hashes, fault
        self._inside = {info.filename for info in archive.infos if info.filename.startswith(FILES)}

    def look(self) -> int:
        """Check all of it; return the number of files inside."""
        there = any(info.filename == LIST for info in self._archive.infos)
        entries = self._archive.json(LIST) if there else []
        listed = {(str(entry["ticket"]), int(entry["file"])): entry for entry in entries}
        named = {str(entry["name"]) for entry in entries if entry["name"] is not None}
        for name in sorted(self._inside - named):
            self._fault(f"{name}: is not in {LIST}")
        for entry in entries:
            self._entry(entry)
        told = self._events(listed)
        for ticket, file in sorted(listed.keys() - told):
            self._fault(f"{LIST}: no event of {ticket} tells of file {file}")
        return len(self._inside)

    def _entry(self, entry: Mapping[str, Any]) -> None:
        name = entry["name"]
        if name is None:
            return
        if name not in self._inside:
            self._fault(f"{name}: is in {LIST} but missing")
        elif self._hashes[name] != (entry["size"], entry["sha256"]):
            self._fault(f"{name}: is not the file that {LIST} tells of")

    def _events(self, listed: Mapping[tuple[str, int], Mapping[str, Any]]) -> set[tuple[str, int]]:
        """Check what events tell; return the files that they tell of."""
        told = set[tuple[str, int]]()
        for line in self._archive.lines("events.jsonl"):
            event = json.loads(line)
            if event.get("kind") == ATTACHED:
                data = event["data"]
                key = (str(event["ticket"]), int(data["file"]))
                told.add(key)
                entry = listed.get(key)
                if entry is None or any(entry[name] != data[name] for name in TOLD):
                    self._fault(
                        f"events.jsonl: {event['ticket']} event {event['seq']}: its file is not in {LIST} as told"
                    )
        return told
