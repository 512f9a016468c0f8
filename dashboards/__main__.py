"""Regenerate the committed JSON for the built-in policy: `python -m dashboards`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dashboards.collection import dashboards, text
from dashboards.look import LANGUAGES, Look
from domain.policy_file import builtin

COMMITTED = Path(__file__).with_name("json")
AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
HEARTH_URL = "http://127.0.0.1:8080"


def files() -> Iterator[tuple[str, str]]:
    """Yield each file as its name under dashboards/json and its content."""
    policy = builtin("seed")
    for language in LANGUAGES:
        look = Look(language, policy, AT, HEARTH_URL)
        boards = {**dashboards(replace(look, prometheus=True)), **dashboards(look)}
        for uid, board in boards.items():
            yield f"{language}/{uid}.json", text(board)


def main() -> None:
    """Write all files and delete stale ones."""
    wanted = dict(files())
    for file in COMMITTED.rglob("*.json"):
        if str(file.relative_to(COMMITTED)) not in wanted:
            file.unlink()
    for name, content in wanted.items():
        (COMMITTED / name).parent.mkdir(parents=True, exist_ok=True)
        (COMMITTED / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
