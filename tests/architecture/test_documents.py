"""Documents that cannot go stale unnoticed: settings, flow, commands, changelog."""

import ast
import itertools
import re
import subprocess
from pathlib import Path

import pytest

from hearth.settings import PREFIX, Settings
from tests import shape
from tests.architecture.commands import commands

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shown() -> list[list[str]]:
    """Return the words after `hearth` in every command that the README shows, in blocks and in lines."""
    blocks = "\n".join(re.findall("```sh\n(.*?)```", README, re.DOTALL))
    lines = re.findall(r"^(?:.*\$\()?hearth ([^#\n]*)", blocks, re.MULTILINE) + re.findall(r"`hearth ([^`]+)`", README)
    return [line.split() for line in lines]


def test_each_setting_has_its_heading_and_default() -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^## (\S+)\n\nDefault: (.+)$", text, re.MULTILINE))
    assert documented == {PREFIX + name.upper(): default(name) for name in Settings.model_fields}
    assert re.findall(r"^## (\S+)", text, re.MULTILINE) == list(documented)


def default(name: str) -> str:
    value = Settings.model_fields[name].default
    shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return "none" if shown is None else f"`{shown}`"


def test_commands_in_the_readme_exist_with_their_options() -> None:
    known = commands()
    assert len(shown()) > 15
    for words in shown():
        name = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in known), None)
        assert name is not None, f"hearth {' '.join(words)}"
        options = {option for parameter in known[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, words


def test_the_readme_lists_every_command() -> None:
    listed = set(re.findall(r"^\| `hearth ([^`]+)` \|", README, re.MULTILINE))
    assert {" ".join(name) for name in commands()} == listed


def test_every_command_explains_itself() -> None:
    assert [name for name, command in commands().items() if not command.help] == []


def test_make_targets_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)(?=`| +#)", README)) <= targets


@pytest.mark.parametrize("page", ["README.md", *(str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("docs/**/*.md")))])
def test_files_named_in_documents_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)+(?:\.py|\.sql|\.toml|\.md|\.csv\.gz|/))`", text)
    linked = re.findall(r"\]\((?!http|#)([^)#]+)", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [link for link in linked if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_changelog_has_unreleased_on_top() -> None:
    headings = re.findall("^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_decisions_are_numbered_without_gaps() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [page.name[:5] for page in pages] == [f"{n:04}-" for n in range(1, len(pages) + 1)]
    for page in pages:
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]} ")


def test_no_file_tells_of_a_machine_or_a_registry() -> None:
    registries = ("pypi" + ".org", "files.python" + "hosted.org", "deb." + "debian.org", "registry.npm" + "js.org")
    machine = re.compile(rb"(?<![\w.*~-])/(?:work|root|home)/\w")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    files = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    assert len(files) > 100
    telling = [
        f for f in files if machine.search(text := f.read_bytes()) or any(r.encode() in text for r in registries)
    ]
    assert telling == []


def test_no_page_holds_both_sides_of_a_merge() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]
    assert [page for page in pages if re.search("^(<{7}|>{7}) ", page.read_text(encoding="utf-8"), re.MULTILINE)] == []


def test_the_glossary_has_every_type_of_the_domain_and_no_other() -> None:
    terms = set(re.findall(r"`([A-Z]\w+)`", (ROOT / "docs/glossary.md").read_text(encoding="utf-8")))
    classes = {
        file: {node.name for node in shape.tree(file).body if isinstance(node, ast.ClassDef)}
        for file in shape.modules().values()
    }
    domain = {name for file, names in classes.items() if file.startswith("domain/") for name in names}
    assert {name for name in domain if not name.startswith("_")} - terms == set()
    assert terms - set().union(*classes.values()) == set()


@pytest.mark.parametrize("page", ["README.md", *(str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("docs/*.md")))])
def test_commands_to_type_are_run_by_a_test_or_marked_as_shown_only(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    for before, line in itertools.pairwise(lines):
        if line == "```sh":
            mark = re.fullmatch(r"<!-- (?:shown only|run by (tests/\S+\.py)) -->", before)
            assert mark is not None, f"{page}: say above the block which test runs it, or that it is shown only"
            assert mark[1] is None or page in (ROOT / mark[1]).read_text(encoding="utf-8"), f"{mark[1]} knows no {page}"
