"""The translator on the real model: an adapter of random numbers reaches the engine, and the one that ships translates both ways."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rag.answering.translation import is_shown
from rag.models import translator as module
from rag.models.translator import LlamaTranslator
from tests.adapters_made import write_adapter
from tests.helpers import model

pytestmark = pytest.mark.integration

NAME = "gemma-3-270m-q4_k_m"
SENTENCES = {
    ("en", "ar"): ["The library opens at 9 in the morning."],
    ("ar", "en"): ["تفتح المكتبة في الساعة 9 صباحا.", "خلال ثلاثين يوما من تاريخ التبليغ", "مجلس الوزراء"],
}


@pytest.fixture(scope="module")
def base() -> Path:
    return model(NAME, "translator")


@pytest.fixture(scope="module")
def shipped(base: Path, tmp_path_factory: pytest.TempPathFactory) -> LlamaTranslator:
    if not module._DEFAULT.is_file():
        pytest.skip(f"the adapter is not in this checkout: {module._DEFAULT}")
    return LlamaTranslator(base, NAME, tmp_path_factory.mktemp("cache"))


def test_the_engine_takes_the_adapter_as_it_was_trained(base: Path, tmp_path: Path) -> None:
    """One of zeros changes nothing; one of large numbers changes what is written."""
    written = []
    for size in (0.0, 0.3):
        own = LlamaTranslator(base, NAME, tmp_path / "cache", adapter=write_adapter(tmp_path, size))
        engine = own._load()
        prompt = [engine.first, *engine.tokenize("English: the library\nArabic:")]
        engine.decode([module.BatchToken(token, at, 0, at == len(prompt) - 1) for at, token in enumerate(prompt)])
        written.append(engine.logits(len(prompt) - 1).copy())
        own.close()
    plain = module.LlamaEngine(base, NAME, 1024, own._threads, 8, chat=False)
    plain.decode([module.BatchToken(token, at, 0, at == len(prompt) - 1) for at, token in enumerate(prompt)])
    logits = plain.logits(len(prompt) - 1).copy()
    plain.close()
    assert abs(logits - written[0]).max() < 1e-4
    assert abs(logits - written[1]).max() > 1


@pytest.mark.parametrize(("source", "target"), list(SENTENCES))
def test_phrases_and_sentences_are_translated_and_pass_the_rules(shipped: LlamaTranslator, source: str, target: str) -> None:
    texts = SENTENCES[source, target]
    translated = shipped.translate(texts, source, target)
    assert [is_shown(text, own, target) for text, own in zip(texts, translated, strict=True)] == [True] * len(texts), translated
    assert shipped.translate(texts[:1], source, target) == translated[:1]


def test_a_sentence_takes_less_than_some_seconds_even_on_a_busy_machine(shipped: LlamaTranslator) -> None:
    shipped.translate(["the library"], "en", "ar")
    started = time.perf_counter()
    shipped.translate(["The director of the library is appointed by the council for a period of three years."], "en", "ar")
    assert time.perf_counter() - started < 10
