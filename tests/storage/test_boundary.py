"""Storage is a boundary: SQL and connections stay behind it, and one module writes files, locks and finds the user's folders."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT

STATEMENTS = r"SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(VIRTUAL\s+)?TABLE|PRAGMA"
SQL = re.compile(rf"\s*({STATEMENTS})\s", re.DOTALL)
CALLS = frozenset({"execute", "executemany", "executescript", "connection"})
WITHIN = frozenset(
    "checked_rows chroma_file connections database database_readers keywords sql_schema sqlite_errors staging vector_rows verify".split()
)
"""The modules of the store that hold SQL or a connection."""
MODULES = sorted(path.relative_to(ROOT) for folder in ("rag", "bench", "tools") for path in (ROOT / folder).rglob("*.py"))
STORE = Path("rag/storage")


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def of_the_store(source: str) -> list[str]:
    """What of a module belongs behind the boundary."""
    tree = ast.parse(source)
    found = [name for name in imported(tree) if name == "sqlite3"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            found.append(f".{node.func.attr}()")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            found.append(node.value[:40])
    return found


@pytest.mark.parametrize(
    "source", ["import sqlite3", "db.execute(x)", "store.connection()", "q = 'SELECT a FROM b WHERE c'", "q = f'UPDATE b SET {c} = 1'"]
)
def test_what_belongs_behind_the_boundary_is_seen(source: str) -> None:
    assert of_the_store(source)
    assert not of_the_store("'Select one from the list.'; text.replace('a', 'b')")


def test_sql_stays_behind_the_boundary() -> None:
    outside = [module for module in MODULES if not (module.parent == STORE and module.stem in WITHIN)]
    found = {str(module): said for module in outside if (said := of_the_store((ROOT / module).read_text(encoding="utf-8")))}
    assert found == {}
    assert {name for name in WITHIN if STORE / f"{name}.py" not in MODULES} == set()


def test_one_module_locks_flushes_and_finds_the_users_folders() -> None:
    """But for files that are appended to, or overwritten in place."""
    modules = [module for module in MODULES if module.parts[0] == "rag"]
    sources = {str(module): (ROOT / module).read_text(encoding="utf-8") for module in modules}
    assert [name for name, source in sources.items() if {"filelock", "platformdirs"} & set(imported(ast.parse(source)))] == ["rag/files.py"]
    flushing = [name for name, source in sources.items() if "fsync(" in source]
    assert flushing == [
        "rag/evaluation/records.py",
        "rag/files.py",
        "rag/models/download.py",
        "rag/storage/faiss_layout.py",
    ]
