"""Once with the real models, from the question to the highlighted sentence, in each language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rag.config import Settings
from rag.factory import open_chatbot, open_embedder
from rag.models.installed import profile
from rag.server import site
from rag.service.service import Service
from rag.storage.build import build_index
from tests.browser.conftest import Opener
from tests.browser.scene import Scene
from tests.browser.test_window import ask
from tests.helpers import ROOT, model
from tests.serving import listening

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    pytest.importorskip("gradio", reason="gradio is not installed")
    chosen = profile("light")
    model(chosen.embedder, "embedder")
    model(chosen.generator, "generator")
    folder = tmp_path_factory.mktemp("real")
    settings = Settings(profile="light", documents=ROOT / "seeds", index=folder / "index")
    build_index(settings.documents, settings.index, open_embedder(settings)[0])
    service = Service(lambda: open_chatbot(settings))
    with listening(service, site(service)) as address:
        yield Scene(f"{address}/", service, None, folder)


@pytest.mark.parametrize(
    ("language", "question", "said"),
    [
        ("ar", "من هو المحامي الذي وجّه الرسالة إلى مايكروسوفت؟", "سبيرو"),
        ("en", "How much has Microsoft invested in the maker of ChatGPT?", "13"),
    ],
)
def test_a_real_question_leads_to_the_sentence_that_proves_its_answer(
    visit: Opener, real: Scene, language: str, question: str, said: str
) -> None:
    page: Any = visit(real, language=language)
    page.set_default_timeout(180_000)
    turn = ask(page, question)
    assert said in turn.locator(".answer").inner_text()
    turn.locator("a.cite").first.click()
    page.wait_for_selector(".source.active mark")
    marked = "".join(page.locator(".source.active mark").all_inner_texts())  # the words that answer are a mark of their own in the sentence
    assert said in marked
    article = next((ROOT / "seeds").glob("*.txt")).read_text(encoding="utf-8")
    assert " ".join(marked.split()) in " ".join(article.split())
    page.locator(".source.active .feet button").first.click()
    page.wait_for_selector("dialog[data-loaded]")
    assert said in "".join(page.locator("dialog mark").all_inner_texts())
