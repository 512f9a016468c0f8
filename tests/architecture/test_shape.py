"""The house keeps its shape: no circles, one meaning for each name, short ways that are as docs/flow.md tells them."""

import ast
from collections.abc import Iterator

import pytest

from tests import shape
from tests.shape import Step, imports, nodes, tree, ways

KNOWN = shape.modules()
FILES = list(KNOWN.values())
MOST_FILES = {"The way of a reading": 12, "The way of a phone call": 10, "The way of an outage": 10}
STEPS = [
    pytest.param(steps, step, id=f"{name}, step {step.number}") for name, steps in ways().items() for step in steps
]


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Forget what was parsed: a million objects that live on make each sweep of the interpreter longer."""
    yield
    tree.cache_clear()
    nodes.cache_clear()


def names(file: str) -> set[str]:
    """Return all names that a file mentions."""
    said = nodes(file)
    return {n.id for n in said if isinstance(n, ast.Name)} | {n.attr for n in said if isinstance(n, ast.Attribute)}


def defined(file: str) -> set[str]:
    """Return the functions and classes that a file defines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in nodes(file) if isinstance(node, kinds)}


def joined(step: Step, caller: Step) -> bool:
    """Return whether the caller imports the step's file, or a command of the product joins the two."""
    module = {file: name for name, file in KNOWN.items()}
    wiring = [file for name, file in KNOWN.items() if name.startswith("hearth.commands")]
    wanted = {module[step.file], module[caller.file]}
    return module[step.file] in imports(caller.file, KNOWN) or any(
        module[step.file] in imports(file, KNOWN) and reaches(file, module[caller.file]) for file in wiring if wanted
    )


def reaches(file: str, module: str) -> bool:
    """Return whether a file imports a module, itself or by what it imports."""
    return module in imports(file, KNOWN) or any(
        module in imports(KNOWN[name], KNOWN) for name in imports(file, KNOWN) if name.startswith("ingest")
    )


def test_nothing_imports_itself_in_a_circle() -> None:
    assert shape.circles(KNOWN) == []


def test_a_public_class_has_a_name_of_its_own() -> None:
    assert shape.defined_twice(FILES) == {}


def test_nothing_is_imported_under_another_name() -> None:
    assert shape.aliases(FILES) == []


def test_every_name_is_used() -> None:
    assert shape.unused() == []


def test_what_travels_together_is_one_parameter() -> None:
    assert len(shape.over_6_parameters(FILES)) <= 5


def test_modules_and_functions_are_short() -> None:
    assert shape.module_lines(FILES)["max"] <= 400
    lines = shape.function_lines(FILES)
    assert lines["max"] <= 60
    assert lines["p90"] <= 20


def test_the_ways_are_short() -> None:
    found = shape.files_on_ways()
    assert {name: files for name, files in found.items() if files > MOST_FILES[name]} == {}
    assert found.keys() == MOST_FILES.keys()
    for steps in ways().values():
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize(("steps", "step"), STEPS)
def test_a_step_is_where_flow_md_says(steps: list[Step], step: Step) -> None:
    assert step.function in defined(step.file)
    for number in step.callers:
        caller = steps[number - 1]
        assert step.function in names(caller.file), f"{caller.file} does not call {step.function}"
        assert joined(step, caller), f"nothing joins {caller.file} and {step.file}"
