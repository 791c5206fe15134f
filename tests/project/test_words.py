"""The words of the repository: its name, the commands it gives, and the English of its documentation strings."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import InvalidRequirement, Requirement

from tests.helpers import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OLD_NAMES = ["is" + "nad", "إسن" + "اد"]
"""What the project was called before. Written in two parts, so that this file does not hold them."""
WRITTEN = ROOT / "training/questions"
"""What documents say, where the old name is a word like any other."""
BINARY = {".safetensors", ".png", ".pdf", ".woff2"}


def tracked() -> list[Path]:
    """Return every file under version control; skip the test where there is none."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    paths = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


# --- the name ------------------------------------------------------------------------------------------------------------


def holds_old_name(text: str) -> bool:
    return any(name in text.casefold() for name in OLD_NAMES)


def test_no_file_has_the_old_name_or_holds_it() -> None:
    found = [path for path in tracked() if holds_old_name(path.relative_to(ROOT).as_posix())]
    found += [path for path in tracked() if path.parent != WRITTEN and holds_old_name(path.read_bytes().decode("utf-8", "replace"))]
    assert found == []


@pytest.mark.parametrize("text", ["{}", "the {}-app", "{}_HOST=1", "برنامج {} للوثائق"])
@pytest.mark.parametrize("name", [*OLD_NAMES, OLD_NAMES[0].upper(), OLD_NAMES[0].title()])
def test_the_old_name_is_recognised_in_either_case_and_script(text: str, name: str) -> None:
    assert holds_old_name(text.format(name))


# --- the commands --------------------------------------------------------------------------------------------------------


def installs(text: str) -> list[list[str]]:
    """Return the arguments of every `pip install` in a text, up to where its line, quotation or comment ends."""
    found = []
    for line in re.findall(r"pip install((?: +(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s`)،。#\"']+))+)", text):
        words = shlex.split(line)
        ends = next((n for n, word in enumerate(words) if word.endswith((".", ",")) and word != "."), len(words))
        found.append([word.rstrip(".,") if word != "." else word for word in words[: ends + 1]])
    return found


def is_ours(word: str) -> bool:
    """Return whether an argument of `pip install` names this checkout, its wheel or a declared dependency."""
    extras = PROJECT["optional-dependencies"]
    if match := re.fullmatch(r"\.(?:\[([a-z,]+)\])?", word):
        return match[1] is None or set(match[1].split(",")) <= set(extras)
    if match := re.fullmatch(r"dist/shawahid-[\w.*-]+\.whl(?:\[([a-z,]+)\])?", word):
        return match[1] is None or set(match[1].split(",")) <= set(extras)
    lines = [*PROJECT["dependencies"], *(line for own in extras.values() for line in own if not line.startswith("shawahid["))]
    declared = [Requirement(line) for line in lines]
    try:
        named = Requirement(word)
    except InvalidRequirement:
        return False
    return any(each.name.casefold() == named.name.casefold() and named.extras <= each.extras for each in declared)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Run: pip install 'mcp>=2,<3'", ["mcp>=2,<3"]),
        ("`pip install '.[mcp]'` from a clone, then", [".[mcp]"]),
        ("pip install watchfiles. Without it, run", ["watchfiles"]),
        ("نفّذ: pip install 'pymilvus>=3' 'milvus-lite>=3.2'", ["pymilvus>=3", "milvus-lite>=3.2"]),
        ("pip install .   # from a clone", ["."]),
    ],
)
def test_the_arguments_of_an_installation_are_found(text: str, words: list[str]) -> None:
    assert installs(text) == [words]


@pytest.mark.parametrize("word", [".", ".[mcp]", ".[mcp,watch]", "mcp>=2,<3", "ray[data]>=2.50", "dist/shawahid-0.1.0-py3-none-any.whl"])
def test_what_is_ours_or_declared_may_be_installed(word: str) -> None:
    assert is_ours(word)


@pytest.mark.parametrize("word", ["shawahid", "shawahid[mcp]", OLD_NAMES[0] + "[mcp]", ".[pdf]", "ray[tune]", "fitz", "dist/other-1.0.whl"])
def test_what_belongs_to_others_may_not(word: str) -> None:
    assert not is_ours(word)


def test_no_document_or_message_installs_what_is_not_ours() -> None:
    """Until Shawahid is published, `pip install shawahid` would install whatever somebody else puts on the index under that name."""
    wrong = []
    for path in tracked():
        if path.suffix in BINARY or path == Path(__file__) or path.name in {"Dockerfile", "Makefile"}:
            continue
        text = path.read_text(encoding="utf-8")
        for words in installs(text):
            listed = {after for option, after in pairwise(words) if option == "-r" and (ROOT / after).is_file()}
            wrong += [(path.name, word) for word in words if not word.startswith("-") and word not in listed and not is_ours(word)]
    assert wrong == []


@pytest.mark.parametrize("name", ["Makefile"])  # tests/project/test_deploy.py has the Dockerfile
def test_the_build_files_install_from_lists_that_are_kept_here(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    listed = re.findall(r"-r (\S+)", text)
    assert text.count("pip install") == len(listed) == 1
    assert (ROOT / listed[0].removeprefix("/tmp/")).is_file()


# --- documentation strings -----------------------------------------------------------------------------------------------

BANNED = re.compile(r"\b(tells?|told|beside|anew|so many|parted|heed(?:s|ed)?|whoever|foretold)\b", re.IGNORECASE)
"""Words that a native reader stumbles over; plain ones say the same: reports, next to, again, that many, separated, obeys, anyone."""
NOUN_SHAPE = re.compile(r"(?:The|An?|Whether|Those|Every|All|Each|What|Where|How|Who|Which|By what|For each) ")
"""How the documentation of a value begins. A function that returns something says "Return …"."""


def documentation(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every documentation string, those of attributes and constants included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def noun_shaped(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the public functions that act, or return something, and whose documentation begins as that of a value."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        is_value = any("property" in ast.unparse(each) for each in node.decorator_list)
        if not is_value and NOUN_SHAPE.match(ast.get_docstring(node) or ""):
            yield node.lineno, node.name


def test_the_rules_for_documentation_strings_find_what_they_are_for() -> None:
    source = '''
class Thing:
    """A thing beside another."""

    limit: int = 3
    """So many at once."""

    @property
    def size(self) -> int:
        """The size, in bytes."""

    def find(self) -> int:
        """The place of it."""

    def _inner(self) -> int:
        """The place of it."""

    def keep(self) -> int:
        """Return the place of it."""
'''
    tree = ast.parse(source)
    assert [line for line, text in documentation(tree) if BANNED.search(text)] == [3, 6]
    assert [name for _, name in noun_shaped(tree)] == ["find"]


@pytest.mark.parametrize("path", sorted((ROOT / "rag").rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documentation_strings_are_plain_and_say_what_a_function_does(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [(line, BANNED.findall(text)) for line, text in documentation(tree) if BANNED.search(text)] == []
    assert list(noun_shaped(tree)) == []
