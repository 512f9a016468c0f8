"""The English of the field: docstrings begin with a verb, and nothing reads like a translation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import shape

ROOT = Path(__file__).parents[2]
# Folders, one a line, that are held to it.
ROOMS = (
    "alerts",
    "api",
    "archives",
    "bench",
    "dashboards",
    "docs",
    "domain",
    "hearth",
    "ingest",
    "insight",
    "local",
    "papers",
    "registry",
    "sim",
    "store",
    "tests",
)  # fmt: skip
TEXTS = (".py", ".md", ".sql", ".html", ".toml", ".yml")
REFUSED = re.compile(
    r"\b(anew|mend(s|ed|ing)?|whoever|whomever|whom|by the heap|in vain|of ours|takes us in|is had|are had)\b",
    re.IGNORECASE,
)
HEADLESS = re.compile(r"(who|whom|whose|what|whatever|whether|how|why|where|when|which)[,.:;]?", re.IGNORECASE)
# What begins a noun phrase or a half sentence. A plural noun and "Returns" both end in s; few verbs do.
NO_VERB = re.compile(
    r"(an?|the|all|any|both|each|every|either|neither|no|none|one|two|three|some|many|most|more|much|few|other|another|"
    r"its?|this|that|these|those|they|there|he|she|we|you|i|as|at|by|for|from|in|into|of|on|over|per|since|than|to|"
    r"under|until|up|upon|with|within|without|between|before|after|behind|beside|during|about|above|below|if|so|then|"
    r"not|never|only|else|and|or|but|because|while|although|somebody|something|nobody|nothing|everybody|everything|new)"
    r"[,.:;]?",
    re.IGNORECASE,
)
VERBS_IN_S = ("pass", "process", "compress", "press", "discuss", "address", "guess", "cross", "express", "dismiss")


def docstrings(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield each docstring's line, its text, and whether it is a function's that has to begin with a verb."""
    for node in shape.said(path):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if not (text := ast.get_docstring(node)):
            continue
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        yield (getattr(node, "lineno", 1), text, is_function and acts(node))


def acts(node: ast.AST) -> bool:
    """Return whether a function does something under its name: no property, no test, no fixture."""
    decorators = " ".join(ast.unparse(one) for one in getattr(node, "decorator_list", []))
    return not (getattr(node, "name", "").startswith("test_") or re.search(r"property|fixture", decorators))


def is_verb(word: str) -> bool:
    """Return whether a word can be the verb that a docstring begins with, as far as its form tells."""
    plain = word.strip(",.:;").lower()
    if not word[:1].isupper() or not plain.isalpha() or word.isupper() or NO_VERB.fullmatch(word):
        return False
    return not plain.endswith("s") or plain in VERBS_IN_S


def faults(room: Path) -> list[str]:
    """Return what is no plain English in the files of a folder."""
    found = []
    for path in sorted(p for p in room.rglob("*") if p.suffix in TEXTS and p != Path(__file__)):
        name = path.relative_to(ROOT)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found += [f"{name}:{number}: {match[0]}" for match in REFUSED.finditer(line)]
        if path.suffix == ".py":
            for number, text, has_to_act in docstrings(path):
                first = text.split()[0]
                if HEADLESS.fullmatch(first) or (has_to_act and not is_verb(first)):
                    found.append(f"{name}:{number}: begins with {first!r}")
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_the_english_is_plain(room: str) -> None:
    assert faults(ROOT / room) == []


@pytest.mark.parametrize(
    "line", ['"""What it is."""', "# in vain\n", "def f():\n    '''The sum.'''", "def f():\n    '''Returns it.'''"]
)
def test_what_is_not_plain_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "a.py").write_text(line)
    assert len(faults(tmp_path)) == 1


# Rooms whose texts people read. What files and messages may say in Chinese (registry, ingest, store) and the names of
# the simulator's places are data.
TALKING = ("alerts", "api", "dashboards", "domain", "hearth", "papers")


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each string of a file that is no docstring, with its line."""
    nodes = shape.said(path)
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = [node.body[0] for node in nodes if isinstance(node, kinds) and node.body]
    texts = {id(statement.value) for statement in first if isinstance(statement, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.lineno, node.value


def strays(root: Path) -> list[str]:
    """Return the Chinese literals of the product that stand outside of the words of a room."""
    return [
        f"{path.relative_to(root)}:{number}: {text}"
        for room in TALKING
        for path in sorted((root / room).rglob("*.py"))
        if "words" not in path.relative_to(root).parts
        for number, text in literals(path)
        if re.search(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]", text)
    ]


def test_a_text_stands_with_the_words_of_its_room(tmp_path: Path) -> None:
    assert strays(ROOT) == []
    (tmp_path / "api/words").mkdir(parents=True)
    for name in ("api/home.py", "api/words/home.py"):
        (tmp_path / name).write_text('"""室温."""\nTITLE = f"{n}室温"\n', encoding="utf-8")
    assert strays(tmp_path) == ["api/home.py:2: 室温"]


def test_templates_join_words_by_no_half_width_mark() -> None:
    """A mark behind a word of either language is a mark of one of them."""
    slips = re.compile(r"\}\}[,;:!?](?: |$)")
    templates = sorted((ROOT / "api/pages/templates").rglob("*.html"))
    assert len(templates) > 60
    found = [
        f"{path.name}: {line.strip()}"
        for path in templates
        for line in path.read_text(encoding="utf-8").splitlines()
        if slips.search(line)
    ]
    assert found == []


def test_chinese_has_punctuation_of_its_own() -> None:
    """A half-width mark beside a Chinese character is a slip; brackets of code and of clause numbers are none."""
    rooms = (
        "domain",
        "papers",
        "api",
        "dashboards",
        "alerts",
        "registry",
        "store",
        "archives",
        "insight",
        "ingest",
        "hearth",
    )
    slips = re.compile(r"[\u4e00-\u9fff][,;:?!]|(?<!\))[,;:?!][\u4e00-\u9fff]")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for room in rooms
        for path in sorted((ROOT / room).rglob("*"))
        if path.suffix in (".py", ".html", ".md")
        for line in path.read_text(encoding="utf-8").splitlines()
        if '"""' not in line and slips.search(line)
    ]
    assert found == []
