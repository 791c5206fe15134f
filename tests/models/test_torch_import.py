"""torch without the tables of its compiler, and with them again, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PREFIX = "import sys; from rag.models.torch_import import lean_torch, whole_torch\n"


def run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", _PREFIX + script], capture_output=True, text=True, check=True).stdout.strip()


def test_the_tables_are_left_out_and_brought_back() -> None:
    name = "sys.modules['torch._meta_registrations'].__spec__"
    found = run(f"lean_torch(); import torch; print({name} is None); whole_torch(); print({name}.name); whole_torch()")
    assert found.split() == ["True", "torch._meta_registrations"]


def test_brought_back_before_torch_it_is_imported_with_them() -> None:
    found = run("lean_torch(); whole_torch(); import torch; print(sys.modules['torch._meta_registrations'].__spec__.name)")
    assert found == "torch._meta_registrations"


def test_what_is_imported_already_stays_whole() -> None:
    found = run("import torch; lean_torch(); whole_torch(); print(len(dir(torch._meta_registrations)) > 100)")
    assert found == "True"


def test_a_linear_layer_computes_without_them() -> None:
    found = run(
        "lean_torch(); import torch; print(torch.nn.functional.linear(torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0]])).tolist())"
    )
    assert found == "[11.0]"  # 1 · 3 + 2 · 4


@pytest.mark.parametrize(("own", "expected"), [("", "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_without_spinning_from_the_first_import_of_torch_on(tmp_path: Path, own: str, expected: str) -> None:
    """Opening an embedder decides it, before anything imports torch; what the environment says stays."""
    (tmp_path / "modules.json").write_text("[]")
    code = """
import os, sys
from pathlib import Path
from rag.models.embedder import SentenceTransformerEmbedder
SentenceTransformerEmbedder(Path(sys.argv[1]), "own")
print("torch" in sys.modules, os.environ["OMP_WAIT_POLICY"])
"""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | (
        {"OMP_WAIT_POLICY": own} if own else {}
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", expected]
