"""The house keeps its shape: no circles, one meaning for each name, short ways that are as docs/flow.md tells them."""

import ast

import pytest

from tests.shape import Step, imports, modules, shape, tree, ways

SHAPE = shape()
KNOWN = modules()
MOST_FILES = {"The way of a reading": 12, "The way of a phone call": 10, "The way of an outage": 10}
STEPS = [
    pytest.param(steps, step, id=f"{name}, step {step.number}") for name, steps in ways().items() for step in steps
]


def names(file: str) -> set[str]:
    """Return all names that a file mentions."""
    nodes = list(ast.walk(tree(file)))
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


def defined(file: str) -> set[str]:
    """Return the functions and classes that a file defines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree(file)) if isinstance(node, kinds)}


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
    assert SHAPE["circles"] == []


def test_a_public_class_has_a_name_of_its_own() -> None:
    assert SHAPE["names_defined_twice"] == {}


def test_nothing_is_imported_under_another_name() -> None:
    assert SHAPE["aliases"] == []


def test_every_name_is_used() -> None:
    assert SHAPE["unused"] == []


def test_what_travels_together_is_one_parameter() -> None:
    assert len(SHAPE["over_6_parameters"]) <= 5, SHAPE["over_6_parameters"]


def test_modules_and_functions_are_short() -> None:
    assert SHAPE["module_lines"]["max"] <= 400
    assert SHAPE["function_lines"]["max"] <= 60
    assert SHAPE["function_lines"]["p90"] <= 20


def test_the_ways_are_short() -> None:
    assert {name: most for name, most in SHAPE["ways"].items() if most > MOST_FILES[name]} == {}
    assert SHAPE["ways"].keys() == MOST_FILES.keys()
    for steps in ways().values():
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize(("steps", "step"), STEPS)
def test_a_step_is_where_flow_md_says(steps: list[Step], step: Step) -> None:
    assert step.function in defined(step.file)
    for number in step.callers:
        caller = steps[number - 1]
        assert step.function in names(caller.file), f"{caller.file} does not call {step.function}"
        assert joined(step, caller), f"nothing joins {caller.file} and {step.file}"
