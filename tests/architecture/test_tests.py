"""Every test can fail: it asserts something, or says what is to be raised."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
# What fails by itself when something is not as it should be.
CHECKS = {"raises", "warns", "fail", "validate", "run_state_machine_as_test", "wait_for", "command", "to_be_visible"}


def calls(node: ast.AST) -> set[str]:
    """Return the last part of the name of each function that is called."""
    found = {ast.unparse(call.func).rpartition(".")[2] for call in ast.walk(node) if isinstance(call, ast.Call)}
    return found - {"suppress"}


def asserts(node: ast.AST) -> bool:
    """Return whether something is asserted or raised where a failure is not swallowed."""
    if isinstance(node, ast.With) and any("suppress" in ast.unparse(item) for item in node.items):
        return False
    return isinstance(node, ast.Assert | ast.Raise) or any(map(asserts, ast.iter_child_nodes(node)))


def telling(functions: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> set[str]:
    """Return the names of functions that assert something, by themselves or by what they call."""
    told = {one.name for one in functions if asserts(one)} | CHECKS
    told |= {name for one in functions for name in calls(one) if name.startswith("assert_")}
    while more := {one.name for one in functions if one.name not in told and calls(one) & told}:
        told |= more
    return told


def silent(files: list[Path]) -> list[str]:
    """Return the tests that no assertion belongs to."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    functions = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, FUNCTION)]
    told = telling(functions)
    return [
        f"{file.name}::{node.name}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTION) and node.name.startswith("test_") and node.name not in told
    ]


def test_every_test_asserts_something() -> None:
    assert silent(sorted(TESTS.rglob("*.py"))) == []


def test_what_is_swallowed_or_missing_is_found(tmp_path: Path) -> None:
    file = tmp_path / "test_x.py"
    file.write_text(
        "def check(x): assert x\n"
        "def test_one(): check(1)\n"
        "def test_two(): print(1)\n"
        "def test_three():\n    with suppress(ValueError):\n        assert int('x')\n"
    )
    assert silent([file]) == ["test_x.py::test_two", "test_x.py::test_three"]
