"""`shawahid run`: everything from a wheel to the open window, with doubles for models and server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rag.models.installed
import rag.server
from rag.cli import serving
from rag.cli.serving import has_screen, run
from rag.config import Settings
from rag.errors import ConsentNeeded
from rag.models import advice
from rag.retrieval.index import Index
from rag.testing import HashEmbedder


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that were served; nothing is downloaded, and the window opens in no browser."""
    calls: list[Settings] = []

    def provide(profile: Any, *, accept_terms: Callable[[Any], bool], follow: Callable[[Any], Any]) -> tuple[Any, tuple[()]]:
        entry = rag.models.installed.catalogue()[profile.embedder]
        if entry.consent and not accept_terms(entry):
            raise ConsentNeeded("models.consent", name=entry.name, licence=entry.licence, terms=entry.terms, command="…")
        follow(entry)(5, 10, "models.step_fetch")
        return profile, ()

    def serve(settings: Settings, door: Any, *, ready: Callable[[str], None]) -> None:
        calls.append(settings)
        ready("http://127.0.0.1:7860")

    for name in ("SHAWAHID_DOCUMENTS", "SHAWAHID_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(rag.models.installed, "provide", provide)
    monkeypatch.setattr(rag.server, "serve_settings", serve)
    monkeypatch.setattr(serving, "open_embedder", lambda settings: HashEmbedder())
    monkeypatch.setattr(serving, "user_data", lambda: tmp_path / "data")
    return calls


def test_a_folder_is_indexed_and_served(served: list[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(serving.webbrowser, "open", opened.append)
    monkeypatch.setattr(serving, "has_screen", lambda: True)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.txt").write_text("The fee is 40 dirhams.", encoding="utf-8")
    run(tmp_path / "documents", accept_terms=True, port=0)
    run(tmp_path / "documents", accept_terms=True, browser=False)
    first, second = served
    assert first.index == second.index  # the same folder, the same index
    assert (first.port, second.port) == (0, 7860)
    assert opened == ["http://127.0.0.1:7860"]
    with Index.open(first.index, HashEmbedder()) as index:
        assert index.document("a.txt") is not None


def test_without_a_folder_the_page_about_shawahid_answers(served: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    run(accept_terms=True, browser=False)
    assert "shawahid run FOLDER" in " ".join(capsys.readouterr().err.split())
    with Index.open(served[0].index, HashEmbedder()) as index:
        found = {index.search(question)[0].passage.document_id for question in ("How to add documents?", "كيف تضيف وثائق؟")}
    assert found == {"welcome.md", "مرحبا.md"}


@pytest.mark.parametrize(
    ("generator", "engine", "wanted"),
    [
        ("", True, "qwen2.5-coder-1.5b-instruct-q4_k_m"),
        ("", False, ""),  # without the engine a model would lie idle
        ("qwen3-4b-q4_k_m", True, "qwen3-4b-q4_k_m"),
        ("recommended", True, "gemma-4-e4b-it-q4_k_m"),
        ("none", True, ""),
        ("http://host:8000/v1#m", True, ""),
    ],
)
def test_the_generator_that_is_used_is_fetched(generator: str, engine: bool, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "missing", lambda extra: [] if engine else ["llama-cpp-python"])
    monkeypatch.setattr(advice, "memory", lambda: (9 * 2**30, 16 * 2**30))
    chosen = serving._wanted(Settings(generator=generator))
    assert (chosen.generator, chosen.embedder) == (wanted, "embeddinggemma-300m")


def test_terms_are_accepted_by_the_user_alone(served: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConsentNeeded):
        run(browser=False)  # no terminal to ask on
    assert "https://ai.google.dev/gemma/terms" in capsys.readouterr().err
    assert served == []


def test_a_browser_needs_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for platform, screen in (("linux", False), ("win32", True), ("darwin", True)):
        monkeypatch.setattr(serving.sys, "platform", platform)
        assert has_screen() is screen
    monkeypatch.setattr(serving.sys, "platform", "linux")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_screen()
