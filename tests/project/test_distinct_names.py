"""One name, one meaning: a class is called like no other of the package, and a local variable like no function of its module."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT

MODULES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "rag").rglob("*.py"))}
SAME_ON_PURPOSE = {"ShawahidAnswerer", "ShawahidRetriever"}
"""The same thing for three frameworks: whoever uses one of them never sees the others."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def classes(tree: ast.Module) -> Iterator[str]:
    """Yield the names of all classes, and of all type aliases, which read like classes: `Progress = Callable[[int, int], None]`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name[0].isupper() and not name.isupper():
                yield name


def shadows(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of each parameter and local variable that is called like a function or class of its module."""
    own = {node.name for node in tree.body if isinstance(node, Function | ast.ClassDef)}
    for function in ast.walk(tree):
        if not isinstance(function, Function):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.arg) and node.arg in own:
                yield node.lineno, node.arg
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in own:
                yield node.lineno, node.id
            elif isinstance(node, Function) and node is not function and node.name in own:
                yield node.lineno, node.name


def test_a_class_name_exists_once() -> None:
    homes = defaultdict(list)
    for module, tree in MODULES.items():
        for name in classes(tree):
            homes[name].append(module)
    twice = {name: modules for name, modules in homes.items() if len(modules) > 1 and name not in SAME_ON_PURPOSE}
    assert twice == {}


@pytest.mark.parametrize("module", MODULES)
def test_no_local_name_hides_a_function_of_its_module(module: str) -> None:
    assert sorted(set(shadows(MODULES[module]))) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("", []),
        ("def f(x):\n    y = x\n", []),
        ("def f(f):\n    pass\n", [(1, "f")]),
        ("def f():\n    pass\ndef g():\n    f = 1\n", [(4, "f")]),
        ("class A:\n    pass\ndef g(items):\n    return [A for A in items]\n", [(4, "A")]),
        ("def f():\n    pass\nclass B:\n    def g(self):\n        def f():\n            pass\n", [(5, "f")]),
        ("def f():\n    pass\nclass B:\n    def f(self):\n        pass\n", []),  # a method is reached through its object
    ],
)
def test_what_hides_is_found(source: str, found: list[tuple[int, str]]) -> None:
    assert sorted(set(shadows(ast.parse(source)))) == found


def test_aliases_count_as_classes_and_constants_do_not() -> None:
    assert list(classes(ast.parse("Progress = int\nLIMIT = 3\n_hidden = 2\nclass Line:\n    class Word: ...\n"))) == [
        "Line",
        "Word",
        "Progress",
    ]


def test_the_package_was_found() -> None:
    assert len(MODULES) > 100
    assert Path(ROOT / "rag/schema.py").is_file()
