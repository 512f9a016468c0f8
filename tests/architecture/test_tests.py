"""Every test can fail: it asserts something, or says what is to be raised."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests import shape

TESTS = Path(__file__).parents[1]
# What fails by itself when something is not as it should be.
CHECKS = {"raises", "warns", "fail", "validate", "run_state_machine_as_test", "to_be_visible"}
# Helpers that only bring something about: that nothing went wrong on the way is not what a test is about.
MEANS = {"command", "get", "kill", "let", "move", "opened", "run", "start", "stop", "token", "wait_for"}


class Function(NamedTuple):
    """A function of the tests: whether it asserts something itself, and what it calls."""

    name: str
    asserts: bool
    by_name: set[str]
    by_attribute: set[str]


class Module(NamedTuple):
    """A module of the tests: its functions and methods, and what it imports by name: (module, name), as called here."""

    functions: list[Function]
    imports: dict[str, tuple[str, str]]


def asserts(node: ast.AST) -> bool:
    """Return whether something is asserted or raised where a failure is not swallowed."""
    if isinstance(node, ast.With) and any("suppress" in ast.unparse(item) for item in node.items):
        return False
    return isinstance(node, ast.Assert | ast.Raise) or any(map(asserts, ast.iter_child_nodes(node)))


def function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    """Read a function."""
    called = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return Function(
        node.name,
        asserts(node),
        {one.id for one in called if isinstance(one, ast.Name)},
        {one.attr for one in called if isinstance(one, ast.Attribute)},
    )


def module(nodes: Sequence[ast.AST]) -> Module:
    """Read a module."""
    return Module(
        [function(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)],
        {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        },
    )


def telling(modules: Mapping[str, Module]) -> set[tuple[str, str]]:
    """Find all functions that assert something, by themselves or by what they call: (module, name)."""
    told: set[tuple[str, str]] = set()
    methods = set(CHECKS)

    def tells(one: Function, name: str, imports: Mapping[str, tuple[str, str]]) -> bool:
        plain = {*one.by_name, *one.by_attribute}
        return (
            one.asserts
            or any(call in CHECKS or call.startswith(("assert_", "expect_")) for call in plain)
            or any((name, call) in told or imports.get(call) in told for call in one.by_name)
            or not one.by_attribute.isdisjoint(methods)
        )

    before = -1
    while before != (before := len(told)):
        for name, read in modules.items():
            found = {one.name for one in read.functions if one.name not in MEANS and tells(one, name, read.imports)}
            told |= {(name, each) for each in found}
            methods |= found
    return told


def silent(root: Path) -> list[str]:
    """Return the tests below a folder that no assertion belongs to."""
    files = {str(file.relative_to(root).with_suffix("")).replace("/", "."): file for file in sorted(root.rglob("*.py"))}
    modules = {name: module(shape.said(file)) for name, file in files.items()}
    told = telling({f"tests.{name}": read for name, read in modules.items()})
    return [
        f"{name}.{one.name}"
        for name, read in modules.items()
        for one in read.functions
        if one.name.startswith("test_") and (f"tests.{name}", one.name) not in told
    ]


def test_every_test_asserts_something() -> None:
    assert silent(TESTS) == []


def test_no_page_is_waited_for_in_a_way_that_its_policy_forbids() -> None:
    """Playwright's own way evaluates a text in the page, now and then before it may: `tests.pages.waiting` does not."""
    forbidden = "page.wait_for_" + "function("
    assert [str(one) for one in TESTS.rglob("*.py") if forbidden in one.read_text(encoding="utf-8")] == []


def test_what_is_swallowed_or_missing_is_found(tmp_path: Path) -> None:
    file = tmp_path / "test_x.py"
    file.write_text(
        "def check(x): assert x\n"
        "def test_one(): check(1)\n"
        "def test_two(): print(1)\n"
        "def test_three():\n    with suppress(ValueError):\n        assert int('x')\n"
        "def test_four(world): world.start('api').wait_for('it is there')\n"
        "def test_five(world): world.expect_nothing()\n"
        "class Process:\n    def wait_for(self, words): assert words\n"
    )
    assert silent(tmp_path) == ["test_x.test_two", "test_x.test_three", "test_x.test_four"]
