"""The public face: what `from rag import` gives, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import rag
from tests.helpers import run

HEAVY = ["torch", "numpy", "faiss", "gradio", "llama_cpp", "transformers", "sentence_transformers", "sqlite3", "typer", "rich"]


def test_all_is_pinned() -> None:
    assert rag.__all__ == [
        "Answer",
        "AsyncChatbot",
        "BuildReport",
        "Chatbot",
        "Chunker",
        "Citation",
        "Delta",
        "Document",
        "Embedder",
        "Evidence",
        "Filter",
        "Found",
        "Generator",
        "Hit",
        "Index",
        "LlamaCpp",
        "Passage",
        "SentenceTransformerEmbedder",
        "Settings",
        "ShawahidError",
        "Span",
        "Status",
        "Turn",
        "add_documents",
        "build_index",
        "open_chatbot",
        "open_embedder",
        "open_generator",
        "open_translator",
        "read_document",
        "read_documents",
        "remove_documents",
        "update_documents",
    ]
    assert dir(rag) == rag.__all__


@pytest.mark.parametrize("name", rag.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(rag, name).__name__ == name


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="'rag' has no attribute 'Nonsense'"):
        _ = rag.Nonsense


def test_importing_is_instant_and_light() -> None:
    script = f"""
import json, sys, time
started = time.perf_counter()
import rag
seconds = time.perf_counter() - started
print(json.dumps([seconds, [name for name in {HEAVY!r} if name in sys.modules]]))
"""
    attempts = []
    for _ in range(3):  # the machine may be busy: the best of three
        code, out, err = run("-c", script)
        assert code == 0, err
        seconds, loaded = json.loads(out)
        assert loaded == []
        attempts.append(seconds)
    assert min(attempts) < 0.3


def test_the_command_line_answers_help_without_the_engines() -> None:
    script = f"""
import sys
import rag.cli.main
print([name for name in {HEAVY[:6]!r} if name in sys.modules and name != "numpy"])
"""
    code, out, err = run("-c", script)
    assert code == 0, err
    assert out.strip() == "[]"


def test_the_package_is_marked_as_typed() -> None:
    from importlib import resources

    assert resources.files("rag").joinpath("py.typed").is_file()


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "rag", "--help"], capture_output=True, text=True, encoding="utf-8", check=True)
    for command in ("build", "search", "ask", "chat", "info", "verify", "models", "doctor"):
        assert command in done.stdout
