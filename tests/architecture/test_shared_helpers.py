"""Test modules hold tests; what several of them share is elsewhere."""

import ast
from pathlib import Path

from tests import shape

TESTS = Path(__file__).parents[1]


def imported(path: Path) -> set[str]:
    """Return every module, and every name in it, that a file imports."""
    names: set[str] = set()
    for node in shape.said(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_no_test_module_is_imported() -> None:
    found = {
        f"{path.relative_to(TESTS)}: {name}"
        for path in TESTS.rglob("*.py")
        for name in imported(path)
        if name.startswith("tests.") and any(part.startswith("test_") for part in name.split(".")[:-1])
    }
    assert found == set()
