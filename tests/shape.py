"""The shape of the house in figures, as JSON: `python -m tests.shape`. tests/architecture/test_shape.py holds them."""

import ast
import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
ROOMS = (
    "domain",
    "store",
    "archives",
    "alerts",
    "ingest",
    "insight",
    "registry",
    "papers",
    "api",
    "dashboards",
    "hearth",
    "sim",
    "local",
)
COMMON_ALIASES = frozenset({"np", "npt", "pa", "pc", "pq"})  # numpy's and pyarrow's own
MOST_PARAMETERS = 6
Function = ast.FunctionDef | ast.AsyncFunctionDef
STEP = re.compile(r"^\| (\d+) \| `([\w/]+\.py)` \| `(\w+)` \|([^|]*)\|", re.MULTILINE)


class Step(NamedTuple):
    """A step of a way: a function in a file, and the numbers of the steps that call it."""

    number: int
    file: str
    function: str
    callers: list[int]


@cache
def tree(file: str) -> ast.Module:
    """Parse a file, named from the root."""
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


@cache
def nodes(file: str) -> list[ast.AST]:
    """Return everything that a file says, parsed."""
    return list(ast.walk(tree(file)))


def said(path: Path) -> list[ast.AST]:
    """Return everything that a file says, parsed once for all that read it."""
    return nodes(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))


def modules() -> dict[str, str]:
    """Return the file of every module of the product, by dotted name."""
    files = [path.relative_to(ROOT) for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {str(file.with_suffix("")).replace("/", ".").removesuffix(".__init__"): str(file) for file in files}


def functions(file: str) -> Iterator[Function]:
    """Yield every function and method of a file."""
    for node in nodes(file):
        if isinstance(node, Function):
            yield node


def parameters(function: Function) -> int:
    """Count what a caller passes."""
    args = function.args
    return len([a for a in (*args.posonlyargs, *args.args, *args.kwonlyargs) if a.arg not in ("self", "cls")])


def over_6_parameters(files: list[str]) -> list[str]:
    """Return the functions to which a caller passes more."""
    return [f"{file}: {node.name}" for file in files for node in functions(file) if parameters(node) > MOST_PARAMETERS]


def imports(file: str, known: dict[str, str]) -> set[str]:
    """Return the modules of the product that a file imports."""
    found = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found & known.keys()


def circles(known: dict[str, str]) -> list[list[str]]:
    """Return the groups of modules that import each other in a circle (strongly connected components)."""
    graph = {name: imports(file, known) - {name} for name, file in known.items()}
    reached: dict[str, set[str]] = {}
    for name in graph:
        seen, waiting = set[str](), [name]
        while waiting:
            for other in graph[waiting.pop()] - seen:
                seen.add(other)
                waiting.append(other)
        reached[name] = seen
    groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in graph}
    return sorted(sorted(group) for group in groups if group)


def defined_twice(files: list[str]) -> dict[str, list[str]]:
    """Return the public classes that are defined in more than one file."""
    where = defaultdict(list)
    for file in files:
        for node in tree(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where[node.name].append(file)
    return {name: places for name, places in sorted(where.items()) if len(places) > 1}


def aliases(files: list[str]) -> list[str]:
    """Return the imports under another name."""
    return [
        f"{file}: {alias.name} as {alias.asname}"
        for file in files
        for node in nodes(file)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname and alias.asname != alias.name and alias.asname not in COMMON_ALIASES
    ]


def used_once(files: list[str]) -> int:
    """Count private functions of modules that their file calls in one place only."""
    count = 0
    for file in files:
        names = Counter(node.id for node in nodes(file) if isinstance(node, ast.Name))
        private = [node.name for node in tree(file).body if isinstance(node, Function) and node.name.startswith("_")]
        count += sum(names[name] == 1 for name in private)
    return count


def unused() -> list[str]:
    """Return the constants, classes and functions of modules, of tests too, that nothing mentions.

    A text that is a name counts, as `monkeypatch` and uvicorn mention names so; what a decorator takes is used by it.
    """
    files = sorted(str(p.relative_to(ROOT)) for room in (*ROOMS, "bench", "tests") for p in (ROOT / room).rglob("*.py"))
    mentioned = {name for file in files for node in nodes(file) for name in _mentions(node)}
    return [
        f"{file}: {name}"
        for file in files
        for node in tree(file).body
        for name in _defines(node)
        if name not in mentioned and not re.match(r"test_|pytest|Test", name)
    ]


def _mentions(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
            return [name]
        case ast.Constant(value=str(text)) if re.fullmatch(r"[\w.:]+", text):
            return re.findall(r"\w+", text)
        case _:
            return []


def _defines(node: ast.stmt) -> list[str]:
    match node:
        case ast.Assign(targets=targets):
            return [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name, decorator_list=[]):
            return [name]
        case _:
            return []


def ways() -> dict[str, list[Step]]:
    """Read the three ways that docs/flow.md tells step by step, by their headings."""
    found = {}
    for part in (ROOT / "docs/flow.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        steps = [
            Step(int(number), file, function, [int(caller) for caller in re.findall(r"\d+", callers)])
            for number, file, function, callers in STEP.findall(part)
        ]
        if steps:
            found[part.partition("\n")[0]] = steps
    return found


def spread(values: list[int]) -> dict[str, float]:
    """Summarise lengths: median, 90th percentile and maximum."""
    return {"median": statistics.median(values), "p90": statistics.quantiles(values, n=10)[-1], "max": max(values)}


def module_lines(files: list[str]) -> dict[str, float]:
    """Summarise how long modules are."""
    return spread([(ROOT / file).read_text(encoding="utf-8").count("\n") for file in files])


def function_lines(files: list[str]) -> dict[str, float]:
    """Summarise how long functions are."""
    return spread([(node.end_lineno or 0) - node.lineno + 1 for file in files for node in functions(file)])


def files_on_ways() -> dict[str, int]:
    """Count the files that a reader opens on each way."""
    return {name: len({step.file for step in steps}) for name, steps in ways().items()}


def shape() -> dict[str, Any]:
    """Measure the product's code."""
    known = modules()
    files = list(known.values())
    return {
        "modules": len(files),
        "module_lines": module_lines(files),
        "functions": sum(1 for file in files for _ in functions(file)),
        "function_lines": function_lines(files),
        "circles": circles(known),
        "names_defined_twice": defined_twice(files),
        "aliases": aliases(files),
        "over_6_parameters": over_6_parameters(files),
        "unused": unused(),
        "private_helpers_used_once": used_once(files),
        "ways": files_on_ways(),
    }


if __name__ == "__main__":
    print(json.dumps(shape(), indent=2))
